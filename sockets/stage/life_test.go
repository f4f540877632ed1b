package stage_test

import (
	"encoding/json"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/stage"
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
	if pids := processes(path(r)); len(pids) != 1 {
		t.Errorf("processes %v, not one", pids)
	}
}

func TestQuit(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	if got, err := r.Quit(t.Context()); got != pid || err != nil {
		t.Errorf("Quit: %d, %v, and the pid is %d", got, err, pid)
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
	until(t, "more than the idle time", func() bool { return time.Since(begun) > 2*idle })
	if len(processes(path(r))) != 1 {
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
	until(t, "a stage that answers", func() bool {
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
	until(t, "the crash", func() bool { _, err := r.State(t.Context()); return err == stage.ErrNone })
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
	until(t, "the crash", func() bool { _, err := r.State(t.Context()); return err == stage.ErrNone })
	if _, err := r.Quit(t.Context()); err != stage.ErrNone {
		t.Error(err)
	}
	gone(t, r)
}
