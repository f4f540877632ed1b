package tour

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
)

// A place is a part of a lesson, both by number. The lesson after the last is the
// end of the course.
type place struct{ lesson, part int }

// A guide goes through parts in the background, one at a time, and tells the screen
// in messages what happens.
type guide struct {
	Options
	walk    *course.Walk
	lessons []lab.Lesson
	send    func(tea.Msg)

	begun string // the lesson that the walk is in; for the task that runs only
	now   *task  // the same

	mu   sync.Mutex
	last *task
}

// A task is one part being gone through.
type task struct {
	place
	anew  bool // the lesson begins from nothing
	ctx   context.Context
	stop  context.CancelFunc
	hints chan int // which hint is wanted, from 0
	over  chan struct{}
}

// What a task tells.
type (
	shownMsg struct {
		*task
		lesson.Event
	}
	// pausedMsg: a step has been said. It is made when onward is closed.
	pausedMsg struct {
		*task
		onward chan struct{}
	}
	// nowMsg says how far an exercise is, or what the learner waits for.
	nowMsg struct {
		*task
		words string
	}
	// solvedMsg: the kernel says that the exercise is done.
	solvedMsg struct{ *task }
	// overMsg: there is nothing more to come.
	overMsg struct {
		*task
		err error
	}
	// noteMsg is something to know, said once.
	noteMsg string
)

func newGuide(o Options, lessons []lab.Lesson, send func(tea.Msg)) *guide {
	g := &guide{Options: o, lessons: lessons, send: send}
	g.walk = &course.Walk{Show: g.show}
	return g
}

// begin leaves the part that is gone through, and begins another when that is over.
func (g *guide) begin(at place, anew bool) *task {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &task{place: at, anew: anew, hints: make(chan int, 1), over: make(chan struct{})}
	t.ctx, t.stop = context.WithCancel(context.Background())
	before := g.last
	g.last = t
	go func() {
		defer close(t.over)
		defer t.stop()
		if before != nil {
			before.stop()
			<-before.over
		}
		g.send(safely(func() tea.Msg { return overMsg{t, g.run(t)} })())
	}()
	return t
}

// patience is how long a task may take to end.
const patience = 5 * time.Second

// end ends the task and the processes of its experiment.
func (g *guide) end() {
	g.mu.Lock()
	last := g.last
	g.mu.Unlock()
	if last != nil {
		last.stop()
		select {
		case <-last.over:
		case <-time.After(patience):
		}
	}
	g.walk.End()
}

func (g *guide) show(e lesson.Event) {
	if name := label(e); name != "" && g.Mark != nil {
		g.Mark(name)
	}
	g.send(shownMsg{g.now, e})
}

// kept tells if the place cannot be kept.
func (g *guide) kept(err error) {
	if err != nil {
		g.send(noteMsg(err.Error()))
	}
}

func (g *guide) part(at place) lab.Part { return g.lessons[at.lesson].Parts[at.part] }

// run goes through one part.
func (g *guide) run(t *task) error {
	if t.ctx.Err() != nil {
		return t.ctx.Err()
	}
	g.now = t
	l, p := g.lessons[t.lesson], g.part(t.place)
	if g.begun != l.ID || t.anew {
		g.walk.Begin(l)
		g.begun = ""
		if t.part > 0 {
			g.send(nowMsg{t, "The experiments before this are made once more, without a word."})
			if err := resume(t.ctx, g.walk, l, t.part, g.Progress); err != nil {
				return err
			}
		}
		g.begun = l.ID
	}
	if t.part > 0 { // who has only looked at the question of a lesson keeps his place
		g.kept(g.Progress.SetPlace(l.ID, t.part))
	}
	switch p.Kind {
	case lab.Experiment:
		return g.walk.Run(t.ctx, p, g.pause)
	case lab.Exercise:
		return g.exercise(t, p)
	}
	g.walk.Tell(p)
	return nil
}

func (g *guide) pause(ctx context.Context) error {
	onward := make(chan struct{})
	g.send(pausedMsg{g.now, onward})
	select {
	case <-onward:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// exercise asks the kernel until it says that the exercise is done.
func (g *guide) exercise(t *task, p lab.Part) error {
	if err := g.walk.Prepare(t.ctx, p); err != nil {
		return err
	}
	g.walk.Tell(p)
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		done, now, err := g.walk.Check()
		if err != nil {
			return err
		}
		if done {
			g.send(solvedMsg{t})
			g.walk.Done(p)
			return nil
		}
		g.send(nowMsg{t, now})
		select {
		case n := <-t.hints:
			g.walk.Hint(p, n)
		case <-tick.C:
		case <-t.ctx.Done():
			return t.ctx.Err()
		}
	}
}

// cannotGoOn says why an exercise is over without being done.
func cannotGoOn(err error) string { return fmt.Sprintf("This cannot go on: %v.", err) }

// untold is the error of a part that the learner has to hear of: Run and Prepare
// have told of what could not be made, and who leaves knows.
func untold(err error) bool {
	return err != nil && !errors.Is(err, course.ErrNotMade) && !errors.Is(err, context.Canceled)
}
