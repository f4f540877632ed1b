package lesson

import (
	"context"
	"errors"
	"fmt"
	"os"

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
	setup.goesOn, setup.serves = true, true
	if o.Explain == Full {
		setup.Explain = Short
	}
	defer func() {
		if err != nil {
			r.closeSockets(ctx)
		}
	}()
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
	t := teller{Runner: r, pid: now.ends[stage.Server].PID}
	listeners, err = t.share(first.FD, first.Local, o.Backlog, loops)
	if err == nil {
		r.announce(first.Local, t.pid)
	}
	return listeners, err
}

// closeSockets closes what a failed Listen made.
func (r *Runner) closeSockets(ctx context.Context) {
	state, _ := r.Stages[stage.Server].State(ctx)
	for _, x := range state.Sockets {
		unix.Close(x.FD)
	}
}

// ListenQuietly is Listen without a word but where the server listens, and without
// looking at what each call changed. If a call fails, Listen tells why. bound hears of
// the first socket's bind(2).
func (r *Runner) ListenQuietly(o Options, loops int, bound func(sockets.Call)) ([]int, error) {
	silent := *r
	silent.Show = func(Event) {}
	t := teller{Runner: &silent, pid: os.Getpid()}
	fd, err := t.listener(o.Addr, o.Backlog, false)
	if err != nil {
		return nil, err
	}
	bound(t.bound)
	local := sockets.Sockname(fd)
	listeners, err := t.share(fd, local, o.Backlog, loops)
	if err == nil {
		r.announce(local, t.pid)
	}
	return listeners, err
}

// A teller makes calls of its own in this process and tells each in a line.
type teller struct {
	*Runner
	pid    int
	tracer sockets.Tracer
	bound  sockets.Call // the last bind
}

// made tells of a call, with a section of serve.md. A failure has its meaning in
// errno.md.
func (t *teller) made(c sockets.Call, section string) error {
	e := Returned(c)
	e.Step, e.Process, e.PID, e.Recap = "serve", string(stage.Server), t.pid, true
	e.Text, _ = page("serve").Section(section)
	t.Show(e)
	if c.Errno != 0 {
		if text, ok := page("errno").Section(c.ErrnoName()); ok {
			t.Show(Event{Kind: KindText, Step: "serve", Process: string(stage.Server), PID: t.pid, Section: "errno", Text: text})
		}
		return ErrFailed
	}
	return nil
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

// announce tells where the server listens.
func (r *Runner) announce(local sockets.Sockaddr, pid int) {
	text := fmt.Sprintf("The server listens on `http://%s/`. Ctrl-C ends it.", local)
	if local.Family() == unix.AF_UNIX {
		text = fmt.Sprintf("The server listens. Try `curl --unix-socket %s http://localhost/`. Ctrl-C ends it.", local.Path())
	}
	if local.Wildcard() {
		text += " It listens on every interface: **other machines can connect**, and nothing that is sent is encrypted."
	}
	r.Show(Event{Kind: KindText, Process: string(stage.Server), PID: pid, Section: "serving", Text: text, Value: local.String()})
}
