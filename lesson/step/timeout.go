package step

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets/stage"
)

// The time limit of a call is a step of its own, taken before it: the kernel's own
// SO_RCVTIMEO or SO_SNDTIMEO (socket(7)).
var _ = add(Step{
	Name:  "timeout",
	Call:  "setsockopt",
	Inner: true,
	Order: func(s *scene) stage.Order {
		return stage.Order{FD: s.call.FD, Level: unix.SOL_SOCKET, Option: s.opts.limit, Timeout: s.opts.Timeout}
	},
	Facts: []fact{timeouts},
	Cases: func(s *scene, c *cases) { c.add(s.order.Timeout == 0, "none") },
	Values: func(s *scene, v map[string]string) {
		x, _ := s.socket()
		kept := x.RecvTimeo
		if s.order.Option == unix.SO_SNDTIMEO {
			kept = x.SendTimeo
		}
		v["timeout"] = lesson.Took(kept)
	},
})

// within returns the way to take a step whose call may wait no longer than the
// learner says: the option bounds it. A limit of an earlier step is taken back.
func within(option int) func(context.Context, *Runner, todo, Options, sight) error {
	return func(ctx context.Context, r *Runner, t todo, o Options, now sight) error {
		if o.Only && o.Timeout == 0 || now.ends[t.role].Blocked != nil {
			_, err := r.stepFrom(ctx, t, o, now, now)
			return err
		}
		if o.FD == Fitting {
			o.FD = t.pick(now)
		}
		x, ok := now.socket(t.role, o.FD)
		set := x.RecvTimeo
		if option == unix.SO_SNDTIMEO {
			set = x.SendTimeo
		}
		if !ok || set == o.Timeout {
			_, err := r.stepFrom(ctx, t, o, now, now)
			return err
		}
		limit := o
		limit.Explain, limit.limit = recapOnly, option
		if _, err := r.step(ctx, by(t.role, "timeout"), limit); err != nil {
			return err
		}
		_, err := r.step(ctx, t, o)
		return err
	}
}

func timeouts(s *scene) (found []lesson.Evidence) {
	x, ok := s.socket()
	if !ok {
		return nil
	}
	for _, t := range []struct {
		name  string
		value time.Duration
	}{{"SO_RCVTIMEO", x.RecvTimeo}, {"SO_SNDTIMEO", x.SendTimeo}} {
		if t.value > 0 {
			found = append(found, facts.Timeout(t.name, t.value))
		}
	}
	if x.NonBlock {
		found = append(found, facts.NonBlocking(s.pid(), x.FD))
	}
	return found
}
