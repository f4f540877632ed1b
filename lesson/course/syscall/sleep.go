package syscall

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// usage is what a process's first thread has used so far.
type usage struct {
	cpu      time.Duration
	switches int64
}

func usageOf(l *lab.Lab, pid int) (t usage) {
	task := fmt.Sprintf("/proc/%d/task/%[1]d/", pid)
	b, err := os.ReadFile(task + "schedstat")
	if err != nil {
		l.Fatalf("%w", err)
	}
	ns, _, _ := strings.Cut(string(b), " ")
	n, err := strconv.ParseInt(ns, 10, 64)
	if err != nil {
		l.Fatalf("%sschedstat: %w", task, err)
	}
	t.cpu = time.Duration(n)
	b, err = os.ReadFile(task + "status")
	if err != nil {
		l.Fatalf("%w", err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
			t.switches, _ = strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return t
}

func sleep(l *lab.Lab) []lab.Step {
	nap := time.Duration(l.Param("milliseconds")) * time.Millisecond
	var conn int
	var reading *lab.Pending
	var before, asleep usage
	return []lab.Step{
		{Name: "wait", Do: func() {
			_, c, fd := l.Connection()
			conn = c
			before = usageOf(l, l.PID(lab.Client))
			reading = l.Begin(lab.Client, stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_STREAM, Size: 100})
			reading.Blocks()
			asleep = usageOf(l, l.PID(lab.Client))
		}},
		{Name: "look", Do: func() {
			start := time.Now()
			l.Until("the time to pass", func() bool { return time.Since(start) >= nap })
			slept := time.Since(start)
			used := usageOf(l, l.PID(lab.Client)).cpu - asleep.cpu
			path := fmt.Sprintf("/proc/%d/task/%[1]d/", l.PID(lab.Client))
			l.Show(lesson.Evidence{Fact: "processor time", Value: fmt.Sprintf("%s in %s", lesson.Took(used), lesson.Took(slept)), Source: path + "schedstat", Command: "cat " + path + "schedstat",
				Have: int64(used), Full: int64(slept), Note: "The first number there is nanoseconds on a processor."})
			l.Show(lesson.Evidence{Fact: "times that it gave the processor up", Value: fmt.Sprintf("+%d since before the call", asleep.switches-before.switches), Source: path + "status",
				Command: "grep voluntary_ctxt_switches " + path + "status"})
			l.Note("used", lesson.Took(used))
			l.Note("slept", lesson.Took(slept))
			l.Note("switches", asleep.switches-before.switches)
			switch {
			case used < nap/100:
				l.Answer("none")
			case used < nap/2:
				l.Answer("little")
			default:
				l.Answer("all")
			}
		}},
		{Name: "wake", Do: func() {
			l.Must(l.Send(lab.Server, conn, "x"))
			l.Note("took", lesson.Took(l.Must(reading.Wait()).Duration))
		}},
	}
}

// wake wants the server's accept to return.
func wake(l *lab.Lab) lab.Check {
	l.Hide()
	do := func(o stage.Order) int { return int(l.Must(l.Quietly(lab.Server, o)).Ret) }
	fd := do(stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})
	do(stage.Order{Do: "bind", FD: fd, Addr: lab.Loopback(0)})
	do(stage.Order{Do: "listen", FD: fd, Backlog: 8})
	pid := l.PID(lab.Server)
	l.Note("pid", pid)
	l.Note("port", l.Ask(lab.Server, fd).Local.Port())
	l.Note("took", "a while")
	accepting := l.Begin(lab.Server, stage.Order{Do: "accept4", FD: fd, Flags: unix.SOCK_CLOEXEC})
	task := l.Sleeps(pid, pid, "accept4", func(t kernel.Task) bool { return t.Syscall.Number == unix.SYS_ACCEPT4 })
	l.Note("wchan", task.Wchan)
	l.Note("number", task.Syscall.Number)
	woken := false
	return func() (bool, string) {
		select {
		case <-accepting.Done():
			if !woken {
				woken = true
				l.Note("took", lesson.Took(l.Must(accepting.Wait()).Duration))
			}
			return true, fmt.Sprintf("process %d is awake", pid)
		default:
			return false, fmt.Sprintf("process %d sleeps in the same call", pid)
		}
	}
}
