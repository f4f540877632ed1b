package facts

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// proc returns a path below /proc/PID (proc(5)).
func proc(pid int, name string) string { return fmt.Sprintf("/proc/%d/%s", pid, name) }

// Descriptors is what a process has open, but for hidden ones from reserved up,
// which are fd3's own.
func Descriptors(pid int, open []kernel.FD, hidden, reserved int) lesson.Evidence {
	var shown []string
	for _, fd := range open {
		shown = append(shown, fmt.Sprintf("%d=%s", fd.Number, fd.Target))
	}
	e := lesson.Evidence{Fact: "fd table", Value: strings.Join(shown, ", "), Source: proc(pid, "fd"), Command: "ls -l " + proc(pid, "fd")}
	if hidden > 0 {
		e.Note = fmt.Sprintf("%d more from %d up: the channel that fd3 drives this process by, and the Go runtime's own.", hidden, reserved)
	}
	return e
}

// OpenFile is the open file description behind a descriptor.
func OpenFile(pid, fd int, f kernel.OpenFile) lesson.Evidence {
	path := proc(pid, fmt.Sprintf("fdinfo/%d", fd))
	return lesson.Evidence{Fact: "open file", Value: fmt.Sprintf("flags 0%o = %s, pos %d, ino %d", f.Flags, strings.Join(f.Names, "|"), f.Pos, f.Inode),
		Source: path, Command: "cat " + path}
}

// Thread is where the thread that makes the calls of a process is.
func Thread(pid int, t kernel.Task) lesson.Evidence {
	value := t.StateName
	if t.Wchan != "" {
		value += " in " + t.Wchan
	}
	path := proc(pid, "wchan")
	return lesson.Evidence{Fact: "main thread", Value: value, Source: path, Command: "cat " + path}
}

// DescriptorLimit is how many descriptors a process may have.
func DescriptorLimit(pid int, limit uint64) lesson.Evidence {
	return lesson.Evidence{Fact: "RLIMIT_NOFILE", Value: fmt.Sprint(limit), Source: "prlimit(2)", Command: "grep files " + proc(pid, "limits")}
}

// User is whose the process is.
func User(uid int) lesson.Evidence {
	return lesson.Evidence{Fact: "user", Value: fmt.Sprintf("uid %d", uid), Source: "geteuid(2)", Command: "id -u"}
}

// Descriptor is one descriptor of a process, and what it stands for.
func Descriptor(pid int, fd kernel.FD) lesson.Evidence {
	return lesson.Evidence{Fact: fmt.Sprintf("descriptor %d", fd.Number), Value: fd.Target, Source: proc(pid, "fd"), Command: "ls -l " + proc(pid, "fd")}
}

// SocketDescriptor is a descriptor of a process that is a socket, by its inode.
func SocketDescriptor(owner stage.Role, pid, fd int, inode uint64) lesson.Evidence {
	link := proc(pid, fmt.Sprintf("fd/%d", fd))
	return lesson.Evidence{Fact: string(owner) + "'s descriptor", Value: fmt.Sprintf("%d is socket:[%d]", fd, inode), Source: link, Command: "readlink " + link}
}

// Flags are those of a descriptor, close-on-exec among them.
func Flags(pid, fd int, f kernel.OpenFile) lesson.Evidence {
	path := proc(pid, fmt.Sprintf("fdinfo/%d", fd))
	return lesson.Evidence{Fact: fmt.Sprintf("flags of %d", fd), Value: fmt.Sprintf("0%o = %s", f.Flags, strings.Join(f.Names, "|")), Source: path, Command: "cat " + path}
}

// Position is where the next read or write of a descriptor happens, if it is a
// file's.
func Position(pid, fd int, f kernel.OpenFile) lesson.Evidence {
	path := proc(pid, fmt.Sprintf("fdinfo/%d", fd))
	return lesson.Evidence{Fact: fmt.Sprintf("position of %d", fd), Value: fmt.Sprint(f.Pos), Source: path, Command: "grep pos " + path}
}

// SameFile says whether two descriptors are one open file description.
func SameFile(a, b int, same bool) lesson.Evidence {
	e := lesson.Evidence{Fact: fmt.Sprintf("%d and %d", a, b), Value: "two open files", Source: "kcmp(2) KCMP_FILE"}
	if same {
		e.Value = "one open file"
	}
	return e
}

// Asleep is where in the kernel a process sleeps that goes by a name.
func Asleep(name string, pid int, t kernel.Task) lesson.Evidence {
	e := Thread(pid, t)
	e.Fact = name
	return e
}

// AsleepIn is the same for one thread, with the system call that it is in; more says
// what is known of the call besides.
func AsleepIn(name string, pid, tid int, t kernel.Task, more string) lesson.Evidence {
	path := proc(pid, fmt.Sprintf("task/%d/", tid))
	return lesson.Evidence{Fact: name, Value: fmt.Sprintf("%s in %s, %s", t.StateName, t.Wchan, more), Source: path + "wchan and syscall", Command: "cat " + path + "wchan"}
}

// ProcessState says whether a process runs, sleeps or is stopped.
func ProcessState(owner stage.Role, pid int, t kernel.Task) lesson.Evidence {
	path := proc(pid, "status")
	return lesson.Evidence{Fact: string(owner) + "'s process", Value: t.StateName, Source: path, Command: "grep State " + path}
}

// Killed is the end of a process by a signal.
func Killed(owner stage.Role, signal syscall.Signal) lesson.Evidence {
	return lesson.Evidence{Fact: string(owner) + "'s process", Value: fmt.Sprintf("killed by signal %d, %s", signal, unix.SignalName(signal)), Source: "wait4(2) WTERMSIG"}
}

// CanBindPrivileged says whether a process with these effective capabilities has
// CAP_NET_BIND_SERVICE (capabilities(7)).
func CanBindPrivileged(pid int, capabilities uint64) lesson.Evidence {
	path := proc(pid, "status")
	e := lesson.Evidence{Fact: "CAP_NET_BIND_SERVICE", Value: "no", Source: path, Command: "grep CapEff " + path,
		Note: fmt.Sprintf("CapEff is %016x, one bit for each right. This one is bit %d.", capabilities, unix.CAP_NET_BIND_SERVICE)}
	if capabilities&(1<<unix.CAP_NET_BIND_SERVICE) != 0 {
		e.Value = "yes"
	}
	return e
}
