package stage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/stage"
	"fd3/sockets/stage/stagetest"
)

// private is a private stage of this test's own, that is ended after it.
func private(t *testing.T) *stage.Private {
	t.Helper()
	p, err := stage.StartPrivate(nil, stage.Client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.End)
	return p
}

// order makes a private stage make a call that returns.
func order(t *testing.T, p *stage.Private, o stage.Order) sockets.Call {
	t.Helper()
	c, err := p.Do(t.Context(), o, nil)
	if err != nil || !c.Returned {
		t.Fatalf("%s: %v", o.Do, err)
	}
	return c
}

// must is order, of a call that succeeds.
func must(t *testing.T, p *stage.Private, o stage.Order) sockets.Call {
	t.Helper()
	c := order(t, p, o)
	if c.Errno != 0 {
		t.Fatal(c.Strace())
	}
	return c
}

func lookAt(t *testing.T, p *stage.Private) stage.State {
	t.Helper()
	s, err := p.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// acceptPrivately has the stage listen on 3 and orders an accept, and returns
// when it blocks.
func acceptPrivately(t *testing.T, ctx context.Context, p *stage.Private) <-chan outcome {
	t.Helper()
	must(t, p, newSocket)
	must(t, p, on(3, "bind"))
	must(t, p, on(3, "listen"))
	done := make(chan outcome, 1)
	go func() {
		c, err := p.Do(ctx, on(3, "accept4"), nil)
		done <- outcome{c, err}
	}()
	untilAccept(t, p)
	return done
}

func untilAccept(t *testing.T, p *stage.Private) {
	t.Helper()
	stagetest.Until(t, "a blocked accept4", func() bool {
		b := lookAt(t, p).Blocked
		return b != nil && b.Name == "accept4" && len(b.Args) > 0
	})
}

// connectTo connects to the listener of a stage.
func connectTo(t *testing.T, p *stage.Private) (fd int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	to := lookAt(t, p).Sockets[0].Local.AddrPort()
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// A look at the stage takes no descriptor that a socket would have had.
func TestPrivateNumbers(t *testing.T) {
	t.Parallel()
	p := private(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 250 {
				if s, err := p.State(t.Context()); err != nil || s.PID != p.PID() || !s.EndsIdle.IsZero() {
					t.Errorf("%+v, %v", s, err)
				}
			}
		})
	}
	polled := make(chan struct{})
	go func() {
		wg.Wait()
		close(polled)
	}()
	for more := true; more; {
		select {
		case <-polled:
			more = false
		default:
		}
		for fd := 3; fd < 5; fd++ {
			if c := must(t, p, newSocket); c.Ret != int64(fd) {
				t.Fatalf("%s, and not %d", c.Strace(), fd)
			}
		}
		must(t, p, on(3, "close"))
		must(t, p, on(4, "close"))
	}
	for fd, what := range table(t, p.PID()) {
		if fd < 3 && what != "/dev/null" || fd > 2 && fd < controlBegins(t) {
			t.Errorf("%d is %s", fd, what)
		}
	}
}

// The very first socket is 3: nothing that the first report needs is in its way.
func TestPrivateFirstSocket(t *testing.T) {
	t.Parallel()
	for range 10 {
		p := private(t)
		if c := must(t, p, newSocket); c.Ret != 3 {
			t.Error(c.Strace())
		}
		p.End()
	}
}

func TestPrivateBusy(t *testing.T) {
	t.Parallel()
	p := private(t)
	var seen []string
	if _, err := p.Do(t.Context(), newSocket, func(c sockets.Call) { seen = append(seen, fmt.Sprint(c.Name, c.Returned)) }); err != nil || strings.Join(seen, " ") != "socketfalse sockettrue" {
		t.Errorf("observed %q, %v", seen, err)
	}
	must(t, p, on(3, "close"))
	done := acceptPrivately(t, t.Context(), p)
	var busy *stage.BusyError
	if _, err := p.Do(t.Context(), on(3, "close"), nil); !errors.As(err, &busy) || busy.Call.Name != "accept4" || busy.Call.FD != 3 {
		t.Errorf("close meanwhile: %v", err)
	}
	connectTo(t, p)
	if out := <-done; out.err != nil || out.call.Ret != 4 {
		t.Errorf("accept4: %s, %v", out.call.Strace(), out.err)
	}
	must(t, p, on(4, "close"))
	for _, unknown := range []string{"quit", "state", "wait", "unlink", ""} {
		if _, err := p.Do(t.Context(), stage.Order{Do: unknown}, nil); !errors.Is(err, stage.ErrUnknownOrder) {
			t.Errorf("%q: %v", unknown, err)
		}
	}
	if _, err := p.Do(t.Context(), on(lookAt(t, p).Reserved, "close"), nil); err == nil {
		t.Error("the stage closed its own descriptor")
	}
}

