package stage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/stage"
	"fd3/sockets/stage/stagetest"
)

// table is the descriptor table of a process: number and what it is.
func table(t *testing.T, pid int) map[int]string {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[int]string)
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			fd, _ := strconv.Atoi(filepath.Base(link))
			all[fd] = target
		}
	}
	return all
}

// settled is the table when no command is connected any more: above lie the
// control socket and the Go runtime's epoll and eventfd.
func settled(t *testing.T, pid, sockets int) map[int]string {
	t.Helper()
	stagetest.Until(t, "the connections to close", func() bool { return len(table(t, pid)) <= 3+sockets+3 })
	return table(t, pid)
}

func TestFreshTable(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	fds := settled(t, pid, 0)
	for fd := range 3 {
		if fds[fd] != "/dev/null" {
			t.Errorf("%d is %q", fd, fds[fd])
		}
	}
	for fd, what := range fds {
		if fd > 2 && fd < controlBegins(t) {
			t.Errorf("%d is %s", fd, what)
		}
	}
	if c := do(t, r, newSocket); c.Ret != 3 {
		t.Error(c.Strace())
	}
}

// A state tells what the process has open without what is fd3's own.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	p := private(t)
	must(t, p, newSocket)
	s := lookAt(t, p)
	all := len(table(t, p.PID()))
	open, reserved, err := s.Descriptors()
	if err != nil || len(open) != 4 || reserved == 0 || reserved != all-4 {
		t.Fatalf("%v, %d reserved, %v", open, reserved, err)
	}
	for fd, f := range open {
		if f.Number != fd || (f.Inode != 0) != (fd == 3) {
			t.Errorf("%d is %+v", fd, f)
		}
	}
	s.Reserved = 0 // as that of a process in which fd3 has none
	if open, reserved, err := s.Descriptors(); err != nil || len(open) != all || reserved != 0 {
		t.Errorf("%v, %d reserved, %v", open, reserved, err)
	}
	p.End()
	if open, _, err := s.Descriptors(); err == nil {
		t.Errorf("a process that is gone has %v", open)
	}
}

// controlBegins is the lowest number that a control descriptor may have.
func controlBegins(t *testing.T) int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return min(1000, int(limit.Max)-24)
}

// However much it is asked, what the runtime opens stays above the sockets. The
// data makes the garbage collector run, and with it the runtime's first timer.
func TestTheRuntimeStaysAbove(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	do(t, r, newSocket)
	for range 20 {
		do(t, r, stage.Order{Do: "sendto", FD: 3, Data: make([]byte, 1<<20), Flags: unix.MSG_NOSIGNAL})
	}
	for fd, what := range settled(t, pid, 1) {
		if fd > 3 && fd < controlBegins(t) {
			t.Errorf("%d is %s", fd, what)
		}
	}
}

// A limit that somebody sets on the stage bounds its sockets and not its commands.
func TestDescriptorLimit(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = 5
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	var last sockets.Call
	for range 3 {
		last = do(t, r, newSocket)
	}
	if last.Errno != unix.EMFILE {
		t.Errorf("the third socket of two: %s", last.Strace())
	}
	if n := len(look(t, r).Sockets); n != 2 {
		t.Errorf("%d sockets", n)
	}
	if c := do(t, r, on(4, "close")); c.Errno != 0 {
		t.Error(c.Strace())
	}
	if c := do(t, r, newSocket); c.Ret != 4 {
		t.Error(c.Strace())
	}
}

// Under a limit that cannot be raised the sockets meet it, and the stage hears its
// commands all the same.
func TestHardDescriptorLimit(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", `ulimit -n 40; exec "$0" limited-stage`, exe).CombinedOutput()
	// 0 to 2, and 20 for the control lines, the runtime's poller and room for more.
	if string(out) != "EMFILE after 17 sockets\n" || err != nil {
		t.Errorf("%s%v", out, err)
	}
}

// A stage that can take in nobody for want of a descriptor lives on.
func TestNoDescriptorForALine(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	do(t, r, newSocket)
	do(t, r, newSocket)
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 5, Max: 5}, nil); err != nil {
		t.Fatal(err)
	}
	var silent *stage.SilentError
	if _, err := r.State(t.Context()); !errors.As(err, &silent) || silent.PID != pid || silent.Hung || !strings.Contains(err.Error(), "RLIMIT_NOFILE is 5") {
		t.Errorf("State: %v", err)
	}
	if bye, err := r.Quit(t.Context()); bye.PID != pid || bye.Forced == "" || err != nil {
		t.Errorf("Quit: %+v, %v", bye, err)
	}
}

