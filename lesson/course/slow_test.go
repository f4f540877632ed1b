package course

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	web "fd3/httpmini/server"
)

// TestSlowLearner has learners think before each step for longer than any timeout on
// the way, all at once; the steps are made one at a time. The kernel's answers are
// the same.
func TestSlowLearner(t *testing.T) {
	var step sync.Mutex
	think := func(ctx context.Context) error {
		step.Unlock()
		defer step.Lock()
		select {
		case <-time.After(web.DefaultTimeout + time.Second):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var students sync.WaitGroup
	defer students.Wait()
	for _, l := range All() {
		for _, p := range l.Parts {
			if p.Kind != Experiment {
				continue
			}
			students.Go(func() { // however many tests run at a time
				t.Run(at(p), func(t *testing.T) {
					s := newStudent(t)
					step.Lock()
					defer step.Unlock()
					s.Begin(l)
					if err := s.Run(t.Context(), p, think); err != nil {
						t.Error(err)
					}
					if want, asked := proved[at(p)]; asked && !slices.Contains(want, s.answers[p.Name]) {
						t.Errorf("the answer is %q, not %q", s.answers[p.Name], want)
					}
				})
			})
		}
	}
}
