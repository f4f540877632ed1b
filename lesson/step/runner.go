package step

import (
	"context"
	"errors"
	"fmt"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// maxPrerequisites stops a plan that does not come nearer to its end.
const maxPrerequisites = 20

var (
	// ErrFailed says that the kernel refused a call: the lesson has been told, and
	// the command's exit code says so too.
	ErrFailed = errors.New("the call failed")
	// ErrBusy says that the process is inside another call; that has been told.
	ErrBusy = errors.New("the process is busy")
	// ErrTaken says that the process was inside the very call that was wanted, and
	// that another command took its result; that has been told.
	ErrTaken = errors.New("another command took the result")
	// ErrLeft says that the command was interrupted and the call goes on.
	ErrLeft = errors.New("interrupted; the call goes on")
	// ErrHeld says that the call waits in a network that stands still, and goes on when
	// what lies on its cable passes; that has been told.
	ErrHeld = errors.New("the call waits for what lies on the cable")
)

// Runner makes steps on a stage and tells of them.
type Runner struct {
	Name    string // of the stage
	Parties []Party
	Usual   sockets.Sockaddr // what bind takes when no address is named
	// Start makes sure that the process of a party runs, and reports whether it had
	// to be started and whether an earlier one had crashed.
	Start func(stage.Role) (started, crashed bool, err error)
	Show  func(lesson.Event)
	// Cable returns the cable of a network that stands still. nil: the stage stands on no
	// such network.
	Cable func() (*kernel.Cable, error)
	// Complain hears of a value that the words name and the kernel did not tell, and
	// of words that are missing. A learner gets the paragraph left out; a test fails.
	Complain func(error)
}

// Stage returns the process of a party, or nil.
func (r *Runner) Stage(role stage.Role) Stage { return partyOf(r.Parties, role).Stage }

// Do takes one step, after those that have to come before it.
func (r *Runner) Do(ctx context.Context, step *Step, o Options) error {
	if step.Role != "" {
		o.Role = step.Role
	}
	wanted := todo{step, o.Role}
	ends, err := r.unseen(ctx, nil)
	if err != nil {
		return err
	}
	var now sight
	if o.Only || ends[wanted.role].Blocked != nil { // nothing can be prepared in a process that waits
		now, err = look(ctx, r.Parties)
	} else {
		now, err = r.prepare(ctx, wanted, o)
	}
	if err != nil {
		return err
	}
	if started, err := r.awake(ctx, wanted.role); err != nil {
		return err
	} else if started {
		if now, err = look(ctx, r.Parties); err != nil {
			return err
		}
	}
	if step.Take != nil {
		err = step.Take(ctx, r, wanted, o, now)
	} else {
		_, err = r.stepFrom(ctx, wanted, o, now, now)
	}
	if err != nil {
		return err
	}
	_, err = r.unseen(ctx, ends)
	return err
}

// Straight takes steps of the server one after the other, without looking for what is
// missing. None of them says what to type next.
func (r *Runner) Straight(ctx context.Context, o Options, steps ...*Step) error {
	o.Role, o.goesOn = server, true
	for _, step := range steps {
		if _, err := r.step(ctx, todo{step, server}, o); err != nil {
			return err
		}
	}
	return nil
}

// prepare takes the missing steps before the wanted one, each in one line, and
// returns what there is then.
func (r *Runner) prepare(ctx context.Context, wanted todo, o Options) (sight, error) {
	addressed := !wanted.step.Named && o.Addr != nil
	if addressed {
		o.Addr = nil // a destination of send is not to be bound or connected to
	}
	made := make(map[todo]bool)
	for range maxPrerequisites {
		now, err := look(ctx, r.Parties)
		if err != nil {
			return now, err
		}
		next, missing := plan{opts: o, now: now, made: made, addressed: addressed}.missing(wanted)
		if !missing {
			return now, nil
		}
		if _, err := r.awake(ctx, next.role); err != nil {
			return now, err
		}
		if _, err := r.step(ctx, next, o.recap(next)); err != nil {
			return now, err
		}
		made[next] = true
	}
	return sight{}, fmt.Errorf("no way found to make %s possible", wanted.step.Name)
}

// awake starts the process of a party if it does not run.
func (r *Runner) awake(ctx context.Context, role stage.Role) (started bool, err error) {
	started, crashed, err := r.Start(role)
	if err != nil || !started {
		return started, err
	}
	state, err := r.Stage(role).State(ctx)
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

// step makes one call and tells all there is to tell of it.
func (r *Runner) step(ctx context.Context, t todo, o Options) (sockets.Call, error) {
	now, err := look(ctx, r.Parties)
	if err != nil {
		return sockets.Call{}, err
	}
	return r.stepFrom(ctx, t, o, now, now)
}

// stepFrom is step with what there is now, where what changes is counted from an
// earlier moment.
func (r *Runner) stepFrom(ctx context.Context, t todo, o Options, now, since sight) (sockets.Call, error) {
	s := r.scene(t, o, now, since)
	if blocked := now.ends[t.role].Blocked; blocked != nil {
		return s.call, r.busy(ctx, s, *blocked)
	}
	r.opening(s)
	for again := true; again; {
		var err error
		if s.call, err = r.call(ctx, s); err != nil {
			return s.call, err
		}
		again = t.step.Again != nil && t.step.Again(s)
	}
	var err error
	if s.after, err = look(ctx, r.Parties); err != nil {
		return s.call, err
	}
	s.interrupted = ctx.Err() != nil
	r.closing(ctx, s)
	if s.failed() {
		return s.call, ErrFailed
	}
	return s.call, nil
}
