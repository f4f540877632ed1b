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
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/stage"
	"fd3/sockets/stage/stagetest"
)

func TestTwentyStartsGiveOneProcess(t *testing.T) {
	t.Parallel()
	r := remote(t)
	var wg sync.WaitGroup
	var starts atomic.Int32
	for range 20 {
		wg.Go(func() {
			began, crashed, err := r.Start(stage.IdleEnd)
			if err != nil || crashed {
				t.Errorf("crashed %t, %v", crashed, err)
			}
			if began {
				starts.Add(1)
			}
			if _, err := r.State(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := starts.Load(); n != 1 {
		t.Errorf("%d starts, not 1", n)
	}
	if pids := stagetest.Processes(path(r)); len(pids) != 1 {
		t.Errorf("processes %v, not one", pids)
	}
}

func TestQuit(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	if got, err := r.Quit(t.Context()); got.PID != pid || got.Forced != "" || err != nil {
		t.Errorf("Quit: %+v, %v, and the pid is %d", got, err, pid)
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !strings.Contains(string(stat), ") Z ") {
		t.Errorf("Quit returned before the end: %s", stat)
	}
	gone(t, r)
	if _, err := r.State(t.Context()); err != stage.ErrNone {
		t.Errorf("State after the end: %v", err)
	}
	if _, err := r.Quit(t.Context()); err != stage.ErrNone {
		t.Errorf("Quit after the end: %v", err)
	}
}

func TestEndsWhenIdle(t *testing.T) {
	t.Parallel()
	r := remote(t)
	if _, _, err := r.Start(100 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	gone(t, r)
}

// The idle time does not run while somebody waits for a call to return.
func TestNotIdleWhileSomebodyWaits(t *testing.T) {
	t.Parallel()
	const idle = 300 * time.Millisecond
	r := remote(t)
	held := startHeld(t, r, idle)
	pid := look(t, r).PID
	do(t, r, newSocket)
	do(t, r, on(3, "listen"))
	done := blockInAccept(t, r)
	held.Close()
	begun := time.Now()
	stagetest.Until(t, "more than the idle time", func() bool { return time.Since(begun) > 2*idle })
	if len(stagetest.Processes(path(r))) != 1 {
		t.Fatal("the stage ended although a command waits")
	}
	unix.Kill(pid, unix.SIGTERM)
	if out := <-done; out.err == nil {
		t.Error("the waiting command saw no error")
	}
}

// startHeld starts a stage and connects to it, so that it is not idle before the
// connection is closed, however slow this machine is. One that ended before it had
// answered is started again.
func startHeld(t *testing.T, r stage.Remote, idle time.Duration) (held net.Conn) {
	t.Helper()
	stagetest.Until(t, "a stage that answers", func() bool {
		if _, _, err := r.Start(idle); err != nil {
			t.Fatal(err)
		}
		var err error
		if held, err = net.Dial("unix", path(r)); err != nil {
			return false
		}
		json.NewEncoder(held).Encode(stage.Order{Do: "state", Version: stage.Version()})
		if _, err = held.Read(make([]byte, 1)); err != nil {
			held.Close()
		}
		return err == nil
	})
	return held
}

func TestSIGTERM(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	file, err := os.MkdirTemp("/tmp", "fd3s")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(file)
	do(t, r, stage.Order{Do: "socket", Domain: unix.AF_UNIX, Type: unix.SOCK_STREAM})
	if c := do(t, r, stage.Order{Do: "bind", FD: 3, Addr: unixAddr(file + "/s")}); c.Errno != 0 {
		t.Fatal(c.Strace())
	}
	unix.Kill(pid, unix.SIGTERM)
	gone(t, r)
	if _, err := os.Lstat(file + "/s"); !os.IsNotExist(err) {
		t.Errorf("the file that bind made is left: %v", err)
	}
}

// Neither Ctrl-C nor a closed terminal ends a stage.
func TestSurvivesItsTerminal(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	unix.Kill(pid, unix.SIGINT)
	unix.Kill(pid, unix.SIGHUP)
	if c := do(t, r, newSocket); c.Ret != 3 {
		t.Error(c.Strace())
	}
	if sid, err := unix.Getsid(pid); sid != pid || err != nil {
		t.Errorf("session %d of process %d, %v", sid, pid, err)
	}
}

func TestStartAfterACrash(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	unix.Kill(pid, unix.SIGKILL)
	stagetest.Until(t, "the crash", func() bool { _, err := r.State(t.Context()); return err == stage.ErrNone })
	if _, err := os.Lstat(path(r)); err != nil {
		t.Errorf("a crash leaves the control socket: %v", err)
	}
	if began, crashed, err := r.Start(stage.IdleEnd); !began || !crashed || err != nil {
		t.Errorf("Start: started %t, crashed %t, %v", began, crashed, err)
	}
	if got := look(t, r).PID; got == pid || got == 0 {
		t.Errorf("pid %d after the crash of %d", got, pid)
	}
}

// A crashed stage that nobody starts again is swept by Quit.
func TestQuitAfterACrash(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	unix.Kill(pid, unix.SIGKILL)
	stagetest.Until(t, "the crash", func() bool { _, err := r.State(t.Context()); return err == stage.ErrNone })
	if _, err := r.Quit(t.Context()); err != stage.ErrNone {
		t.Error(err)
	}
	gone(t, r)
}

// Wait waits as long as the call does: that may be for ever, and is the lesson.
func TestWaitHasNoLimit(t *testing.T) {
	t.Parallel()
	r := listening(t)
	done := blockInAccept(t, r)
	ctx, leave := context.WithTimeout(t.Context(), stage.Patience+time.Second)
	defer leave()
	if _, err := r.Wait(ctx); err != context.DeadlineExceeded {
		t.Errorf("Wait: %v", err)
	}
	wake(t, r)
	if out := <-done; out.err != nil {
		t.Errorf("accept4, after more than that: %v", out.err)
	}
}

// stop stops a process, and returns when the kernel says so.
func stop(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stagetest.Until(t, "the stop", func() bool {
		all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, task := range all { // each stops when it runs next
			if stat, err := os.ReadFile(task); err == nil && !strings.Contains(string(stat), ") T ") {
				return false
			}
		}
		return len(all) > 0
	})
}

// A process that is stopped holds nobody up for ever: each question says what is so
// and what to do, and goes on to be answered afterwards.
func TestStopped(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	stop(t, pid)
	advice := fmt.Sprintf("kill -CONT %d", pid)
	var wg sync.WaitGroup
	for name, ask := range map[string]func() error{
		"State":   func() error { _, err := r.State(t.Context()); return err },
		"Collect": func() error { _, err := r.Collect(t.Context()); return err },
		"Do":      func() error { _, err := r.Do(t.Context(), newSocket, nil); return err },
		"Do, much": func() error {
			_, err := r.Do(t.Context(), stage.Order{Do: "sendto", FD: 3, Data: make([]byte, stage.MaxData)}, nil)
			return err
		},
	} {
		wg.Go(func() {
			var silent *stage.SilentError
			if err := ask(); !errors.As(err, &silent) || silent.PID != pid || silent.Hung ||
				!strings.Contains(err.Error(), "T (stopped)") || !strings.Contains(err.Error(), advice) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wg.Wait()
	unix.Kill(pid, unix.SIGCONT)
	if got := look(t, r).PID; got != pid {
		t.Errorf("pid %d after SIGCONT, and it was %d", got, pid)
	}
}

// Where the accept queue of the control socket is full, connect(2) itself waits.
func TestStoppedAndFull(t *testing.T) {
	t.Parallel()
	r, _ := started(t, stage.IdleEnd) // for the folder
	r.Quit(t.Context())
	gone(t, r)
	os.Mkdir(stage.Folder(), 0o700)
	fd := deaf(t, path(r))
	defer unix.Close(fd)
	var silent *stage.SilentError
	if _, err := r.State(t.Context()); !errors.As(err, &silent) || silent.PID != 0 {
		t.Errorf("State: %v", err)
	}
	os.Remove(path(r))
}

// deaf listens with a queue for one, which is taken.
func deaf(t *testing.T, path string) (fd int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return fd
}

// Quit ends a stopped process too, and sweeps after it: the file of its own socket,
// and not one that somebody else has put there.
func TestQuitKills(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	dir := folder(t)
	for _, name := range []string{"own", "replaced", "twice", "twice", "thrice", "thrice", "thrice"} {
		os.Remove(dir + "/" + name)
		c := do(t, r, stage.Order{Do: "socket", Domain: unix.AF_UNIX, Type: unix.SOCK_STREAM})
		do(t, r, stage.Order{Do: "bind", FD: int(c.Ret), Addr: unixAddr(dir + "/" + name)})
	}
	replace(t, dir+"/replaced")
	stop(t, pid)
	bye, err := r.Quit(t.Context())
	if err != nil || bye.PID != pid || !strings.Contains(bye.Forced, "T (stopped)") {
		t.Errorf("Quit: %+v, %v", bye, err)
	}
	for _, name := range []string{"twice", "thrice"} {
		i := slices.Index(bye.Files, stage.Removal{Path: dir + "/" + name, Removed: true})
		if i < 0 {
			t.Fatalf("%s is not among %+v", name, bye.Files)
		}
		bye.Files = slices.Delete(bye.Files, i, i+1)
	}
	became(t, bye.Files, dir)
	gone(t, r)
}

// Of the files of its sockets a stage removes those that it made, whatever lies there.
func TestRemovesItsOwnFilesOnly(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(r stage.Remote, pid int) []stage.Removal{
		"quit": func(r stage.Remote, _ int) []stage.Removal {
			bye, err := r.Quit(t.Context())
			if err != nil {
				t.Error(err)
			}
			return bye.Files
		},
		"SIGTERM": func(_ stage.Remote, pid int) []stage.Removal {
			unix.Kill(pid, unix.SIGTERM)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, pid := started(t, stage.IdleEnd)
			dir := folder(t)
			for _, name := range []string{"own", "replaced", "reborn", "gone", "twice", "twice"} {
				os.Remove(dir + "/" + name)
				c := do(t, r, stage.Order{Do: "socket", Domain: unix.AF_UNIX, Type: unix.SOCK_STREAM})
				do(t, r, stage.Order{Do: "bind", FD: int(c.Ret), Addr: unixAddr(dir + "/" + name)})
				if name == "reborn" { // its inode number is free now
					do(t, r, on(int(c.Ret), "close"))
				}
			}
			replace(t, dir+"/replaced")
			os.Remove(dir + "/gone")
			os.Remove(dir + "/reborn")
			l, err := net.Listen("unix", dir+"/reborn")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			files := end(r, pid)
			gone(t, r)
			if name == "quit" {
				const left = "it is not the file that bind made"
				for _, want := range []stage.Removal{{Path: dir + "/reborn", Left: left}, {Path: dir + "/twice", Removed: true}} {
					i := slices.Index(files, want)
					if i < 0 {
						t.Fatalf("%+v is not among %+v", want, files)
					}
					files = slices.Delete(files, i, i+1)
				}
				became(t, files, dir)
			}
			for name, there := range map[string]bool{"own": false, "replaced": true, "reborn": true, "twice": false} {
				if _, err := os.Lstat(dir + "/" + name); (err == nil) != there {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// folder is a folder with a short path.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "fd3s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// replace puts a file of the user's own in the place of a socket's.
func replace(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte("mine"), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// became expects that "own" was removed and "replaced" was left.
func became(t *testing.T, files []stage.Removal, dir string) {
	t.Helper()
	slices.SortFunc(files, func(a, b stage.Removal) int { return strings.Compare(a.Path, b.Path) })
	if len(files) != 2 || files[0] != (stage.Removal{Path: dir + "/own", Removed: true}) ||
		files[1].Path != dir+"/replaced" || files[1].Removed || !strings.Contains(files[1].Left, "not the file that bind made") {
		t.Errorf("the files: %+v", files)
	}
	if text, err := os.ReadFile(dir + "/replaced"); string(text) != "mine" || err != nil {
		t.Errorf("the user's own file: %q, %v", text, err)
	}
}

// A process without a descriptor for its commands hangs up on them. It lives, which is
// what is said; and it can be ended.
func TestWithoutDescriptors(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 5, Max: 5}, nil); err != nil {
		t.Fatal(err)
	}
	var silent *stage.SilentError
	if _, err := r.Do(t.Context(), newSocket, nil); !errors.As(err, &silent) || silent.PID != pid || !silent.Hung || !strings.Contains(err.Error(), "RLIMIT_NOFILE is 5") {
		t.Errorf("Do: %v", err)
	}
	if err := unix.Kill(pid, 0); err != nil {
		t.Fatalf("the process: %v", err)
	}
	if bye, err := r.Quit(t.Context()); bye.PID != pid || bye.Forced == "" || err != nil {
		t.Errorf("Quit: %+v, %v", bye, err)
	}
	gone(t, r)
}

// A result that was handed over to somebody who had gone is told again.
func TestUnseenTwice(t *testing.T) {
	t.Parallel()
	r := listening(t)
	ctx, leave := context.WithCancel(t.Context())
	done := block(t, ctx, r, on(3, "accept4"))
	leave()
	<-done
	wake(t, r)
	stagetest.Until(t, "the result", func() bool { return len(look(t, r).Unseen) == 1 })
	pid := look(t, r).PID
	stop(t, pid) // so that it answers one who has gone
	conn, err := net.Dial("unix", path(r))
	if err != nil {
		t.Fatal(err)
	}
	json.NewEncoder(conn).Encode(stage.Order{Do: "collect", Version: stage.Version()})
	conn.Close()
	unix.Kill(pid, unix.SIGCONT)
	look(t, r) // by a line that was accepted after that one
	settled(t, pid, 2)
	s, err := r.Collect(t.Context())
	if err != nil || len(s.Unseen) != 1 || s.Unseen[0].Ret != 4 {
		t.Errorf("Collect: %+v, %v", s.Unseen, err)
	}
}

// What lies where the control socket was, and is none, is left: at the end of the
// stage, when it is swept, and when another is to start.
func TestLeavesWhatIsNoControlSocket(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	replace(t, path(r))
	if _, err := r.State(t.Context()); err != stage.ErrNone {
		t.Errorf("State: %v", err)
	}
	unix.Kill(pid, unix.SIGTERM)
	stagetest.Until(t, "the end", func() bool { return unix.Kill(pid, 0) == unix.ESRCH || len(stagetest.Processes(path(r))) == 0 })
	if _, err := r.Quit(t.Context()); err != stage.ErrNone {
		t.Errorf("Quit: %v", err)
	}
	if _, _, err := r.Start(stage.IdleEnd); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("Start: %v", err)
	}
	if text, err := os.ReadFile(path(r)); string(text) != "mine" || err != nil {
		t.Errorf("the user's own file: %q, %v", text, err)
	}
	os.Remove(path(r))
}

// A stage whose control socket has been taken away does not remove that of the stage
// which has the path now.
func TestLeavesTheNextControlSocket(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	os.Remove(path(r))
	if began, _, err := r.Start(stage.IdleEnd); !began || err != nil {
		t.Fatal(began, err)
	}
	next := look(t, r).PID
	unix.Kill(pid, unix.SIGTERM)
	stagetest.Until(t, "the end", func() bool { return !slices.Contains(stagetest.Processes(path(r)), strconv.Itoa(pid)) })
	if got := look(t, r).PID; got != next {
		t.Errorf("pid %d, not %d", got, next)
	}
}

// A stage that comes up when its starter has given up listening for it lives all the
// same: nobody reads what it writes to stderr.
func TestComesUpLate(t *testing.T) {
	t.Parallel()
	r, _ := started(t, stage.IdleEnd) // for the folder
	r.Quit(t.Context())
	gone(t, r)
	os.Mkdir(stage.Folder(), 0o700)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path(r), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	control, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	said, stderr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	said.Close()
	late := exec.Command("/proc/self/exe", stage.Command, string(stage.Server), path(r), stage.IdleEnd.String())
	late.Stderr, late.ExtraFiles = stderr, []*os.File{control}
	if err := late.Start(); err != nil {
		t.Fatal(err)
	}
	stderr.Close()
	control.Close()
	if _, err := r.State(t.Context()); err != nil {
		t.Errorf("State: %v", err)
	}
	r.Quit(t.Context())
	if err := late.Wait(); err != nil {
		t.Errorf("the stage: %v", err)
	}
}
