package kernel

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Task is the present activity of one thread.
type Task struct {
	State     byte    // the letter in stat: R, S, D, T, t, Z, X, I, P
	StateName string  // the word for it in /proc/PID/status, "sleeping"; "" for a letter unknown here
	Wchan     string  // kernel function it sleeps in, proc_pid_wchan(5); "" while it runs, and if this user may not see it
	Syscall   Syscall // the system call it is blocked in
}

// taskStates are the words of task_state_array in fs/proc/array.c.
var taskStates = map[byte]string{
	'R': "running",
	'S': "sleeping",
	'D': "disk sleep",
	'T': "stopped",
	't': "tracing stop",
	'X': "dead",
	'Z': "zombie",
	'P': "parked",
	'I': "idle",
}

// Thread reads stat, wchan and syscall of /proc/PID/task/TID, one after the other. A
// thread that wakes between them gives a mixed picture, so ask again before building
// on it.
func Thread(pid, tid int) (Task, error) {
	dir := fmt.Sprintf("/proc/%d/task/%d", pid, tid)
	text, err := readFile(dir + "/stat")
	if err != nil {
		return Task{}, err
	}
	stat, err := parseStat(string(text))
	if err != nil {
		return Task{}, fmt.Errorf("%s/stat: %w", dir, err)
	}
	task := Task{State: stat.state, StateName: taskStates[stat.state]}

	text, err = readFile(dir + "/wchan")
	if err != nil && !denied(err) {
		return Task{}, err
	}
	task.Wchan = parseWchan(string(text))

	text, err = readFile(dir + "/syscall")
	if denied(err) {
		return task, nil // SyscallUnknown
	}
	if err != nil {
		return Task{}, err
	}
	if task.Syscall, err = parseSyscall(string(text)); err != nil {
		return Task{}, fmt.Errorf("%s/syscall: %w", dir, err)
	}
	return task, nil
}

// denied reports whether the kernel refused to show something to this user: EACCES
// from opening a file of another user, EPERM from the ptrace check in reading it.
func denied(err error) bool {
	return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)
}

// parseWchan takes the function's name. "0" stands for a running thread and,
// without the right to ptrace it, for any.
func parseWchan(text string) string {
	if text == "0" {
		return ""
	}
	return strings.TrimSpace(text)
}
