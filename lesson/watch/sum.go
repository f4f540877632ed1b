package watch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/watch"
)

// A sum is what there was in all.
type sum struct {
	processes   int
	lives, told int
	calls       int
	counted     int // of these, which were not looked at
	lost        int // records of the kernel
	in, out     int64
	waited      time.Duration // in calls that wait for sockets
	errors      map[failure]int
}

// A failure is an errno of a call.
type failure struct {
	errno unix.Errno
	call  string
}

func newSum() sum { return sum{errors: make(map[failure]int)} }

// call counts a call that has returned.
func (s *sum) call(e *watch.Event) {
	s.calls++
	if e.Call.Duration >= quick {
		s.waited += e.Call.Duration
	}
	switch {
	case restarts(e.Call):
	case e.Call.Errno != 0:
		s.errors[failure{e.Call.Errno, e.Call.Name}]++
	case StepOf(e.Call, e.FD) == "recv":
		s.in += moved(e.Call)
	case StepOf(e.Call, e.FD) == "send":
		s.out += moved(e.Call)
	}
}

// later counts an error of a call that has not waited, which another one has asked for.
func (s *sum) later(l *life, c sockets.Call) {
	l.begun = l.begun || c.Name == "connect" && c.Errno == unix.EINPROGRESS
	if c.Taken != 0 && l.connecting() {
		s.errors[failure{c.Taken, "connect"}]++
	}
}

// restarts reports whether the kernel makes the call again after a signal: the program
// knows nothing of it (ERESTARTSYS and its like, ptrace(2)).
func restarts(c sockets.Call) bool { return c.Errno >= 512 }

// End tells what there was in all. The Watch is over.
func (n *Narrator) End() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.begin()
	n.stirAll(0)
	values := map[string]string{
		"lives": lesson.Counted(n.sum.lives, "socket"), "processes": lesson.Counted(n.sum.processes, "process"),
		"calls": lesson.Counted(n.sum.calls, "call"), "in": lesson.Counted(n.sum.in, "byte"), "out": lesson.Counted(n.sum.out, "byte"),
	}
	if n.sum.counted > 0 {
		values["counted"] = lesson.Counted(n.sum.counted, "call")
	}
	if n.sum.lost > 0 {
		values["lost"] = lesson.Counted(n.sum.lost, "record")
	}
	if n.sum.waited > 0 {
		values["waited"] = lesson.Took(n.sum.waited)
	}
	values["processes"] = strings.Replace(values["processes"], "processs", "processes", 1)
	var untold []string
	if n.untold > 0 {
		untold = append(untold, lesson.Counted(n.untold, "socket"))
	}
	if n.skipped > 0 {
		untold = append(untold, lesson.Counted(n.skipped, "call"))
	}
	if untold != nil {
		values["untold"] = strings.Join(untold, ", ")
	}
	section := "sum"
	if n.sum.lives == 0 {
		section = "none"
	}
	n.Show(lesson.Event{Kind: lesson.KindText, Section: "watch", Text: filled(section, values)})
	failures := slices.SortedFunc(maps.Keys(n.sum.errors), func(a, b failure) int {
		return cmp.Or(n.sum.errors[b]-n.sum.errors[a], cmp.Compare(a.call, b.call), cmp.Compare(a.errno, b.errno))
	})
	for _, f := range failures {
		c := sockets.Call{Errno: f.errno}
		name, meaning := c.ErrnoName(), sockets.Meaning(f.errno)
		if text, ok := story().Section("errno " + name); ok {
			meaning = text
		}
		n.Show(lesson.Event{Kind: lesson.KindText, Section: "watched", ErrnoName: name, Errno: int(f.errno), Name: f.call,
			Text: fmt.Sprintf("`%s` of `%s`, %s: %s", name, f.call, lesson.Counted(n.sum.errors[f], "time"), meaning)})
	}
}
