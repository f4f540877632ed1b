package glossary

import (
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
)

func ownProcess() []lesson.Evidence {
	return []lesson.Evidence{{Fact: "this process", Value: fmt.Sprintf("pid %d, its parent %d", os.Getpid(), os.Getppid()), Source: "getpid(2), getppid(2)",
		Command: "echo $$", Note: "The pid of fd3 is another one each time. The command shows the parent, if it is your shell."}}
}

func ownUser() []lesson.Evidence {
	e := facts.User(os.Geteuid())
	e.Fact = "you"
	return []lesson.Evidence{e}
}

func ownThreads() []lesson.Evidence {
	all, err := os.ReadDir("/proc/self/task")
	return one(lesson.Evidence{Fact: "this process", Value: lesson.Counted(len(all), "thread"), Source: "/proc/self/task", Command: "ls /proc/PID/task",
		Note: "A Go program has several from the start. Look at a process of your own by its PID."}, err)
}

func ownSwitches() []lesson.Evidence {
	const path = "/proc/self/status"
	voluntary, err := procLine(path, "voluntary_ctxt_switches:")
	if err != nil {
		return nil
	}
	other, err := procLine(path, "nonvoluntary_ctxt_switches:")
	return one(lesson.Evidence{Fact: "this thread", Value: voluntary + " voluntary, " + other + " involuntary", Source: path, Command: "grep ctxt " + path,
		Note: "The first thread of fd3, since it began. The command shows its own."}, err)
}

func ownVDSO() []lesson.Evidence {
	maps, err := os.ReadFile("/proc/self/maps")
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			place, _, _ := strings.Cut(line, " ")
			return []lesson.Evidence{{Fact: "this process", Value: "has it at " + place, Source: "/proc/self/maps", Command: "grep vdso /proc/self/maps"}}
		}
	}
	return one(lesson.Evidence{Fact: "this process", Value: "has none", Source: "/proc/self/maps", Command: "grep vdso /proc/self/maps"}, err)
}

// sleepingThread finds a thread that waits: of this process one always does, for
// a Go program has more threads than work. One that falls asleep between two
// readings is passed over.
func sleepingThread() []lesson.Evidence {
	tasks, err := os.ReadDir("/proc/self/task")
	found := lesson.Evidence{Fact: "threads of fd3", Value: "none sleeps, or the kernel does not tell", Source: "/proc/self/task/TID/wchan", Command: "cat /proc/PID/wchan"}
	for _, entry := range tasks {
		tid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if t, err := kernel.Thread(os.Getpid(), tid); err == nil && t.State == 'S' && t.Wchan != "" {
			found.Fact, found.Value, found.Source = "a thread of fd3", t.StateName+" in "+t.Wchan, fmt.Sprintf("/proc/self/task/%d/wchan", tid)
			break
		}
	}
	return one(found, err)
}

func ownDescriptors() []lesson.Evidence {
	fds, err := kernel.FDs(os.Getpid())
	var shown []string
	for _, fd := range fds {
		shown = append(shown, fmt.Sprintf("%d=%s", fd.Number, fd.Target))
	}
	return one(lesson.Evidence{Fact: "this process", Value: strings.Join(shown, ", "), Source: "/proc/self/fd", Command: "ls -l /proc/self/fd",
		Note: "The command shows its own, with one more for the directory that it reads."}, err)
}

func ownLimit() []lesson.Evidence {
	var limit unix.Rlimit
	err := unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &limit)
	return one(lesson.Evidence{Fact: "RLIMIT_NOFILE", Value: fmt.Sprintf("%d of at most %d", limit.Cur, limit.Max), Source: "prlimit(2)", Command: "ulimit -Sn; ulimit -Hn",
		Note: "A Go program raises the first to the second when it starts, so a shell may show less."}, err)
}

func ownMemory() []lesson.Evidence {
	maps, err := os.ReadFile("/proc/self/maps")
	last := ""
	for line := range strings.Lines(string(maps)) {
		if !strings.Contains(line, "[vsyscall]") {
			last, _, _ = strings.Cut(line, " ")
		}
	}
	_, end, _ := strings.Cut(last, "-")
	return one(lesson.Evidence{Fact: "this process", Value: "its memory ends at 0x" + strings.TrimLeft(end, "0"), Source: "/proc/self/maps", Command: "cat /proc/self/maps",
		Note: "The addresses of the kernel begin far above that, and the process cannot read them."}, err)
}

func ownSignals() []lesson.Evidence {
	line, err := procLine("/proc/self/status", "SigCgt:")
	if err != nil {
		return nil
	}
	mask, err := strconv.ParseUint(line, 16, 64)
	return one(lesson.Evidence{Fact: "this process", Value: "handlers for " + lesson.Counted(bits.OnesCount64(mask), "signal"), Source: "/proc/self/status, SigCgt", Command: "grep Sig /proc/self/status",
		Note: "The Go runtime sets them. The command shows its own, which are fewer."}, err)
}

func ownNamespace() []lesson.Evidence {
	target, err := os.Readlink("/proc/self/ns/net")
	return one(lesson.Evidence{Fact: "this process", Value: target, Source: "/proc/self/ns/net", Command: "readlink /proc/self/ns/net"}, err)
}

func forks() []lesson.Evidence {
	n, err := procLine("/proc/stat", "processes ")
	return one(lesson.Evidence{Fact: "since the start", Value: n + " processes and threads were made", Source: "/proc/stat", Command: "grep processes /proc/stat"}, err)
}

func neighbours() []lesson.Evidence {
	table, err := os.ReadFile("/proc/net/arp")
	n := strings.Count(string(table), "\n") - 1 // the first line is the heading
	return one(lesson.Evidence{Fact: "in the table", Value: lesson.Counted(n, "neighbour"), Source: "/proc/net/arp", Command: "cat /proc/net/arp"}, err)
}

func socketsUsed() []lesson.Evidence {
	line, err := procLine("/proc/net/sockstat", "sockets:")
	return one(lesson.Evidence{Fact: "in this network", Value: line, Source: "/proc/net/sockstat", Command: "cat /proc/net/sockstat",
		Note: "All kinds of sockets that processes hold."}, err)
}

// procLine returns the rest of the line of a file that begins with a name.
func procLine(path, name string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(rest), nil
		}
	}
	return "", fmt.Errorf("%s: no line %s", path, name)
}
