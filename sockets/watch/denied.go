package watch

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A DeniedError says that the kernel does not let a process be watched.
type DeniedError struct {
	PID   int
	Errno unix.Errno
	Why   string // the likely cause, as this machine shows it, and what to do
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("process %d cannot be watched: ptrace(2): %s. %s", e.PID, unix.ErrnoName(e.Errno), e.Why)
}

func (e *DeniedError) Unwrap() error { return e.Errno }

// denied says why a process cannot be attached to.
func denied(pid int, err error) error {
	var errno unix.Errno
	if !errors.As(err, &errno) || errno != unix.EPERM {
		return fmt.Errorf("process %d cannot be watched: ptrace(2): %w", pid, err)
	}
	uid, _ := effective(pid)
	_, readable := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	scope, _ := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	yama := strings.TrimSpace(string(scope))
	e := &DeniedError{PID: pid, Errno: errno}
	switch tracer := status(status(pid)["TracerPid"])["Tgid"]; { // it is a thread
	case tracer == unix.Getpid():
		e.Why = "fd3 watches it already"
	case tracer != 0:
		e.Why = fmt.Sprintf("%s, process %d, traces it already, and a process has one tracer", cmp.Or(comm(tracer), "another"), tracer)
	case ofKernel(pid):
		e.Why = "It is a thread of the kernel, which makes no system calls"
	case status(unix.Getpid())["Seccomp"] != 0 && os.Geteuid() == 0:
		e.Why = "A seccomp filter of this container forbids it. Docker: --cap-add=SYS_PTRACE"
	case readable != nil && uid != os.Geteuid():
		e.Why = fmt.Sprintf("It belongs to the user %d, and you are %d. Only root watches other users' processes: sudo fd3 watch -p %d", uid, os.Geteuid(), pid)
	case yama == "1":
		e.Why = fmt.Sprintf("/proc/sys/kernel/yama/ptrace_scope is 1: a process is traced only by one that has started it. Start it with fd3 watch -- COMMAND, or take sudo fd3 watch -p %d", pid)
	case yama == "2":
		e.Why = fmt.Sprintf("/proc/sys/kernel/yama/ptrace_scope is 2: only root traces. Take sudo fd3 watch -p %d", pid)
	case yama == "3":
		e.Why = "/proc/sys/kernel/yama/ptrace_scope is 3: nobody traces until the next boot"
	default:
		e.Why = "It has rights that you have not, or it has forbidden to be looked into (PR_SET_DUMPABLE), or a container does"
	}
	return e
}

// ofKernel reports whether a process is a thread of the kernel's own (PF_KTHREAD in the
// flags of proc_pid_stat(5)).
func ofKernel(pid int) bool {
	const kthread = 0x00200000
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the third on
	if len(fields) < 7 {
		return false
	}
	flags, _ := strconv.ParseUint(fields[6], 10, 64)
	return flags&kthread != 0
}
