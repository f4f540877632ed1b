package step

import (
	"context"
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// calls counts the calls of a name that have returned; of every name, if it is empty.
func (h *stagehand) calls(name string) (n int) {
	for _, e := range h.events {
		if e.Kind == lesson.KindReturn && strings.HasPrefix(e.Strace, name) {
			n++
		}
	}
	return n
}

// A client that has connected and is not in the accept queue (TCP_DEFER_ACCEPT, or
// another program's accept) gets no second one after it.
func TestOneClientIsEnough(t *testing.T) {
	h := newStagehand(t)
	h.start()
	now, err := look(t.Context(), h.Parties)
	if err != nil {
		t.Fatal(err)
	}
	connect := by(client, "connect")
	p := plan{role: server, opts: DefaultOptions(), now: now}
	if next, missing := p.waiting(); !missing || next.step.Name != "socket" || next.role != client {
		t.Errorf("the first step on the way to a client is not its socket: %+v", next)
	}
	p.made = map[todo]bool{connect: true}
	if next, missing := p.waiting(); missing {
		t.Errorf("%s has a second client", next.step.Name)
	}
}

// A learner who names a descriptor has that call alone.
func TestNamedDescriptorIsPreparedByNothing(t *testing.T) {
	h := newStagehand(t)
	h.fails("send", "EBADF", fd(99))
	if n := h.calls(""); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// The destination of a send is not where its client connects to.
func TestDestinationIsNoServer(t *testing.T) {
	h := newStagehand(t)
	h.start()
	h.do("send", asClient, to(loopback(freePort(t))))
	if n := h.calls("connect("); n != 1 {
		t.Errorf("%d calls of connect", n)
	}
}

// A process that has ended without a goodbye is told of when the next is born.
func TestBirthAfterACrash(t *testing.T) {
	const crash = "An earlier server process ended without a goodbye"
	for _, crashed := range []bool{false, true} {
		h := newStagehand(t)
		born := false
		h.Start = func(stage.Role) (bool, bool, error) {
			first := !born
			born = true
			return first, crashed, nil
		}
		h.do("socket")
		if h.told(crash) != crashed {
			t.Errorf("crashed %t: %+v", crashed, h.events[0])
		}
	}
	h := newStagehand(t)
	no := errors.New("no")
	h.Start = func(stage.Role) (bool, bool, error) { return false, false, no }
	if err := h.try("socket"); !errors.Is(err, no) {
		t.Errorf("%v", err)
	}
}

// A server that takes its first steps by itself needs nobody to type the next one.
func TestStraightSuggestsNothing(t *testing.T) {
	h := newStagehand(t)
	o := DefaultOptions()
	o.Addr, o.Explain = loopback(0), lesson.Full
	if err := h.Straight(t.Context(), o, Socket, Bind, Listen); err != nil {
		t.Fatal(err)
	}
	for _, e := range h.events {
		if e.Section == "next" || e.Section == "try" {
			t.Errorf("%s: %s", e.Step, e.Command)
		}
	}
	if h.do("socket"); h.events[len(h.events)-1].Section != "next" {
		t.Error("a step that a learner takes does not say what comes next")
	}
}

// A disturbed stage makes its calls as the one below it does, with something before and
// something after.
type disturbed struct {
	Stage
	before func(stage.Order, func(sockets.Call))
	after  func(*sockets.Call)
}

func (d disturbed) Do(ctx context.Context, o stage.Order, tell func(sockets.Call)) (sockets.Call, error) {
	d.before(o, tell)
	c, err := d.Stage.Do(ctx, o, tell)
	d.after(&c)
	return c, err
}

// A call that a signal has interrupted is told, also in a line.
func TestInterruptedPrerequisiteIsTold(t *testing.T) {
	h := newStagehand(t)
	h.Parties[0].Stage = disturbed{h.Parties[0].Stage, func(o stage.Order, tell func(sockets.Call)) {
		if o.Do == "socket" {
			tell(sockets.Call{Name: "socket", Returned: true, Errno: unix.EINTR})
		}
	}, func(*sockets.Call) {}}
	h.do("bind", to(loopback(0)))
	var told []string
	for _, e := range h.events {
		if e.Kind == lesson.KindReturn {
			told = append(told, e.ErrnoName)
		}
	}
	if len(told) < 3 || told[0] != "EINTR" || told[1] != "" {
		t.Errorf("%q", told)
	}
}

// A prerequisite that ends since fd3 is told to end has no cause to explain.
func TestPrerequisiteThatIsInterrupted(t *testing.T) {
	for _, interrupted := range []bool{true, false} {
		h := newStagehand(t)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		h.Parties[0].Stage = disturbed{h.Parties[0].Stage, func(stage.Order, func(sockets.Call)) {}, func(c *sockets.Call) {
			if c.Name == "bind" {
				c.Errno = unix.EADDRNOTAVAIL
				if interrupted {
					stop()
				}
			}
		}}
		o := DefaultOptions()
		o.Explain = lesson.Full
		if err := h.Do(ctx, Listen, o); !errors.Is(err, ErrFailed) {
			t.Fatal(err)
		}
		explained := false
		for _, e := range h.events {
			explained = explained || e.Section == "errno"
		}
		if explained == interrupted {
			t.Errorf("interrupted %t, explained %t", interrupted, explained)
		}
	}
}
