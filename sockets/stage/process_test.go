package stage

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A process that only looks like the stage is not killed in its place: here a stage
// that has the same path in a file system of its own, as in a container.
func TestTheOtherProcessIsSpared(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("missing: root, to mount")
	}
	t.Parallel()
	r := Remote{Name: "elsewhere", Role: Server}
	os.Mkdir(Folder(), 0o700)
	fd, err := r.listen() // by this process, which is no stage and does not answer
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	defer os.Remove(r.path())
	const script = `mount -t tmpfs none "$XDG_RUNTIME_DIR" && chmod 0700 "$XDG_RUNTIME_DIR" && exec "$0" remote-stage elsewhere`
	other := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "/proc/self/exe")
	if exe, err := os.Executable(); err == nil {
		other.Args[len(other.Args)-1] = exe
	}
	out, err := other.CombinedOutput()
	var pid int
	if _, failed := fmt.Sscan(string(out), &pid); err != nil || failed != nil {
		t.Skipf("no other mount namespace: %v %s", err, out)
	}
	defer unix.Kill(pid, unix.SIGKILL)
	if command := fmt.Sprintf("/proc/%d/cmdline", pid); !r.executed(command) {
		t.Fatalf("%s is not as expected", command)
	}
	var silent *SilentError
	if bye, err := r.Quit(t.Context()); !errors.As(err, &silent) || silent.PID != 0 {
		t.Errorf("Quit: %+v, %v", bye, err)
	}
	if err := unix.Kill(pid, 0); err != nil {
		t.Errorf("the other process: %v", err)
	}
}

// RemoteStage starts a stage and tells its pid. It is for TestMain, which is in another
// package.
func RemoteStage(name string) {
	r := Remote{Name: name, Role: Server}
	_, _, err := r.Start(time.Minute)
	if pid, _, found := r.process(); found {
		fmt.Println(pid)
	} else {
		fmt.Println("no stage:", err)
	}
	os.Exit(0)
}

// Nor is that of another user the stage, whatever its arguments are.
func TestTheProcessIsOnesOwn(t *testing.T) {
	r := Remote{Name: "own", Role: Server}
	for _, uid := range []uint32{uint32(os.Geteuid()), 65534} {
		if uid != uint32(os.Geteuid()) && os.Geteuid() != 0 {
			t.Skip("missing: root, to be another user")
		}
		cmd := exec.Command("yes", Command, string(Server), r.path())
		out, err := cmd.StdoutPipe() // that nobody reads: it waits
		if err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uint32(os.Getegid()), NoSetGroups: true}}
		if err := cmd.Start(); err != nil {
			t.Skip("missing: ", err)
		}
		command := fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid)
		for text := ""; text == ""; { // execve(2) closes the pipe that Start waits for before it has set the arguments
			b, _ := os.ReadFile(command)
			text = string(b)
		}
		if mine := uid == uint32(os.Geteuid()); r.executed(command) != mine {
			t.Errorf("that of user %d: one's own %t", uid, !mine)
		}
		if r.listens(cmd.Process.Pid) {
			t.Error("it listens nowhere")
		}
		cmd.Process.Kill()
		out.Close()
		cmd.Wait()
	}
}

// Of two commands that start a stage at once the second finds that of the first when it
// has the lock.
func TestStartLooksAgain(t *testing.T) {
	r := Remote{Name: "again", Role: Server}
	unlock, err := lockFolder(Folder())
	if err != nil {
		t.Fatal(err)
	}
	type outcome struct {
		started, crashed bool
		err              error
	}
	done := make(chan outcome)
	go func() {
		var o outcome
		o.started, o.crashed, o.err = r.Start(IdleEnd)
		done <- o
	}()
	for deadline := time.Now().Add(20 * time.Second); !inFlock(t); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody waits for the lock")
		}
	}
	fd, err := r.listen()
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(r.path())
	defer unix.Close(fd)
	unlock()
	if o := <-done; o.started || o.crashed || o.err != nil {
		t.Errorf("the second Start: %+v", o)
	}
	if _, err := os.Lstat(r.path()); err != nil {
		t.Errorf("the first one's control socket: %v", err)
	}
}

// The second of two commands that start a stage at once removes nothing when it cannot
// tell whether somebody listens at the control socket that lies there by then.
func TestStartLeavesWhatItCannotReach(t *testing.T) {
	r := Remote{Name: "unreachable", Role: Server}
	unlock, err := lockFolder(Folder())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, _, err := r.Start(IdleEnd)
		done <- err
	}()
	for deadline := time.Now().Add(20 * time.Second); !inFlock(t); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody waits for the lock")
		}
	}
	// connect(2) of a stream to a socket of datagrams fails with EPROTOTYPE.
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: r.path()}); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(r.path())
	before := mustLstat(t, r.path())
	unlock()
	if err := <-done; !errors.Is(err, unix.EPROTOTYPE) {
		t.Errorf("Start: %v", err)
	}
	if after := mustLstat(t, r.path()); after.Ino != before.Ino {
		t.Error("another socket lies there")
	}
	r.Quit(t.Context()) // of a stage that it has started all the same
}

// An abandoned control socket is a crash, and one's own file is not.
func TestStaleControlSocket(t *testing.T) {
	r := Remote{Name: "stale", Role: Server}
	os.Mkdir(Folder(), 0o700)
	fd, err := r.listen()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if mode := mustLstat(t, r.path()).Mode; mode&0o777 != 0o600 {
		t.Errorf("mode %#o of the control socket", mode)
	}
	if _, err := r.Dial(); err != ErrNone {
		t.Errorf("dial: %v", err)
	}
	r.sweep()
	if _, err := os.Lstat(r.path()); !os.IsNotExist(err) {
		t.Errorf("after sweep: %v", err)
	}
	long := Remote{Name: strings.Repeat("x", 108), Role: Server}
	if _, err := long.Dial(); err != ErrNone {
		t.Errorf("dial of a path of %d bytes: %v", len(long.path()), err)
	}
	if _, err := long.listen(); err == nil || !strings.Contains(err.Error(), filepath.Base(Folder())) {
		t.Errorf("listen at a path of %d bytes: %v", len(long.path()), err)
	}
}

// Signals do not shorten the wait for a place in the accept queue of a stopped stage.
func TestConnectThatSignalsInterrupt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	fds := make([]int, 3) // who listens, with a queue for one; who takes that place; who waits
	for i := range fds {
		var err error
		if fds[i], err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fds[i])
	}
	addr := &unix.SockaddrUnix{Name: path}
	if err := errors.Join(unix.Bind(fds[0], addr), unix.Listen(fds[0], 0), unix.Connect(fds[1], addr)); err != nil {
		t.Fatal(err)
	}
	const limit = 300 * time.Millisecond
	tid, done := make(chan int), make(chan error)
	begun := time.Now()
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		tid <- unix.Gettid()
		done <- connectWithin(fds[2], path, limit)
	}()
	thread := <-tid
	for {
		select {
		case err := <-done:
			if err != unix.EAGAIN || time.Since(begun) < limit {
				t.Errorf("%v after %s", err, time.Since(begun))
			}
			return
		case <-time.After(5 * time.Millisecond):
			unix.Tgkill(unix.Getpid(), thread, unix.SIGURG) // as the Go runtime sends it
		}
	}
}

func mustLstat(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st
}
