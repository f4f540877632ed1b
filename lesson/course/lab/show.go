package lab

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Tell shows an Event of the experiment.
func (l *Lab) Tell(e lesson.Event) {
	if !l.preparing {
		l.tellPrepared()
	}
	e.Step = l.part.Lesson
	l.showEvent(e)
}

// Show shows a fact that was read from the kernel a moment ago.
func (l *Lab) Show(e lesson.Evidence) {
	event := e.Event()
	event.Recap = true
	l.Tell(event)
}

// ShowAddress draws the bytes of an address, member by member.
func (l *Lab) ShowAddress(title string, addr sockets.Sockaddr) {
	e := lesson.Event{Kind: lesson.KindBytes, Form: "struct", Title: title, Data: append([]byte(nil), addr...)}
	for _, f := range addr.Fields() {
		e.Spans = append(e.Spans, lesson.Span{Name: f.Name, Start: f.Start, End: f.End, Value: f.Value})
	}
	l.Tell(e)
}

// StructTitle returns the length of an address and its C struct.
func StructTitle(addr sockets.Sockaddr) string { return fmt.Sprintf("%d, %s", len(addr), addr.CType()) }

// showCall shows a call of a process.
func (l *Lab) showCall(role stage.Role, e lesson.Event) {
	e.Process, e.PID, e.Recap, e.Title = string(role), l.PID(role), true, string(role)
	l.Tell(e)
}

// LastCall makes a call that the server may not survive. If a signal kills it,
// signal is its name; else the call has returned.
func (l *Lab) LastCall(o stage.Order) (c sockets.Call, signal string) {
	p := l.process(Server)
	c, err := p.Do(l.ctx, o, func(c sockets.Call) { l.made(Server, p.PID(), c) })
	how, ended := p.Ended()
	switch {
	case ended && how.Signaled():
		signal = unix.SignalName(how.Signal())
		e := lesson.Entered(c)
		e.Strace, e.Result = e.Strace+") = ?", "?" // as strace has it
		l.showCall(Server, e)
		l.Show(facts.Killed(Server, how.Signal()))
	case err != nil:
		l.Fatalf("%s: %w", o.Do, err)
	default:
		l.told(Server, c)
	}
	return c, signal
}

// ShowSame shows whether two descriptors of the server are one open file, where
// the kernel can be asked.
func (l *Lab) ShowSame(a, b int) {
	same, err := kernel.SameFile(l.PID(Server), a, l.PID(Server), b)
	if err != nil {
		return
	}
	l.Show(facts.SameFile(a, b, same))
}
