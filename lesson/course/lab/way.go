package lab

import (
	"errors"
	"fmt"
	"time"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/path"
	"fd3/sockets/stage"
)

// A Way is the way of a call through the kernel. Where this user may not see that, it is
// the recorded one of such a call: recorded says so to the learner.
type Way struct {
	path.Path
	recorded bool
}

// Way makes a call of a party, and shows its way. It notes for the words where that comes
// from, under seen.
func (l *Lab) Way(role stage.Role, o stage.Order) (sockets.Call, Way) {
	trace, err := path.Open()
	var denied *path.DeniedError
	if errors.As(err, &denied) {
		call := l.Must(l.Do(role, o))
		recorded, err := path.Recorded(call.Name)
		if err != nil {
			l.Fatalf("the way of %s: %w", o.Do, err)
		}
		w := Way{recorded, true}
		l.showWay(w)
		return call, w
	} else if err != nil {
		l.Fatalf("%w", err)
	}
	defer trace.Close()
	state := l.State(role)
	if err := trace.Begin(state.TID, path.Numbers[o.Do], true); err != nil {
		l.Fatalf("%w", err)
	}
	call := l.Must(l.Do(role, o))
	seen, err := trace.End()
	if err != nil {
		l.Fatalf("the way of %s: %w", o.Do, err)
	}
	seen.Call = call.Strace()
	w := Way{Path: seen}
	l.showWay(w)
	return call, w
}

// showWay draws a way, and says where it comes from.
func (l *Lab) showWay(w Way) {
	e := lesson.Evidence{Fact: "the way", Value: fmt.Sprintf("seen just now, by %d of the kernel's tracepoints", w.Tracepoints()), Source: "tracefs"}
	if w.recorded {
		e.Value = fmt.Sprintf("a recording, since this user may not trace: Linux %s, %s", w.Kernel, w.Made.Format("2 January 2006"))
		e.Source = "fd3 path --record"
	}
	l.Note("seen", e.Value)
	if w.Probed != nil {
		e.Note = "Behind a function stand the bytes (`B`) of the `sk_buff` that it was given, as it was entered: an eBPF program has noted them."
	}
	l.Show(e)
	l.Tell(lesson.Event{Kind: lesson.KindPath, Path: &w.Path})
}

// Stamped has a party send bytes, and returns when the kernel says that they have passed a
// few places: these stamps every user may have. Where this one may not have the sockets of
// the parties there are none.
func (l *Lab) Stamped(from stage.Role, fd int, to stage.Role, peer int, data string) (sockets.Call, []path.Mark) {
	stamps, err := path.Stamp(l.PID(from), fd, l.PID(to), peer)
	if err != nil {
		return l.Must(l.Send(from, fd, data)), nil
	}
	defer stamps.Close()
	call := l.Must(l.Send(from, fd, data))
	return call, stamps.Marks(Patience / 10)
}

// ShowMarks shows when bytes have passed some places, counted from the moment before a call,
// and when that returned.
func (l *Lab) ShowMarks(call sockets.Call, marks []path.Mark) {
	for _, m := range marks {
		l.Show(lesson.Evidence{Fact: m.Place, Value: "+" + lesson.Took(m.At.Sub(call.Start)), Source: "SO_TIMESTAMPING"})
	}
	l.Show(lesson.Evidence{Fact: "the call returned", Value: "+" + lesson.Took(call.Duration), Source: "clock_gettime(2)"})
}

// Before reports whether a mark is from before a call returned.
func Before(call sockets.Call, m path.Mark) bool {
	return m.At.Before(call.Start.Add(call.Duration).Add(time.Microsecond))
}
