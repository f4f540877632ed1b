package step

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// patience is how long a call may take before it is said to block. A call that
// need not wait takes microseconds.
const patience = 60 * time.Millisecond

// maxPrerequisites stops a plan that does not come nearer to its end.
const maxPrerequisites = 20

// maxDrains bounds what drain reads from a peer that goes on sending.
const maxDrains = 64

var (
	// ErrFailed says that the kernel refused a call: the lesson has been told, and
	// the command's exit code says so too.
	ErrFailed = errors.New("the call failed")
	// ErrBusy says that the process is inside another call; that has been told.
	ErrBusy = errors.New("the process is busy")
	// ErrLeft says that the command was interrupted and the call goes on.
	ErrLeft = errors.New("interrupted; the call goes on")
)

// Runner makes steps on a stage and tells of them.
type Runner struct {
	Name   string // of the stage
	Stages map[stage.Role]Stage
	Usual  sockets.Sockaddr // what bind takes when no address is named
	// Start makes sure that the process of a role runs, and tells whether it had
	// to be started and whether an earlier one had crashed.
	Start func(stage.Role) (started, crashed bool, err error)
	Show  func(lesson.Event)
	// Complain hears of a value that the words name and the kernel did not tell, and
	// of words that are missing. A learner gets the paragraph left out; a test fails.
	Complain func(error)
}

// Do takes one step, after those that have to come before it.
func (r *Runner) Do(ctx context.Context, step string, o Options) error {
	if step == "connect" {
		o.Role = stage.Client
	}
	wanted := todo{step, o.Role}
	ends, err := r.unseen(ctx)
	if err != nil {
		return err
	}
	var now sight
	if o.Only || ends[wanted.role].Blocked != nil { // nothing can be prepared in a process that waits
		now, err = look(ctx, r.Stages)
	} else {
		before := o
		if step != "bind" && step != "connect" {
			before.Addr = nil // a destination of send is not to be bound or connected to
		}
		now, err = r.prepare(ctx, wanted, before)
	}
	if err != nil {
		return err
	}
	if started, err := r.awake(ctx, wanted.role); err != nil {
		return err
	} else if started {
		if now, err = look(ctx, r.Stages); err != nil {
			return err
		}
	}
	switch {
	case step == "connect" && o.Count > 1:
		err = r.connectMany(ctx, o, now)
	case step == "shutdown" && o.How != unix.SHUT_RD && !o.Only:
		err = r.shutdown(ctx, o, now)
	default:
		err = r.timed(ctx, wanted, o, now)
	}
	if err != nil {
		return err
	}
	_, err = r.unseen(ctx)
	return err
}

// Straight takes steps of the server one after the other, without looking for what is
// missing. None of them says what to type next.
func (r *Runner) Straight(ctx context.Context, o Options, names ...string) error {
	o.Role, o.goesOn = stage.Server, true
	for _, name := range names {
		if _, err := r.step(ctx, todo{name, stage.Server}, o); err != nil {
			return err
		}
	}
	return nil
}

// prepare takes the missing steps before the wanted one, each in one line, and
// gives what there is then.
func (r *Runner) prepare(ctx context.Context, wanted todo, o Options) (sight, error) {
	made := make(map[todo]bool)
	for range maxPrerequisites {
		now, err := look(ctx, r.Stages)
		if err != nil {
			return now, err
		}
		next, missing := firstMissing(wanted, o, now, made)
		if !missing {
			return now, nil
		}
		if _, err := r.awake(ctx, next.role); err != nil {
			return now, err
		}
		if _, err := r.step(ctx, next, recap(o, next)); err != nil {
			return now, err
		}
		made[next] = true
	}
	return sight{}, fmt.Errorf("no way found to make %s possible", wanted.step)
}

// recap are the options of a prerequisite: the learner's address, family, type and
// count where they concern it, and nothing said in full.
func recap(o Options, t todo) Options {
	p := DefaultOptions()
	p.Role, p.Explain = t.role, recapOnly
	p.Domain, p.Type, p.Proto, p.Count = o.Domain, o.Type, o.Proto, o.Count
	if t.step == "socket" || t.step == "bind" && o.Role == stage.Server || t.step == "connect" {
		p.Addr = o.Addr
	}
	return p
}

// recapOnly tells a step in one line.
const recapOnly lesson.Explain = "recap"

// DefaultOptions are what every step starts from.
func DefaultOptions() Options {
	return Options{
		Role:      stage.Server,
		FD:        -1,
		Explain:   lesson.Full,
		Backlog:   DefaultBacklog,
		Count:     1,
		Size:      DefaultSize,
		How:       unix.SHUT_WR,
		Method:    "GET",
		Target:    "/",
		Status:    200,
		MediaType: "text/plain; charset=utf-8",
		Body:      []byte("Hello from a socket.\n"),
		FreePort:  "fd3 bind :0",
	}
}