// A stage opens no file at a socket's time, which would have a low number for a moment:
// the Go runtime reads the time zone when a time is first told.
func TestOpensNothing(t *testing.T) {
	t.Parallel()
	p := private(t)
	text := straced(t, p.PID(), "*", []string{"-f", "-e", "trace=open,openat,openat2,socket"}, func() {
		must(t, p, newSocket)
		lookAt(t, p)
	})
	if strings.Count(text, "socket(AF_INET") != 1 || strings.Contains(text, "open") {
		t.Error(text)
	}
}

// Nor when many commands ask at once, and the runtime starts a thread for each: a C
// library that counts the CPUs then, for its malloc, opens a file for that.
func TestManyThreadsOpenNothing(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	text := straced(t, pid, "*", []string{"-f", "-e", "trace=open,openat"}, func() {
		for range 5 {
			var all [40]net.Conn
			for i := range all {
				var err error
				if all[i], err = net.Dial("unix", path(r)); err != nil {
					t.Fatal(err)
				}
				defer all[i].Close()
			}
			for _, line := range all { // each has a thread that reads
				json.NewEncoder(line).Encode(stage.Order{Do: "state", Version: stage.Version()})
				line.Read(make([]byte, 1))
			}
		}
	})
	if strings.Contains(text, "open") {
		t.Error(text)
	}
}

// However much memory the calls take, the thread that makes them makes no others: the
// collector of garbage works elsewhere, which would look at the runtime's epoll as well.
func TestCollectsElsewhere(t *testing.T) {
	t.Parallel()
	p := private(t)
	must(t, p, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_DGRAM | unix.SOCK_CLOEXEC})
	const times = 24 // each takes 1 MiB, and the collector would start at 4
	text := straced(t, p.PID(), strconv.Itoa(p.PID()), []string{"-e", "trace=recvfrom,epoll_wait,epoll_pwait,epoll_pwait2"}, func() {
		for range times {
			c, err := p.Do(t.Context(), stage.Order{Do: "recvfrom", FD: 3, Size: stage.MaxData, Flags: unix.MSG_DONTWAIT}, nil)
			if err != nil || c.Errno != unix.EAGAIN {
				t.Fatalf("%v, %v", c.Strace(), err)
			}
		}
	})
	if strings.Count(text, "recvfrom(3, ") != times || strings.Contains(text, "epoll") {
		t.Error(text)
	}
}

// straced returns what strace shows of a process, of the threads that match, while
// something is done.
func straced(t *testing.T, pid int, threads string, options []string, during func()) string {
	t.Helper()
	_, err := exec.LookPath("strace")
	need(t, err == nil, "strace")
	log := filepath.Join(t.TempDir(), "log")
	strace := exec.Command("strace", append(options, "-qq", "-e", "signal=none", "-o", log, "-p", strconv.Itoa(pid))...)
	if err := strace.Start(); err != nil {
		t.Fatal(err)
	}
	defer strace.Process.Kill()
	stagetest.Until(t, "strace at each thread", func() bool {
		all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/%s/status", pid, threads))
		for _, task := range all {
			status, _ := os.ReadFile(task)
			if !strings.Contains(string(status), fmt.Sprintf("TracerPid:\t%d\n", strace.Process.Pid)) {
				return false
			}
		}
		return len(all) > 0
	})
	during()
	strace.Process.Signal(unix.SIGINT)
	strace.Wait()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// limitedStage opens sockets in a stage until there is no descriptor for another, and
// asks the stage how many it has.
func limitedStage() {
	ctx := context.Background()
	p, err := stage.StartPrivate(nil, stage.Server)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer p.End()
	for {
		c, err := p.Do(ctx, newSocket, nil)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		if c.Errno != 0 {
			s, err := p.State(ctx)
			if err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			fmt.Printf("%s after %d sockets\n", c.ErrnoName(), len(s.Sockets))
			p.End()
			os.Exit(0)
		}
	}
}
