package labtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	web "fd3/httpmini/server"
	"fd3/lesson/course/lab"
)

const (
	// thought is how long a slow learner thinks: longer than any timeout of a server
	// or a client on the way.
	thought = web.DefaultTimeout + time.Second
	// repeats is longer than it takes until a SYN is sent again, and once more:
	// after 1 s, and 1 or 2 s later, tcp(7).
	repeats = 4 * time.Second
)

// A slow is a learner who thinks before one step of an experiment.
type slow struct {
	lab.Part
	step       int // from 1
	think      time.Duration
	lab.Motion // the change that may come meanwhile
}

// slowSteps is a pause that does not think. It notes before which steps a learner
// would see another thing if they did: it asks the kernel whether the experiment
// moves. Where no timer of the kernel fires within the time, no call waits and no
// program runs besides the stages, which have no timeouts, time changes nothing.
func (s *Learner) slowSteps(p lab.Part, all *[]slow) func(context.Context) error {
	step := 0
	return func(context.Context) error {
		step++
		motion, moves, err := s.Moves(thought)
		if moves {
			*all = append(*all, slow{p, step, min(motion.By+repeats, thought), motion})
		}
		return err
	}
}

// slowly has each of these learners think, all at once; the steps are made one at a
// time. The kernel's answers are the same as without a thought.
func slowly(t *testing.T, l lab.Lesson, proof Proof, all []slow) {
	var making sync.Mutex
	var learners sync.WaitGroup
	defer learners.Wait()
	for _, p := range all {
		learners.Go(func() { // however many tests run at a time
			t.Run(fmt.Sprintf("%s, step %d", p.Name, p.step), func(t *testing.T) {
				t.Logf("%s: %s", p.think, p.Why)
				making.Lock()
				defer making.Unlock()
				s, step := Begin(t, l), 0
				err := s.Run(t.Context(), p.Part, func(ctx context.Context) error {
					if step++; step != p.step {
						return nil
					}
					making.Unlock()
					defer making.Lock()
					select {
					case <-time.After(p.think):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				})
				if err != nil {
					t.Error(err)
				}
				if want, got := proof.answers(p.Name), s.Notes().Answer(p.Name); want != nil && !slices.Contains(want, got) {
					t.Errorf("the answer is %q, not %q", got, want)
				}
			})
		})
	}
}
