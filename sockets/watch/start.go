package watch

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// First is the first argument of a process that is to be watched, before it becomes the
// program. The descriptor that tells it when, the signals that it ignores, the path of
// the program and its arguments follow.
const First = "watched-process"

// A program that watches others is itself what they are before they are executed. The
// thread that executes another program has to be the main one, which only init can be
// sure of.
func init() {
	if meant() {
		runtime.LockOSThread()
	}
}

func meant() bool { return len(os.Args) >= 5 && os.Args[1] == First }

// becoming reports whether a process has yet to become the program: it may be attached to
// while it becomes this one.
func becoming(pid int) bool {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	args := bytes.Split(line, []byte{0})
	return len(args) > 1 && string(args[1]) == First
}

// What a process to be watched exits with before it has become the program: an errno, or
// this.
const noFilter = 255

// Become turns this process into the program that its arguments say, where they say that
// it is to be watched. Otherwise it does nothing. A program that watches calls it before
// anything else in main, and a test in TestMain.
func Become() {
	if !meant() {
		return
	}
	gate, _ := strconv.Atoi(os.Args[2])
	if os.Args[3] == "ignore" {
		signal.Ignore(unix.SIGINT, unix.SIGQUIT)
	}
	word := make([]byte, 1)
	n, err := unix.Read(gate, word)
	for err == unix.EINTR {
		n, err = unix.Read(gate, word)
	}
	unix.Close(gate)
	if os.Args[3] == guarding {
		guard()
	}
	if n != 1 { // the watcher is gone, or this is its waker
		os.Exit(0)
	}
	if word[0] == withFilter {
		if err := install(filter()); err != nil {
			os.Exit(noFilter)
		}
	}
	err = syscall.Exec(os.Args[4], os.Args[5:], os.Environ())
	var errno syscall.Errno
	errors.As(err, &errno)
	os.Exit(int(errno))
}

const (
	withFilter    = 'f'
	withoutFilter = 'n'
)

// spawn starts a process that waits at a gate.
func spawn(ignore bool, stdout *os.File, path string, argv []string) (pid, gate int, err error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return 0, -1, fmt.Errorf("pipe2: %w", err)
	}
	// Above the numbers that a program may have got from its own parent.
	inner, err := unix.FcntlInt(uintptr(ends[0]), unix.F_DUPFD, 200)
	unix.Close(ends[0])
	if err != nil {
		unix.Close(ends[1])
		return 0, -1, fmt.Errorf("fcntl: %w", err)
	}
	defer unix.Close(inner)
	word := "default"
	if ignore {
		word = "ignore"
	}
	args := append([]string{os.Args[0], First, strconv.Itoa(inner), word, path}, argv...)
	pid, err = syscall.ForkExec("/proc/self/exe", args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, stdout.Fd(), 2}})
	if err != nil {
		unix.Close(ends[1])
		return 0, -1, fmt.Errorf("fork: %w", err)
	}
	return pid, ends[1], nil
}

const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC

// Command starts a program and follows it, and all processes that it starts, until none
// of them is left. It returns how the program ended. ignore has it ignore SIGINT and
// SIGQUIT, as its watcher was told to.
//
// If the watcher ends before, what it follows is killed: by the kernel, since under a filter
// no call of interest would succeed any more, or else by a process that waits for that.
func (w *Watch) Command(path string, argv []string, ignore bool) (end unix.WaitStatus, err error) {
	onItsOwnThread(func() { end, err = w.command(path, argv, ignore) })
	return end, err
}

func (w *Watch) command(path string, argv []string, ignore bool) (unix.WaitStatus, error) {
	w.begin()
	pid, gate, err := spawn(ignore, cmp.Or(w.Stdout, os.Stdout), path, argv)
	if err != nil {
		return 0, err
	}
	w.root = pid
	if w.tracepoints() != nil {
		return w.became(path, w.started(pid, gate))
	}
	if err := ptrace(unix.PTRACE_SEIZE, pid, 0, options|unix.PTRACE_O_TRACESECCOMP|unix.PTRACE_O_EXITKILL); err != nil {
		err = denied(pid, err, "-- COMMAND")
		var why *DeniedError
		if errors.As(err, &why) {
			why.PID = 0
		}
		unix.Close(gate)
		unix.Wait4(pid, nil, unix.WALL, nil)
		return 0, err
	}
	word := byte(withFilter)
	if w.All {
		word = withoutFilter
	}
	_, err = unix.Write(gate, []byte{word})
	unix.Close(gate)
	return w.became(path, errors.Join(err, w.follow()))
}

// became is how the command has ended, once it has been followed.
func (w *Watch) became(path string, err error) (unix.WaitStatus, error) {
	if err != nil {
		return 0, err
	}
	if !w.live && w.end.Exited() {
		if w.end.ExitStatus() == noFilter {
			return 0, errors.New("seccomp(2) does not let fd3 install a filter here")
		}
		return 0, &os.PathError{Op: "execve", Path: path, Err: unix.Errno(w.end.ExitStatus())}
	}
	return w.end, nil
}
