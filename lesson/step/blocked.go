package step

import (
	"context"
	"errors"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// blocked tells that the server stands in a call, and where in the kernel.
func (r *Runner) blocked(s *scene) {
	t, _ := s.sleeping()
	r.sleeps(s, t)
}

// sleeps tells of a thread that was seen inside the call. It may be awake by now: what
// is told is that one look.
func (r *Runner) sleeps(s *scene, t kernel.Task) {
	s.known, s.task = nil, t
	r.say(s, "blocked", "blocked", s.call.Name)
	if t.Wchan != "" {
		r.show(s, facts.Thread(s.pid(), t).Event())
	}
	s.known, s.task = nil, kernel.Task{}
}

// blocks tells that a call waits, and reports whether it waits in a network that stands
// still: then it is of no use to wait for it.
func (r *Runner) blocks(ctx context.Context, s *scene, t kernel.Task) (held bool) {
	s.lies = r.lyingOf(ctx, s)
	r.sleeps(s, t)
	if s.lies == nil {
		return false
	}
	s.known = nil
	r.say(s, "held", "blocked", s.lies.heading("held"))
	s.lies = nil
	return true
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
	if t, _ := s.sleeping(); r.blocks(ctx, s, t) {
		return ErrHeld
	}
	state, err := r.Stage(s.role).Wait(ctx)
	if err != nil {
		return r.ended(s, err)
	}
	if len(state.Unseen) == 0 {
		return r.taken(s, state.Last)
	}
	s.call = state.Unseen[0]
	r.show(s, lesson.Returned(s.call))
	if s.after, err = look(ctx, r.Parties); err != nil {
		return err
	}
	r.closing(ctx, s)
	if s.failed() {
		return ErrFailed
	}
	return nil
}

// taken tells that a call which the command had waited for has returned to another
// command, which shows its result. This one has made no call.
func (r *Runner) taken(s *scene, last *sockets.Call) error {
	heading := "taken"
	if last != nil && last.Start.Equal(s.call.Start) {
		s.call, heading = *last, "taken result"
	}
	s.known = nil
	r.say(s, "taken", "blocked", heading)
	return ErrTaken
}

func (r *Runner) tellBusy(s *scene, call sockets.Call) error {
	s.known = nil
	s.call = call
	r.show(s, lesson.Entered(call))
	r.blocked(s)
	r.say(s, "busy", "blocked", "busy")
	return ErrBusy
}

// Standing is the state of the processes that run, for Woken.
func (r *Runner) Standing(ctx context.Context) (map[stage.Role]stage.State, error) {
	return r.unseen(ctx, nil)
}

// Woken tells of the calls that have returned since the processes stood as before: one
// that is about to return is waited for.
func (r *Runner) Woken(ctx context.Context, before map[stage.Role]stage.State) error {
	_, err := r.unseen(ctx, before)
	return err
}

// unseen tells of the calls that returned when no command was waiting for them, and
// returns the state of the processes that run. before is their state when this command
// began: a call that a step has let return is waited for.
func (r *Runner) unseen(ctx context.Context, before map[stage.Role]stage.State) (map[stage.Role]stage.State, error) {
	ends := make(map[stage.Role]stage.State)
	for _, p := range r.Parties {
		state, err := collect(ctx, p.Stage, before[p.Name])
		if errors.Is(err, stage.ErrNone) {
			continue
		} else if err != nil {
			return ends, err
		}
		ends[p.Name] = state
		for _, c := range state.Unseen {
			if err := r.woken(ctx, p.Name, c); err != nil {
				return ends, err
			}
		}
	}
	return ends, nil
}

// collect returns the state of a stage, with the calls that nobody has seen yet. If its
// thread was inside a call and sleeps there no more, the call is about to return, and
// collect waits for it.
func collect(ctx context.Context, st Stage, was stage.State) (stage.State, error) {
	if was.Blocked == nil || asleep(was) {
		return st.Collect(ctx)
	}
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	state, err := st.Wait(soon)
	if err != nil && ctx.Err() == nil && soon.Err() != nil {
		return st.Collect(ctx)
	}
	return state, err
}

// asleep reports whether the thread still sleeps in the call that it was inside.
func asleep(was stage.State) bool {
	t, err := kernel.Thread(was.PID, was.TID)
	return err != nil || t.Syscall.Form != kernel.SyscallBlocked && t.State == 'S' || inCall(t, was.Blocked.Name)
}

// inCall reports whether a thread sleeps inside a call that may wait for the other end.
func inCall(t kernel.Task, call string) bool {
	made := making(call)
	return t.State == 'S' && t.Wchan != "" && made != nil && made.Blocks != 0 &&
		(t.Syscall.Form != kernel.SyscallBlocked || t.Syscall.Number == made.Blocks)
}

// woken tells of one such call.
func (r *Runner) woken(ctx context.Context, role stage.Role, c sockets.Call) error {
	now, err := look(ctx, r.Parties)
	if err != nil {
		return err
	}
	step := making(c.Name)
	if step == nil {
		step = &Step{Name: c.Name}
	}
	o := DefaultOptions()
	o.Role = role
	s := &scene{todo: todo{step, role}, name: r.Name, usual: r.Usual, opts: o, call: c, before: now, after: now, late: true,
		order: stage.Order{Do: c.Name, FD: c.FD, Addr: c.Addr}}
	e := lesson.Returned(c)
	e.Unseen = true
	r.show(s, lesson.Event{Kind: lesson.KindStep, Title: page(s.step.Name).Title, Life: life(role)})
	r.say(s, "woken", "blocked", "woken")
	r.show(s, e)
	r.bytes(s)
	r.evidence(s, s.step.Facts)
	return nil
}
