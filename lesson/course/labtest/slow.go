package labtest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	web "fd3/httpmini/server"
	"fd3/lesson/course/lab"
)

// making is held while a step is made: slow learners think all at once, and act one
// at a time.
var making sync.Mutex

// slowly has a learner think before each step for longer than any timeout on the
// way. The kernel's answers are the same.
func slowly(t *testing.T, l lab.Lesson, p lab.Part, proof Proof) {
	think := func(ctx context.Context) error {
		making.Unlock()
		defer making.Lock()
		select {
		case <-time.After(web.DefaultTimeout + time.Second):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	making.Lock()
	defer making.Unlock()
	s := Begin(t, l)
	if err := s.Run(t.Context(), p, think); err != nil {
		t.Error(err)
	}
	if want, got := proof.answers(p.Name), s.Notes().Answer(p.Name); want != nil && !slices.Contains(want, got) {
		t.Errorf("the answer is %q, not %q", got, want)
	}
}
