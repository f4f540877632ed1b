package watch

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/watch"
)

// quick is how long a wait lasts of which nothing is told.
const quick = time.Millisecond

// wait tells of a call that belongs to no life: one that waits for several sockets, or
// makes what does.
func (n *Narrator) wait(e *watch.Event, told bool) {
	first := !n.noted[fmt.Sprint(e.Call.Name, e.PID)]
	n.noted[fmt.Sprint(e.Call.Name, e.PID)] = true
	brief := e.Call.Duration < quick || looks(e.Call)
	if !first && !told && brief || n.again(e) || n.flood(e) {
		return
	}
	r := n.recap(e.Call, e.FD, note(e, e.Call, nil, nil), n.values(e, nil, nil))
	r.Title = who(e)
	n.show(r, e)
	if timedOut(e.Call) {
		n.idle[e.TID] = &idle{Event: e}
	}
}

// An idle thread makes one waiting call again and again, and each time nothing comes.
type idle struct {
	*watch.Event     // that was told
	more         int // calls since, which were not
}

// again reports whether a call has waited in vain for the same as the last one of its
// thread that was told. It is counted then.
func (n *Narrator) again(e *watch.Event) bool {
	i := n.idle[e.TID]
	if i == nil || !timedOut(e.Call) || awaited(i.Call) != awaited(e.Call) {
		return false
	}
	i.more++
	return true
}

// stir tells how often a thread has waited in vain, since it does something else now.
func (n *Narrator) stir(tid int) {
	i := n.idle[tid]
	delete(n.idle, tid)
	if i != nil && i.more > 0 {
		n.show(lesson.Event{Kind: lesson.KindText, Section: "watched", Text: filled("idle", map[string]string{
			"who": who(i.Event), "call": i.Call.Name, "times": often(i.more)})}, i.Event)
	}
}

// often is a number of times, in front of "more".
func often(n int) string {
	if n == 1 {
		return "once"
	}
	return lesson.Counted(n, "time")
}

// stirAll does so for all threads of a process; 0: of all processes.
func (n *Narrator) stirAll(pid int) {
	for _, tid := range slices.Sorted(maps.Keys(n.idle)) {
		if pid == 0 || n.idle[tid].PID == pid {
			n.stir(tid)
		}
	}
}

// timedOut reports whether a call has waited until its time was over.
func timedOut(c sockets.Call) bool {
	return Waits(c.Name) && c.Errno == 0 && c.Ret == 0 && !looks(c)
}

// looks reports whether a call does not wait: its time is 0.
func looks(c sockets.Call) bool {
	return slices.ContainsFunc(c.Args, func(a sockets.Arg) bool { return isTime(a) && noTime.MatchString(a.Value) })
}

// awaited is what a waiting call was given, but for the time.
func awaited(c sockets.Call) string {
	what := c.Name
	for _, a := range c.Args {
		if !isTime(a) {
			what += " " + a.Value
		}
	}
	return what
}

func isTime(a sockets.Arg) bool { return a.Name == "timeout" || a.Name == "tmo_p" }

// noTime is a timeout of 0: in milliseconds, or a struct timeval or timespec.
var noTime = regexp.MustCompile(`^(0|\{tv_sec=0, tv_[nu]sec=0\})$`)

// A descriptor among the structs pollfd of poll(2), and in a set of select(2). The kernel
// passes over a negative one.
var (
	polled   = regexp.MustCompile(`fd=\d+`)
	selected = regexp.MustCompile(`\d+`)
)

// waitNote is the section of watch.md that says for what a call waits.
func waitNote(c sockets.Call) string {
	all := make(map[string]bool)
	for _, a := range c.Args {
		var found []string
		switch {
		case a.Name == "fds":
			found = polled.FindAllString(a.Value, -1)
		case strings.HasSuffix(a.Name, "fds") && a.Name != "nfds" && strings.HasPrefix(a.Value, "["):
			found = selected.FindAllString(a.Value, -1)
		}
		for _, fd := range found {
			all[fd] = true
		}
	}
	switch {
	case looks(c):
		return "look"
	case strings.HasPrefix(c.Name, "epoll"):
		return "epoll_wait"
	case len(all) == 1:
		return "poll one"
	}
	return "poll"
}

// who is a process and, where it is not the first, its thread.
func who(e *watch.Event) string {
	if e.TID != e.PID {
		return fmt.Sprintf("%s %d, thread %d", e.Name, e.PID, e.TID)
	}
	return fmt.Sprintf("%s %d", e.Name, e.PID)
}

// patience is how long a call waits before that is told.
const patience = 300 * time.Millisecond

// Waiting tells which calls have been waiting for so long that the reader may wonder. It
// is called again and again.
func (n *Narrator) Waiting() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.gone.IsZero() && time.Since(n.gone) > patience && len(n.processes) > 0 {
		n.gone = time.Time{}
		n.left()
	}
	if n.Calls {
		return
	}
	for _, tid := range slices.Sorted(maps.Keys(n.threads)) {
		c := n.threads[tid]
		if c.told || time.Since(c.Call.Start) < patience {
			continue
		}
		c.told = true
		l := n.lives[c.Socket]
		again := fmt.Sprint("waits ", c.Call.Name, tid)
		if l != nil && l.number == 0 || Waits(c.Call.Name) && n.noted[again] {
			continue
		}
		n.noted[again] = true
		if l != nil && !Waits(c.Call.Name) {
			n.heading(l, c.Event)
		}
		n.show(lesson.Event{Kind: lesson.KindText, Section: "watched", Text: filled("waits", map[string]string{"who": who(c.Event), "call": c.Call.Name})}, c.Event)
	}
}
