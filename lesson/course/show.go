package course

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// show shows a fact that was read from the kernel a moment ago.
func (l *Lab) show(e lesson.Evidence) {
	event := e.Event()
	event.Step, event.Recap = l.part.Lesson, true
	l.walk.Show(event)
}

// showAddress draws the bytes of an address, member by member.
func (l *Lab) showAddress(title string, addr sockets.Sockaddr) {
	e := lesson.Event{Kind: lesson.KindBytes, Step: l.part.Lesson, Form: "struct", Title: title, Data: append([]byte(nil), addr...)}
	for _, f := range addr.Fields() {
		e.Spans = append(e.Spans, lesson.Span{Name: f.Name, Start: f.Start, End: f.End, Value: f.Value})
	}
	l.walk.Show(e)
}

// structTitle is the length of an address and its C struct.
func structTitle(addr sockets.Sockaddr) string { return fmt.Sprintf("%d, %s", len(addr), addr.CType()) }

// showCall shows a call of a process.
func (l *Lab) showCall(role stage.Role, e lesson.Event) {
	e.Step, e.Process, e.PID, e.Recap, e.Title = l.part.Lesson, string(role), l.pid(role), true, string(role)
	l.walk.Show(e)
}

// lastCall makes a call that the server may not survive. If a signal kills it,
// signal is its name; else the call has returned.
func (l *Lab) lastCall(o stage.Order) (c sockets.Call, signal string) {
	p := l.process(server)
	c, err := p.Do(l.ctx, o, func(c sockets.Call) { l.made(server, p.PID(), c) })
	how, ended := p.Ended()
	switch {
	case ended && how.Signaled():
		signal = unix.SignalName(how.Signal())
		e := lesson.Entered(c)
		e.Strace, e.Result = e.Strace+") = ?", "?" // as strace has it
		l.showCall(server, e)
		l.show(lesson.Evidence{Fact: "the server's process", Value: fmt.Sprintf("killed by signal %d, %s", how.Signal(), signal), Source: "wait4(2) WTERMSIG"})
	case err != nil:
		l.failf("%s: %w", o.Do, err)
	default:
		l.told(server, c)
	}
	return c, signal
}

// showSame shows whether two descriptors of the server are one open file, where
// the kernel can be asked.
func (l *Lab) showSame(a, b int) {
	same, err := kernel.SameFile(l.pid(server), a, l.pid(server), b)
	if err != nil {
		return
	}
	value := "two open files"
	if same {
		value = "one open file"
	}
	l.show(lesson.Evidence{Fact: fmt.Sprintf("%d and %d", a, b), Value: value, Source: "kcmp(2) KCMP_FILE"})
}