// awake starts the process of a role if it does not run.
func (r *Runner) awake(ctx context.Context, role stage.Role) (started bool, err error) {
	started, crashed, err := r.Start(role)
	if err != nil || !started {
		return started, err
	}
	state, err := r.Stages[role].State(ctx)
	if err != nil {
		return started, err
	}
	text := fmt.Sprintf("The %s process is born: pid %d. Its descriptors 0, 1 and 2 are `/dev/null`; it has no socket yet.", role, state.PID)
	if crashed {
		text = fmt.Sprintf("An earlier %s process ended without a goodbye, and its sockets with it. ", role) + text
	}
	r.Show(lesson.Event{Kind: lesson.KindText, Process: string(role), PID: state.PID, Section: "born", Text: text})
	return started, nil
}

// timed takes a step, with the time limit that was asked for: the kernel's own,
// SO_RCVTIMEO or SO_SNDTIMEO. A limit from an earlier step is taken back.
func (r *Runner) timed(ctx context.Context, t todo, o Options, now sight) error {
	option := map[string]int{"accept": unix.SO_RCVTIMEO, "recv": unix.SO_RCVTIMEO, "connect": unix.SO_SNDTIMEO, "send": unix.SO_SNDTIMEO}[t.step]
	if option != 0 && !(o.Only && o.Timeout == 0) && now.ends[t.role].Blocked == nil {
		if o.FD < 0 {
			o.FD = pick(t.step, t.role, now)
		}
		x, ok := now.socket(t.role, o.FD)
		set := x.RecvTimeo
		if option == unix.SO_SNDTIMEO {
			set = x.SendTimeo
		}
		if ok && set != o.Timeout {
			limit := o
			limit.Explain, limit.timeoutOption = recapOnly, option
			if _, err := r.step(ctx, todo{"timeout", t.role}, limit); err != nil {
				return err
			}
			_, err := r.step(ctx, t, o)
			return err
		}
	}
	_, err := r.stepFrom(ctx, t, o, now, now)
	return err
}

// step makes one call and tells all there is to tell of it. The bytes that a
// partial write left are sent by further calls.
func (r *Runner) step(ctx context.Context, t todo, o Options) (sockets.Call, error) {
	now, err := look(ctx, r.Stages)
	if err != nil {
		return sockets.Call{}, err
	}
	return r.stepFrom(ctx, t, o, now, now)
}

// stepFrom is step with what there is now, where what changes is counted from an
// earlier moment.
func (r *Runner) stepFrom(ctx context.Context, t todo, o Options, now, since sight) (sockets.Call, error) {
	s := &scene{todo: t, name: r.Name, opts: o, before: since, after: now, order: r.order(t, o, now)}
	if blocked := now.ends[t.role].Blocked; blocked != nil {
		return s.call, r.busy(ctx, s, *blocked)
	}
	var err error
	s.call = sockets.Call{Name: s.order.Do, FD: s.order.FD}
	r.opening(s)
	for {
		if s.call, err = r.call(ctx, s); err != nil {
			return s.call, err
		}
		rest := len(s.order.Data) - int(s.call.Ret)
		if s.call.Name != "sendto" || s.call.Errno != 0 || rest <= 0 {
			break
		}
		s.order.Data = s.order.Data[s.call.Ret:]
	}
	if s.after, err = look(ctx, r.Stages); err != nil {
		return s.call, err
	}
	s.interrupted = ctx.Err() != nil
	r.closing(s)
	if s.failed() {
		return s.call, ErrFailed
	}
	return s.call, nil
}

// shutdown ends a direction, and then reads what the peer still sends, until it
// has finished or has nothing ready: a close with unread bytes would reset the
// connection.
func (r *Runner) shutdown(ctx context.Context, o Options, now sight) error {
	if o.FD < 0 {
		o.FD = pick("shutdown", o.Role, now)
	}
	x, ok := now.socket(o.Role, o.FD)
	drains := ok && x.Stream() && x.Conversation()
	first := o
	first.goesOn = drains
	if _, err := r.stepFrom(ctx, todo{"shutdown", o.Role}, first, now, now); err != nil || !drains {
		return err
	}
	d := DefaultOptions()
	d.Role, d.FD, d.Explain = o.Role, o.FD, o.Explain
	for range maxDrains {
		call, err := r.step(ctx, todo{"drain", o.Role}, d)
		switch {
		case call.Errno == unix.EAGAIN: // the peer has not finished, which is no failure
			return nil
		case err != nil, call.Ret == 0:
			return err
		}
	}
	return nil
}

// connectMany makes several clients. Their sockets are non-blocking, so that one
// whose handshake does not end keeps no other from beginning its own.
func (r *Runner) connectMany(ctx context.Context, o Options, first sight) error {
	brief := o
	brief.Explain = recapOnly
	for i := range o.Count {
		if _, err := r.step(ctx, todo{"socket", stage.Client}, recap(o, todo{"socket", stage.Client})); err != nil {
			return err
		}
		if i < o.Count-1 {
			if _, err := r.step(ctx, todo{"connect", stage.Client}, brief); err != nil {
				return err
			}
		}
	}
	now, err := look(ctx, r.Stages)
	if err != nil {
		return err
	}
	_, err = r.stepFrom(ctx, todo{"connect", stage.Client}, o, now, first)
	return err
}

