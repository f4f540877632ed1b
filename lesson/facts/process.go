package facts

import (
	"fmt"
	"strings"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

// Proc returns a path below /proc/PID (proc(5)).
func Proc(pid int, name string) string { return fmt.Sprintf("/proc/%d/%s", pid, name) }

// Descriptors is what a process has open, but for hidden ones from reserved up,
// which are fd3's own.
func Descriptors(pid int, open []kernel.FD, hidden, reserved int) lesson.Evidence {
	var shown []string
	for _, fd := range open {
		shown = append(shown, fmt.Sprintf("%d=%s", fd.Number, fd.Target))
	}
	e := lesson.Evidence{Fact: "fd table", Value: strings.Join(shown, ", "), Source: Proc(pid, "fd"), Command: "ls -l " + Proc(pid, "fd")}
	if hidden > 0 {
		e.Note = fmt.Sprintf("%d more from %d up: the channel that fd3 drives this process by, and the Go runtime's own.", hidden, reserved)
	}
	return e
}

// OpenFile is the open file description behind a descriptor.
func OpenFile(pid, fd int, f kernel.OpenFile) lesson.Evidence {
	path := Proc(pid, fmt.Sprintf("fdinfo/%d", fd))
	return lesson.Evidence{Fact: "open file", Value: fmt.Sprintf("flags 0%o = %s, pos %d, ino %d", f.Flags, strings.Join(f.Names, "|"), f.Pos, f.Inode),
		Source: path, Command: "cat " + path}
}

// Thread is where the thread that makes the calls of a process is.
func Thread(pid int, t kernel.Task) lesson.Evidence {
	value := t.StateName
	if t.Wchan != "" {
		value += " in " + t.Wchan
	}
	path := Proc(pid, "wchan")
	return lesson.Evidence{Fact: "main thread", Value: value, Source: path, Command: "cat " + path}
}

// DescriptorLimit is how many descriptors a process may have.
func DescriptorLimit(pid int, limit uint64) lesson.Evidence {
	return lesson.Evidence{Fact: "RLIMIT_NOFILE", Value: fmt.Sprint(limit), Source: "prlimit(2)", Command: "grep files " + Proc(pid, "limits")}
}

// User is whose the process is.
func User(uid int) lesson.Evidence {
	return lesson.Evidence{Fact: "user", Value: fmt.Sprintf("uid %d", uid), Source: "geteuid(2)", Command: "id -u"}
}
