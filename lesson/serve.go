package lesson

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/stage"
)

// ErrNoServer says that Listen could not make its listening socket; the kernel's
// answer has been told.
var ErrNoServer = errors.New("no listening socket")

// Listen makes the listening sockets of a server in this process. The first is
// made by the steps that a learner takes, told in short. With more than one loop
// the others share its port (SO_REUSEPORT, socket(7)), told in a line each.
func (r *Runner) Listen(ctx context.Context, o Options, loops int) (listeners []int, err error) {
	setup := o
	setup.goesOn = true
	if o.Explain == Full {
		setup.Explain = Short
	}
	for _, step := range []string{"socket", "setsockopt", "bind", "listen"} {
		if step == "setsockopt" && o.Addr.Family() == unix.AF_UNIX {
			continue
		}
		if _, err := r.step(ctx, todo{step, stage.Server}, setup); err != nil {
			return nil, err
		}
	}
	now, err := look(ctx, r.Stages)
	if err != nil {
		return nil, err
	}
	first, ok := now.listener()
	if !ok {
		return nil, ErrNoServer
	}
	listeners = []int{first.FD}
	if o.Addr.Family() != unix.AF_UNIX {
		t := teller{Runner: r, pid: now.ends[stage.Server].PID}
		if err = t.tune(first.FD, loops > 1); err == nil && loops > 1 {
			listeners, err = t.share(first, o.Backlog, loops)
		}
		if err != nil {
			for _, fd := range listeners {
				unix.Close(fd)
			}
			return nil, err
		}
	}
	r.announce(first, now)
	return listeners, nil
}

// A teller makes calls of its own in this process and tells each in a line.
type teller struct {
	*Runner
	pid    int
	tracer sockets.Tracer
}

// made tells of a call, with a section of serve.md. A failure has its meaning in
// errno.md.
func (t *teller) made(c sockets.Call, section string) error {
	e := returned(c)
	e.Step, e.Process, e.PID, e.Recap = "serve", string(stage.Server), t.pid, true
	e.Text, _ = words("serve").section(section)
	t.Show(e)
	if c.Errno != 0 {
		if text, ok := words("errno").section(c.ErrnoName()); ok {
			t.Show(Event{Kind: KindText, Step: "serve", Process: string(stage.Server), PID: t.pid, Section: "errno", Text: text})
		}
		return ErrFailed
	}
	return nil
}

// tune sets what the connections of a listener inherit from it.
func (t *teller) tune(listener int, shared bool) error {
	if err := t.made(t.tracer.Setsockopt(listener, unix.SOL_TCP, unix.TCP_NODELAY, 1), "nodelay"); err != nil {
		return err
	}
	if !shared {
		return nil
	}
	// Only now: bind has said EADDRINUSE if another server of this user had the
	// port, which with SO_REUSEPORT on both sides would have been shared in silence.
	return t.made(t.tracer.Setsockopt(listener, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1), "reuseport")
}

// share makes further listeners on the port of the first.
func (t *teller) share(first stage.Socket, backlog, loops int) ([]int, error) {
	listeners := []int{first.FD}
	for len(listeners) < loops {
		c := t.tracer.Socket(first.Domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err := t.made(c, "another"); err != nil {
			return listeners, err
		}
		fd := int(c.Ret)
		listeners = append(listeners, fd)
		for _, next := range []struct {
			section string
			make    func() sockets.Call
		}{
			{"reuseaddr", func() sockets.Call { return t.tracer.SetReuseAddr(fd, true) }},
			{"reuseport", func() sockets.Call { return t.tracer.Setsockopt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }},
			{"nodelay", func() sockets.Call { return t.tracer.Setsockopt(fd, unix.SOL_TCP, unix.TCP_NODELAY, 1) }},
			{"bind", func() sockets.Call { return t.tracer.Bind(fd, first.Local) }},
			{"listen", func() sockets.Call { return t.tracer.Listen(fd, backlog) }},
		} {
			if err := t.made(next.make(), next.section); err != nil {
				return listeners, err
			}
		}
	}
	return listeners, nil
}

func (r *Runner) announce(x stage.Socket, now sight) {
	text := fmt.Sprintf("The server listens on `http://%s/`. Ctrl-C ends it.", x.Local)
	if x.Domain == unix.AF_UNIX {
		text = fmt.Sprintf("The server listens. Try `curl --unix-socket %s http://localhost/`. Ctrl-C ends it.", x.Local.Path())
	}
	if x.Local.Wildcard() {
		text += " It listens on every interface: **other machines can connect**, and nothing that is sent is encrypted."
	}
	r.Show(Event{Kind: KindText, Process: string(stage.Server), PID: now.ends[stage.Server].PID, Section: "serving", Text: text, Value: x.Local.String()})
}
