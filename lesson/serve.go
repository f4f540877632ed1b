package lesson

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// clientPatience is how long Serve lets one client be silent. Nobody else is
// served in that time.
const clientPatience = 10 * time.Second

// ErrNoServer says that Serve could not make its listening socket; the kernel's
// answer has been told.
var ErrNoServer = errors.New("no listening socket")

// Serve is the same steps in one process: a server that takes one connection at a
// time, reads a request, answers and closes, until the context ends. It tells of
// every call.
func (r *Runner) Serve(ctx context.Context, o Options) error {
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
			return err
		}
	}
	now, err := look(ctx, r.Stages)
	if err != nil {
		return err
	}
	listener, ok := now.listener()
	if !ok {
		return ErrNoServer
	}
	r.announce(listener, now)
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		r.wake()
		close(woken)
	})
	for ctx.Err() == nil {
		if err = r.serveOne(ctx, listener.FD); err != nil {
			break
		}
	}
	if !stop() {
		<-woken
		err = nil // the call failed because Ctrl-C woke it
	}
	_, closed := r.step(context.Background(), todo{"close", stage.Server}, brief(listener.FD))
	if path := listener.Local.Path(); path != "" {
		unix.Unlink(path)
	}
	return errors.Join(err, closed)
}

func (r *Runner) announce(x stage.Socket, now sight) {
	text := fmt.Sprintf("The server listens on `http://%s/`. One client at a time. Ctrl-C ends it.", x.Local)
	if x.Domain == unix.AF_UNIX {
		text = fmt.Sprintf("The server listens. Try `curl --unix-socket %s http://localhost/`. Ctrl-C ends it.", x.Local.Path())
	}
	if x.Local.Wildcard() {
		text += " It listens on every interface: **other machines can connect**."
	}
	r.Show(Event{Kind: KindText, Process: string(stage.Server), PID: now.ends[stage.Server].PID, Section: "serving", Text: text})
}

// brief are the options of a step on one of the server's descriptors, told in one
// line.
func brief(fd int) Options {
	o := DefaultOptions()
	o.FD, o.Explain, o.goesOn = fd, recapOnly, true
	return o
}

// wake ends the call that the server waits in: shutdown(2) of the reading
// direction makes accept4 return EINVAL and recvfrom 0. A closed descriptor would
// not: close(2) does not wake who waits on it.
func (r *Runner) wake() {
	state, err := r.Stages[stage.Server].State(context.Background())
	if err != nil {
		return
	}
	var tracer sockets.Tracer
	for _, x := range state.Sockets {
		call := tracer.Shutdown(x.FD, unix.SHUT_RD)
		e := returned(call)
		e.Step, e.Process, e.PID, e.Recap = "shutdown", string(stage.Server), state.PID, true
		e.Text = "Ctrl-C: this wakes whatever waits on it"
		r.Show(e)
	}
}

// serveOne takes one connection through its whole life.
func (r *Runner) serveOne(ctx context.Context, listener int) error {
	accepted, err := r.step(ctx, todo{"accept", stage.Server}, brief(listener))
	switch {
	case accepted.Errno == unix.ECONNABORTED: // the client has given up already (accept(2), ERRORS)
		return nil
	case err != nil:
		return err
	}
	p := brief(int(accepted.Ret))
	limit := p
	limit.Timeout, limit.timeoutOption = clientPatience, unix.SO_RCVTIMEO
	r.step(ctx, todo{"timeout", stage.Server}, limit)
	if answer := r.request(ctx, p); answer != nil {
		p.Data = answer
		if _, err := r.step(ctx, todo{"send", stage.Server}, p); err == nil {
			r.step(ctx, todo{"shutdown", stage.Server}, p)
			r.untilEnd(ctx, p)
		}
	}
	_, err = r.step(ctx, todo{"close", stage.Server}, p)
	return err
}

// request reads until the head of a request is there, and composes the answer. It
// is nil when the client has gone.
func (r *Runner) request(ctx context.Context, p Options) (answer []byte) {
	var head []byte
	for ctx.Err() == nil {
		call, err := r.step(ctx, todo{"recv", stage.Server}, p)
		switch {
		case call.Errno == unix.EAGAIN:
			return compose(408, "You were silent for too long.", false)
		case err != nil, call.Ret == 0:
			return nil
		}
		head = append(head, call.Data...)
		var req httpmini.Request
		_, err = req.Parse(head, nil)
		var bad *httpmini.BadError
		switch {
		case errors.As(err, &bad):
			return compose(bad.Status, bad.Error(), false)
		case err == nil:
			return answerTo(&req, p.FD)
		}
	}
	return nil
}

// untilEnd reads until the client has finished too, so that close sends no RST.
func (r *Runner) untilEnd(ctx context.Context, p Options) {
	for ctx.Err() == nil {
		if call, err := r.step(ctx, todo{"recv", stage.Server}, p); err != nil || call.Ret == 0 {
			return
		}
	}
}

// answerTo is the answer to a request. There is one page, at /.
func answerTo(req *httpmini.Request, fd int) []byte {
	method := string(req.Method)
	head := method == "HEAD"
	switch {
	case method != "GET" && !head:
		return compose(501, "This server knows GET and HEAD, and no other method.", false)
	case string(req.Path) != "/":
		return compose(404, fmt.Sprintf("There is nothing at %q. This server has one page, at /.", req.Path), head)
	}
	return compose(200, fmt.Sprintf("Hello. You are on file descriptor %d of the server.", fd), head)
}

// compose is a response whose body says in words what its status says.
func compose(status int, words string, head bool) []byte {
	return httpmini.AppendResponse(nil, httpmini.Message{
		Status:      status,
		Date:        time.Now(),
		ContentType: "text/plain; charset=utf-8",
		Connection:  "close",
		Body:        fmt.Appendf(nil, "%d %s\n%s\n", status, httpmini.StatusText(status), words),
		Head:        head,
	})
}
