package serve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/step"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// errNoServer says that Listen could not make its listening socket; the kernel's
// answer has been told.
var errNoServer = errors.New("no listening socket")

// A Host is where a server stands that is on a host of a network of the user's own.
type Host struct {
	Name  string
	Addr  string // without a port
	Other string // the name of the other host, whose programs reach it
}

// Listen makes the listening sockets of a server in this process. The first is
// made by the steps that a learner takes, told in short. With more than one loop
// the others share its port (SO_REUSEPORT, socket(7)), told in a line each. on is nil
// where the server is on the machine's own network.
func Listen(ctx context.Context, r *step.Runner, o step.Options, loops int, on *Host) (listeners []int, err error) {
	if o.Explain == lesson.Full {
		o.Explain = lesson.Short
	}
	defer func() {
		if err != nil {
			closeSockets(ctx, r)
		}
	}()
	first, pid, err := listener(ctx, r, o)
	if err != nil {
		return nil, err
	}
	t := teller{show: r.Show, pid: pid, tracer: sockets.Tracer{Observe: func(sockets.Call) {}}} // so that they are put into words
	listeners, err = t.share(first.FD, first.Local, o.Backlog, loops)
	if err == nil {
		t.announce(first.Local, on)
	}
	return listeners, err
}

// listener takes the steps to a listening socket, and returns it and the process
// that has it.
func listener(ctx context.Context, r *step.Runner, o step.Options) (x stage.Socket, pid int, err error) {
	steps := []*step.Step{step.Socket, step.Setsockopt, step.Bind, step.Listen}
	if o.Addr.Family() == unix.AF_UNIX {
		steps = []*step.Step{step.Socket, step.Bind, step.Listen}
	}
	if err := r.Straight(ctx, o, steps...); err != nil {
		return stage.Socket{}, 0, err
	}
	state, err := r.Stage(stage.Server).State(ctx)
	if err != nil {
		return stage.Socket{}, 0, err
	}
	for _, x := range state.Sockets {
		if x.Listening {
			return x, state.PID, nil
		}
	}
	return stage.Socket{}, 0, errNoServer
}

// closeSockets closes what a failed Listen made.
func closeSockets(ctx context.Context, r *step.Runner) {
	state, _ := r.Stage(stage.Server).State(ctx)
	for _, x := range state.Sockets {
		unix.Close(x.FD)
	}
}

// ListenQuietly is Listen without a word but where the server listens, and without
// looking at what each call changed. If a call fails the error names it, and Listen
// tells why. bound hears of the first socket's bind(2).
func ListenQuietly(o step.Options, loops int, on *Host, show func(lesson.Event), bound func(sockets.Call)) ([]int, error) {
	t := teller{show: func(lesson.Event) {}, pid: os.Getpid()}
	fd, err := t.listener(o.Addr, o.Backlog, false)
	if err != nil {
		return nil, t.reason()
	}
	bound(t.bound)
	local := sockets.Sockname(fd)
	listeners, err := t.share(fd, local, o.Backlog, loops)
	if err != nil {
		return nil, t.reason()
	}
	t.show = show
	t.announce(local, on)
	return listeners, nil
}

// A teller makes calls of its own in this process and tells each in a line.
type teller struct {
	show   func(lesson.Event)
	pid    int
	tracer sockets.Tracer
	bound  sockets.Call // the last bind
	failed sockets.Call // the first that failed
}

// made tells of a call, with a section of serve.md. A failure has its meaning in
// errno.md.
func (t *teller) made(c sockets.Call, section string) error {
	e := lesson.Returned(c)
	e.Step, e.Process, e.PID, e.Recap = "serve", string(stage.Server), t.pid, true
	e.Text, _ = page().Section(section)
	t.show(e)
	if c.Errno != 0 {
		if text, ok := step.Meaning(c.Errno); ok {
			t.show(lesson.Event{Kind: lesson.KindText, Step: "serve", Process: string(stage.Server), PID: t.pid, Section: "errno", Text: text})
		}
		t.failed = c
		return step.ErrFailed
	}
	return nil
}

// reason is the call that failed, and its errno, in a line.
func (t *teller) reason() error {
	return fmt.Errorf("%s(2): %s: %s", t.failed.Name, t.failed.ErrnoName(), sockets.Meaning(t.failed.Errno))
}

// listener makes a listening socket; another is one that shares its port.
func (t *teller) listener(addr sockets.Sockaddr, backlog int, another bool) (int, error) {
	c := t.tracer.Socket(addr.Family(), unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err := t.made(c, "another"); err != nil {
		return -1, err
	}
	fd := int(c.Ret)
	if err := t.listen(fd, addr, backlog, another); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (t *teller) listen(fd int, addr sockets.Sockaddr, backlog int, another bool) error {
	if addr.Family() != unix.AF_UNIX {
		if err := t.made(t.tracer.SetReuseAddr(fd, true), "reuseaddr"); err != nil {
			return err
		}
	}
	if another {
		if err := t.tune(fd, true); err != nil {
			return err
		}
	}
	t.bound = t.tracer.Bind(fd, addr)
	if err := t.made(t.bound, "bind"); err != nil {
		return err
	}
	return t.made(t.tracer.Listen(fd, backlog), "listen")
}

// tune sets what the connections of a listener inherit from it, and whether it
// shares its port.
func (t *teller) tune(listener int, shared bool) error {
	if err := t.made(t.tracer.Setsockopt(listener, unix.SOL_TCP, unix.TCP_NODELAY, 1), "nodelay"); err != nil || !shared {
		return err
	}
	return t.made(t.tracer.Setsockopt(listener, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1), "reuseport")
}

// share makes further listeners at the address of the first, one for each loop. A
// Unix socket has one for all. On an error none is left open.
func (t *teller) share(first int, addr sockets.Sockaddr, backlog, loops int) (listeners []int, err error) {
	listeners = []int{first}
	if addr.Family() == unix.AF_UNIX {
		return listeners, nil
	}
	// The first one shares its port only now: bind has said EADDRINUSE if another
	// server of this user had it, which with SO_REUSEPORT on both sides would have
	// been shared in silence.
	for err = t.tune(first, loops > 1); err == nil && len(listeners) < loops; {
		var fd int
		if fd, err = t.listener(addr, backlog, true); err == nil {
			listeners = append(listeners, fd)
		}
	}
	if err != nil {
		for _, fd := range listeners {
			unix.Close(fd)
		}
		return nil, err
	}
	return listeners, nil
}

// reach says who reaches a server on a host.
func (h *Host) reach(at fmt.Stringer) string {
	return fmt.Sprintf(" It is on the %s's host, and nothing but the programs on the two hosts reaches it: `fd3 on %s -- curl -v http://%s/`", h.Name, h.Other, at)
}

// announce tells where the server listens.
func (t *teller) announce(local sockets.Sockaddr, on *Host) {
	text := fmt.Sprintf("The server listens on `http://%s/`. Ctrl-C ends it.", local)
	switch {
	case local.Family() == unix.AF_UNIX:
		text = fmt.Sprintf("The server listens. Try `curl --unix-socket %s http://localhost/`. Ctrl-C ends it.", local.Path())
	case on != nil && local.Wildcard():
		text += on.reach(netip.AddrPortFrom(netip.MustParseAddr(on.Addr), local.Port()))
	case on != nil:
		text += on.reach(local)
	case local.Wildcard():
		text += " It listens on every interface: **other machines can connect**, and nothing that is sent is encrypted."
	}
	t.show(lesson.Event{Kind: lesson.KindText, Process: string(stage.Server), PID: t.pid, Section: "serving", Text: text, Value: local.String()})
}
