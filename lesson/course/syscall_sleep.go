package course

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// syscallTime is what a process's first thread has used so far.
type syscallTime struct {
	cpu      time.Duration
	switches int64
}

func (l *Lab) syscallTime(pid int) (t syscallTime) {
	task := fmt.Sprintf("/proc/%d/task/%[1]d/", pid)
	b, err := os.ReadFile(task + "schedstat")
	if err != nil {
		l.failf("%w", err)
	}
	ns, _, _ := strings.Cut(string(b), " ")
	n, err := strconv.ParseInt(ns, 10, 64)
	if err != nil {
		l.failf("%sschedstat: %w", task, err)
	}
	t.cpu = time.Duration(n)
	b, err = os.ReadFile(task + "status")
	if err != nil {
		l.failf("%w", err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
			t.switches, _ = strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return t
}

func syscallSleep(l *Lab) map[string]func() {
	const nap = 300 * time.Millisecond
	var conn int
	var reading *pending
	var before, asleep syscallTime
	return map[string]func(){
		"wait": func() {
			_, c, fd := l.connection()
			conn = c
			before = l.syscallTime(l.pid(client))
			reading = l.begin(client, stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_STREAM, Size: 100})
			reading.blocks()
			asleep = l.syscallTime(l.pid(client))
		},
		"look": func() {
			start := time.Now()
			l.until("the time to pass", func() bool { return time.Since(start) >= nap })
			slept := time.Since(start)
			used := l.syscallTime(l.pid(client)).cpu - asleep.cpu
			path := fmt.Sprintf("/proc/%d/task/%[1]d/", l.pid(client))
			l.show(lesson.Evidence{Fact: "processor time", Value: fmt.Sprintf("%s in %s", lesson.Took(used), lesson.Took(slept)), Source: path + "schedstat", Command: "cat " + path + "schedstat",
				Have: int64(used), Full: int64(slept), Note: "The first number there is nanoseconds on a processor."})
			l.show(lesson.Evidence{Fact: "times that it gave the processor up", Value: fmt.Sprintf("+%d since before the call", asleep.switches-before.switches), Source: path + "status",
				Command: "grep voluntary_ctxt_switches " + path + "status"})
			l.note("used", lesson.Took(used))
			l.note("slept", lesson.Took(slept))
			l.note("switches", asleep.switches-before.switches)
			switch {
			case used < nap/100:
				l.answer("none")
			case used < nap/2:
				l.answer("little")
			default:
				l.answer("all")
			}
		},
		"wake": func() {
			l.must(l.send(server, conn, "x"))
			l.note("took", lesson.Took(l.must(reading.wait()).Duration))
		},
	}
}

// syscallWake wants the server's accept to return.
func syscallWake(l *Lab) func() (bool, string) {
	l.hide()
	do := func(o stage.Order) int { return int(l.must(l.quietly(server, o)).Ret) }
	fd := do(stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})
	do(stage.Order{Do: "bind", FD: fd, Addr: loopback(0)})
	do(stage.Order{Do: "listen", FD: fd, Backlog: 8})
	pid := l.pid(server)
	l.note("pid", pid)
	l.note("port", l.asked(server, fd).Local.Port())
	l.note("took", "a while")
	accepting := l.begin(server, stage.Order{Do: "accept4", FD: fd, Flags: unix.SOCK_CLOEXEC})
	task := l.sleeps(pid, pid, "accept4", func(t kernel.Task) bool { return t.Syscall.Number == unix.SYS_ACCEPT4 })
	l.note("wchan", task.Wchan)
	l.note("number", task.Syscall.Number)
	woken := false
	return func() (bool, string) {
		select {
		case <-accepting.over:
			if !woken {
				woken = true
				l.note("took", lesson.Took(l.must(accepting.wait()).Duration))
			}
			return true, fmt.Sprintf("process %d is awake", pid)
		default:
			return false, fmt.Sprintf("process %d sleeps in the same call", pid)
		}
	}
}