// A context that ends leaves the call where it is, and its reports with it.
func TestPrivateLeft(t *testing.T) {
	t.Parallel()
	p := private(t)
	ctx, leave := context.WithCancel(t.Context())
	done := acceptPrivately(t, ctx, p)
	leave()
	if out := <-done; out.err != context.Canceled || out.call.Returned {
		t.Errorf("left: %s, %v", out.call.Strace(), out.err)
	}
	if _, err := p.Do(ctx, newSocket, nil); err != context.Canceled {
		t.Errorf("an order that nobody waits for: %v", err)
	}
	if _, err := p.State(ctx); err != nil && err != context.Canceled {
		t.Errorf("State: %v", err)
	}
	var busy *stage.BusyError
	if _, err := p.Do(t.Context(), newSocket, nil); !errors.As(err, &busy) || busy.Call.Name != "accept4" {
		t.Errorf("Do meanwhile: %v", err)
	}
	connectTo(t, p)
	var c sockets.Call
	stagetest.Until(t, "the call to return", func() (there bool) {
		var err error
		c, err = p.Do(t.Context(), newSocket, nil)
		return !errors.As(err, &busy)
	})
	if c.Name != "socket" || c.Ret != 5 {
		t.Errorf("the next call: %s", c.Strace())
	}
	if n := len(lookAt(t, p).Sockets); n != 3 {
		t.Errorf("%d sockets", n)
	}
}

func TestPrivateEnd(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/tmp", "fd3s")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	p := private(t)
	must(t, p, stage.Order{Do: "socket", Domain: unix.AF_UNIX, Type: unix.SOCK_STREAM})
	must(t, p, stage.Order{Do: "bind", FD: 3, Addr: unixAddr(dir + "/s")})
	must(t, p, on(3, "close"))
	done := acceptPrivately(t, t.Context(), p)
	if _, ended := p.Ended(); ended {
		t.Error("ended before its end")
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(p.End)
	}
	var end *stage.EndedError
	if out := <-done; !errors.As(out.err, &end) || end.Do != "accept4" || end.Role != stage.Client {
		t.Errorf("the call under way: %v", out.err)
	}
	wg.Wait()
	if how, ended := p.Ended(); !ended || !how.Exited() || how.ExitStatus() != 0 {
		t.Errorf("Ended: %#x, %t", how, ended)
	}
	if err := unix.Kill(p.PID(), 0); err != unix.ESRCH {
		t.Errorf("the process after its end: %v", err)
	}
	if _, err := p.Do(t.Context(), newSocket, nil); !errors.As(err, &end) {
		t.Errorf("Do after the end: %v", err)
	}
	if _, err := p.State(t.Context()); !errors.As(err, &end) {
		t.Errorf("State after the end: %v", err)
	}
	if _, err := os.Lstat(dir + "/s"); !os.IsNotExist(err) {
		t.Errorf("the file that bind made is left: %v", err)
	}
}

// A stage that is stopped is let go on, and ends in order.
func TestPrivateEndOfAStopped(t *testing.T) {
	t.Parallel()
	p := private(t)
	lookAt(t, p)
	stop(t, p.PID())
	advice := fmt.Sprintf("kill -CONT %d", p.PID())
	var silent *stage.SilentError
	if _, err := p.State(t.Context()); !errors.As(err, &silent) || silent.PID != p.PID() || !strings.Contains(err.Error(), "T (stopped)") || !strings.Contains(err.Error(), advice) {
		t.Errorf("State: %v", err)
	}
	if _, err := p.Do(t.Context(), newSocket, nil); !errors.As(err, &silent) {
		t.Errorf("Do: %v", err)
	}
	p.End()
	if how, ended := p.Ended(); !ended || !how.Exited() || how.ExitStatus() != 0 {
		t.Errorf("Ended: %#x, %t", how, ended)
	}
}

