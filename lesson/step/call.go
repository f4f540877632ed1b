package step

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// patience is how long a call may take before it is said to block. A call that
// need not wait takes microseconds.
const patience = 60 * time.Millisecond

// call has the stage make the call, and tells when it is entered, when it turns
// out to block, and when it returns.
func (r *Runner) call(ctx context.Context, s *scene) (sockets.Call, error) {
	type outcome struct {
		call sockets.Call
		err  error
	}
	calls := make(chan sockets.Call)
	done := make(chan outcome, 1)
	doing, leave := context.WithCancel(ctx)
	defer leave()
	held := false
	go func() {
		call, err := r.Stage(s.role).Do(doing, s.order, func(c sockets.Call) { calls <- c })
		close(calls)
		done <- outcome{call, err}
	}()
	blocks := time.After(patience)
	for {
		select {
		case c, more := <-calls:
			if !more {
				end := <-done
				if held && errors.Is(end.err, context.Canceled) && ctx.Err() == nil {
					return end.call, ErrHeld
				}
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
			if t, ok := s.sleeping(); s.opts.goesOn && s.opts.Explain == recapOnly {
				blocks = nil // serve waits most of the time, and says so once
			} else if ok && !s.call.Start.IsZero() {
				if s.opts.Explain == recapOnly {
					r.show(s, lesson.Entered(s.call))
				}
				if held = r.blocks(ctx, s, t); held {
					leave()
				}
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