// call has the stage make the call, and tells when it is entered, when it turns
// out to block, and when it returns.
func (r *Runner) call(ctx context.Context, s *scene) (sockets.Call, error) {
	type outcome struct {
		call sockets.Call
		err  error
	}
	calls := make(chan sockets.Call)
	done := make(chan outcome, 1)
	go func() {
		call, err := r.Stages[s.role].Do(ctx, s.order, func(c sockets.Call) { calls <- c })
		close(calls)
		done <- outcome{call, err}
	}()
	blocks := time.After(patience)
	for {
		select {
		case c, more := <-calls:
			if !more {
				end := <-done
				return end.call, r.ended(s, end.err)
			}
			s.call = c
			switch recap := s.opts.Explain == recapOnly; {
			case c.Returned && (!recap || c.Errno == unix.EINTR): // EINTR: it is made again at once
				r.show(s, lesson.Returned(c))
			case !c.Returned && !recap:
				r.show(s, lesson.Entered(c))
			}
		case <-blocks:
			if _, ok := s.sleeping(); s.opts.goesOn && s.opts.Explain == recapOnly {
				blocks = nil // serve waits most of the time, and says so once
			} else if ok && !s.call.Start.IsZero() {
				if s.opts.Explain == recapOnly {
					r.show(s, lesson.Entered(s.call))
				}
				r.blocked(s)
			} else {
				blocks = time.After(patience)
			}
		}
	}
}

// ended says what became of a call that the command did not see the end of.
func (r *Runner) ended(s *scene, err error) error {
	var busy *stage.BusyError
	switch {
	case errors.Is(err, context.Canceled):
		r.say(s, "left", "blocked", "left")
		return ErrLeft
	case errors.As(err, &busy):
		return r.tellBusy(s, busy.Call)
	}
	return err
}

// blocked tells that the server stands in a call, and where in the kernel.
func (r *Runner) blocked(s *scene) {
	s.known = nil
	r.say(s, "blocked", "blocked", s.call.Name)
	if t, ok := s.sleeping(); ok {
		path := procPath(s, "wchan")
		r.show(s, lesson.Event{Kind: lesson.KindEvidence, Fact: "main thread", Value: t.StateName + " in " + t.Wchan, Source: path, Command: "cat " + path})
	}
}

// busy answers a step that meets a process inside another call. If that is the
// very call that the step asks for, the command waits for it too.
func (r *Runner) busy(ctx context.Context, s *scene, call sockets.Call) error {
	if call.Name != s.order.Do || call.FD != s.order.FD || s.opts.Explain == recapOnly || s.opts.Timeout > 0 {
		return r.tellBusy(s, call)
	}
	s.call = call
	r.opening(s)
	r.show(s, lesson.Entered(call))
	r.blocked(s)
	state, err := r.Stages[s.role].Wait(ctx)
	if err != nil {
		return r.ended(s, err)
	}
	if len(state.Unseen) == 0 {
		return nil // the command that made the call is still there, and tells
	}
	s.call = state.Unseen[0]
	r.show(s, lesson.Returned(s.call))
	if s.after, err = look(ctx, r.Stages); err != nil {
		return err
	}
	r.closing(s)
	if s.failed() {
		return ErrFailed
	}
	return nil
}

func (r *Runner) tellBusy(s *scene, call sockets.Call) error {
	s.known = nil
	s.call = call
	r.show(s, lesson.Entered(call))
	r.blocked(s)
	r.say(s, "busy", "blocked", "busy")
	return ErrBusy
}

// unseen tells of the calls that returned when no command was waiting for them. It
// gives the state of the processes that run.
func (r *Runner) unseen(ctx context.Context) (map[stage.Role]stage.State, error) {
	ends := make(map[stage.Role]stage.State)
	for _, role := range []stage.Role{stage.Server, stage.Client} {
		st, ok := r.Stages[role]
		if !ok {
			continue
		}
		state, err := st.Collect(ctx)
		if errors.Is(err, stage.ErrNone) {
			continue
		} else if err != nil {
			return ends, err
		}
		ends[role] = state
		for _, c := range state.Unseen {
			s := &scene{todo: todo{stepOf(c), role}, name: r.Name, opts: DefaultOptions(), call: c}
			s.opts.Role = role
			if s.after, err = look(ctx, r.Stages); err != nil {
				return ends, err
			}
			s.before = s.after
			s.order = stage.Order{Do: c.Name, FD: c.FD, Addr: c.Addr}
			e := lesson.Returned(c)
			e.Unseen = true
			r.show(s, lesson.Event{Kind: lesson.KindStep, Title: page(s.step).Title, Life: life(role)})
			r.say(s, "woken", "blocked", "woken")
			r.show(s, e)
			r.bytes(s)
			r.evidence(s, facts[s.step])
		}
	}
	return ends, nil
}

// stepOf is the step that makes a call.
func stepOf(c sockets.Call) string {
	switch c.Name {
	case "accept4":
		return "accept"
	case "recvfrom":
		return "recv"
	case "sendto":
		return "send"
	}
	return c.Name
}
