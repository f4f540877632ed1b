package step

import (
	"errors"
	"sync"
	"testing"

	"fd3/lesson"
)

// Two commands want the same call: the one that made it gets its result, and the
// other says so, fails, and shows no call of its own.
func TestTwoWaitForOneCall(t *testing.T) {
	for step, wake := range map[string]func(*stagehand){
		"accept": func(h *stagehand) { h.do("connect") },
		"recv":   func(h *stagehand) { h.do("send", asClient, data("hello")) },
	} {
		t.Run(step, func(t *testing.T) {
			h := newStagehand(t)
			h.start()
			if step == "recv" {
				h.do("connect")
				h.do("accept")
			}
			first, second := h.another(), h.another()
			var both sync.WaitGroup
			var errs [2]error
			for i, r := range []*stagehand{first, second} {
				both.Go(func() { errs[i] = r.try(step, only) })
				<-r.waits
			}
			wake(h)
			both.Wait()
			if errs[0] != nil || first.lastCall().Name == "" {
				t.Errorf("the first command: %v, %q", errs[0], first.lastCall().Strace)
			}
			if !errors.Is(errs[1], ErrTaken) || second.lastCall().Name != "" {
				t.Errorf("the second command: %v, %q", errs[1], second.lastCall().Strace)
			}
			if !second.told("has returned to another command: `" + first.lastCall().Strace + "`") {
				t.Error("the second command does not tell the result")
			}
		})
	}
}

// another is a second command on the same stage. Its waits is closed when it has
// told that it waits inside a call.
func (h *stagehand) another() *stagehand {
	b := &stagehand{t: h.t, explain: lesson.Full, waits: make(chan struct{})}
	r := *h.Runner
	once := sync.OnceFunc(func() { close(b.waits) })
	r.Show = func(e lesson.Event) {
		b.events = append(b.events, e)
		if e.Section == "blocked" {
			once()
		}
	}
	b.Runner = &r
	return b
}
