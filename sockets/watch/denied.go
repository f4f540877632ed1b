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
	PID   int    // 0: the command that was to be started
	Call  string // what the kernel refuses, such as ptrace(2)
	Errno unix.Errno
	Why   string // the likely cause, as this machine shows it, and what to do
}

func (e *DeniedError) Error() string {
	what := "the command"
	if e.PID != 0 {
		what = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("%s cannot be watched: %s: %s. %s", what, e.Call, unix.ErrnoName(e.Errno), e.Why)
}

func (e *DeniedError) Unwrap() error { return e.Errno }

// denied says why a process cannot be attached to. again is how it is asked for: -p PID, or
// -- COMMAND.
func denied(pid int, err error, again string) error {
	var errno unix.Errno
	if !errors.As(err, &errno) || errno != unix.EPERM {
		return fmt.Errorf("process %d cannot be watched: ptrace(2): %w", pid, err)
	}
	uid, _ := effective(pid)
	e := &DeniedError{PID: pid, Call: "ptrace(2)", Errno: errno}
	switch tracer := status(status(pid)["TracerPid"])["Tgid"]; { // it is a thread
	case tracer == unix.Getpid():
		e.Why = "fd3 watches it already"
	case tracer != 0:
		e.Why = fmt.Sprintf("%s, process %d, traces it already, and a process has one tracer", cmp.Or(comm(tracer), "another"), tracer)
	case ofKernel(pid):
		e.Why = "It is a thread of the kernel, which makes no system calls"
	case status(unix.Getpid())["Seccomp"] != 0 && os.Geteuid() == 0:
		e.Why = "A seccomp filter of this container forbids it. Docker: --cap-add=SYS_PTRACE"
	case os.Geteuid() == 0:
		e.Why = deniedRoot()
	case uid != os.Geteuid() && !readable(pid):
		e.Why = fmt.Sprintf("It belongs to the user %d, and you are %d. Only root watches other users' processes: sudo fd3 watch %s", uid, os.Geteuid(), again)
	case owner(pid) != uid:
		e.Why = fmt.Sprintf("Its files in /proc/%d belong to the user %d: it may not be looked into. It has said so itself (PR_SET_DUMPABLE, prctl(2)), or it runs with rights of its own. Only root watches it: sudo fd3 watch %s", pid, owner(pid), again)
	default:
		e.Why = yama(again)
	}
	return e
}

// unreadable says why a process cannot be watched whose /proc/PID/exe the kernel does not
// let be read.
func unreadable(pid int) error {
	e := &DeniedError{PID: pid, Call: fmt.Sprintf("readlink(2) of /proc/%d/exe", pid), Errno: unix.EACCES}
	if _, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil {
		errors.As(err, &e.Errno)
	}
	e.Why = yama(fmt.Sprint("-p ", pid))
	if os.Geteuid() == 0 {
		e.Why = deniedRoot()
	}
	return e
}

// deniedRoot says what root may lack to watch a process.
func deniedRoot() string {
	if !capable(unix.CAP_SYS_PTRACE) {
		return "You are root, but without the capability CAP_SYS_PTRACE (capabilities(7)), as in many containers. Docker: --cap-add=SYS_PTRACE"
	}
	if yamaScope() == "3" {
		return nobodyWatches
	}
	modules := "such as SELinux or AppArmor"
	if names, err := os.ReadFile("/sys/kernel/security/lsm"); err == nil {
		modules = "here there are " + strings.TrimSpace(string(names))
	}
	return fmt.Sprintf("You are root, with the capability CAP_SYS_PTRACE, and yet: either the process is of a user namespace above yours, or a security module forbids it (%s)", modules)
}

// capable reports whether this process has a capability (capabilities(7)).
func capable(capability int) bool {
	var data [2]unix.CapUserData
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return unix.Capget(&header, &data[0]) == nil && data[capability/32].Effective&(1<<(capability%32)) != 0
}

// ended reports whether a process is a zombie: it has ended, and is not waited for yet.
func ended(pid int) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return bytes.Contains(b, []byte("\nState:\tZ"))
}

// yamaFile says whom the security module Yama lets watch (admin-guide/LSM/Yama.rst of the
// kernel).
const yamaFile = "/proc/sys/kernel/yama/ptrace_scope"

const nobodyWatches = yamaFile + " is 3: nobody watches another process before the next boot"

// yamaScope is what stands there; empty: there is no Yama.
func yamaScope() string {
	scope, _ := os.ReadFile(yamaFile)
	return strings.TrimSpace(string(scope))
}

// yama says what Yama has to do with it.
func yama(again string) string {
	switch yamaScope() {
	case "1":
		return yamaFile + " is 1: who is no ancestor of a process may not watch it. Start it with fd3 watch -- COMMAND, or take sudo fd3 watch " + again
	case "2":
		return yamaFile + " is 2: only root watches. Take sudo fd3 watch " + again
	case "3":
		return nobodyWatches
	}
	return "It has rights that you have not, or a container or a security module forbids it. Root may be able to: sudo fd3 watch " + again
}

// readable reports whether this user may look into a process.
func readable(pid int) bool {
	_, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil
}

// owner is whose the files of a process in /proc are: root's where it is not dumpable
// (proc_pid(5)).
func owner(pid int) int {
	var st unix.Stat_t
	if unix.Stat(fmt.Sprintf("/proc/%d/status", pid), &st) != nil {
		return -1
	}
	return int(st.Uid)
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