func TestPrivateKilled(t *testing.T) {
	t.Parallel()
	p := private(t)
	done := acceptPrivately(t, t.Context(), p)
	unix.Kill(p.PID(), unix.SIGKILL)
	var end *stage.EndedError
	if out := <-done; !errors.As(out.err, &end) {
		t.Errorf("the call under way: %v", out.err)
	}
	if how, ended := p.Ended(); !ended || !how.Signaled() || how.Signal() != unix.SIGKILL {
		t.Errorf("Ended: %#x, %t", how, ended)
	}
}

// Neither Ctrl-C nor a closed terminal reaches it.
func TestPrivateSession(t *testing.T) {
	t.Parallel()
	p := private(t)
	lookAt(t, p)
	unix.Kill(p.PID(), unix.SIGINT)
	unix.Kill(p.PID(), unix.SIGHUP)
	must(t, p, newSocket)
	if sid, err := unix.Getsid(p.PID()); sid != p.PID() || err != nil {
		t.Errorf("session %d of process %d, %v", sid, p.PID(), err)
	}
}

// Fifty stages, and a file that the owner has inherited: none has it, and nothing
// of them is left.
func TestPrivateDescriptors(t *testing.T) {
	inherited, err := unix.Open("/dev/zero", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(inherited)
	before := table(t, os.Getpid())
	var all []*stage.Private
	for i := range 50 {
		p := private(t)
		all = append(all, p)
		if i%2 == 0 {
			must(t, p, newSocket)
		}
		if i < 40 {
			p.End()
		}
	}
	lookAt(t, all[49]) // it has moved its lines out of the way
	for fd, what := range table(t, all[49].PID()) {
		if fd > 2 && (what == "/dev/zero" || fd < controlBegins(t)) {
			t.Errorf("%d is %s", fd, what)
		}
	}
	for _, p := range all {
		p.End()
	}
	if after := table(t, os.Getpid()); len(after) != len(before) {
		t.Errorf("before %v\nafter %v", before, after)
	}
}

// ownStage is a program that owns a private stage, tells its pid and waits to be
// killed.
func ownStage(blocked bool) {
	p, err := stage.StartPrivate(nil, stage.Server)
	if err != nil {
		os.Exit(1)
	}
	ctx := context.Background()
	for _, o := range []stage.Order{newSocket, on(3, "bind"), on(3, "listen")} {
		if _, err := p.Do(ctx, o, nil); err != nil {
			os.Exit(1)
		}
	}
	if blocked {
		go p.Do(ctx, on(3, "accept4"), nil)
		for {
			s, err := p.State(ctx)
			if err != nil {
				os.Exit(1)
			}
			if s.Blocked != nil && len(s.Blocked.Args) > 0 {
				break
			}
		}
	}
	fmt.Println(p.PID())
	unix.Pause()
}

// However its owner ends, the stage ends with it.
func TestPrivateOwnerKilled(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"idle", "blocked", "stopped"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			owner := exec.Command("/proc/self/exe", "own-stage", how)
			out, err := owner.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := owner.Start(); err != nil {
				t.Fatal(err)
			}
			text, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				t.Fatal(err)
			}
			pidfd, err := unix.PidfdOpen(pid, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(pidfd)
			if how == "stopped" { // as an exercise of the course has it
				stop(t, pid)
			}
			owner.Process.Kill()
			owner.Wait()
			if !exits(pidfd, 20*time.Second) {
				t.Error("the stage lives on")
				unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
			}
		})
	}
}

// exits reports whether a process ends in time: then its pidfd is readable.
func exits(pidfd int, within time.Duration) bool {
	for end := time.Now().Add(within); ; {
		fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(time.Until(end).Milliseconds()))
		if err != unix.EINTR {
			return n == 1
		}
	}
}

// A process that the Go runtime ends before it is a stage says why to its starter.
func TestEndsAtOnce(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "nonsense")
	var end *stage.StartError
	if _, err := stage.StartPrivate(nil, stage.Server); !errors.As(err, &end) || !strings.Contains(err.Error(), "GOMEMLIMIT") || strings.Contains(err.Error(), "\n") {
		t.Errorf("StartPrivate: %v", err)
	}
	r := remote(t)
	if _, _, err := r.Start(stage.IdleEnd); !errors.As(err, &end) {
		t.Errorf("Start: %v", err)
	}
	gone(t, r) // with its control socket
}
