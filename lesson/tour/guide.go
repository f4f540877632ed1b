package tour

import (
	"context"
	"errors"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/words"
)

// A guide goes through parts in the background, one at a time, and tells the screen
// in messages what happens.
type guide struct {
	Options
	walk *course.Walk
	send func(tea.Msg)

	now *task // that runs; for it only

	mu   sync.Mutex
	last *task
}

// A task is one part being gone through.
type task struct {
	course.Place
	anew  bool           // the lesson begins from nothing
	with  map[string]int // what if: the experiment is made with these values of its parameters
	ctx   context.Context
	stop  context.CancelFunc
	hints chan int // which hint is wanted, from 0
	over  chan struct{}
}

// These are the messages of a task.
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
	// othersMsg has what there is to say to the choices that the learner has not made.
	othersMsg struct {
		*task
		events []lesson.Event
	}
	// recallMsg asks a question of an earlier lesson. answer takes the name of a choice, or "".
	recallMsg struct {
		*task
		part   lab.Part
		answer chan<- string
	}
	// overMsg: there is nothing more to come.
	overMsg struct {
		*task
		err error
	}
	// noteMsg is something to know, said once.
	noteMsg string
)

func newGuide(o Options, lessons []lab.Lesson, send func(tea.Msg)) *guide {
	g := &guide{Options: o, walk: newWalk(o, lessons), send: send}
	g.lead()
	return g
}

// newWalk returns a Walk for whoever leads it.
func newWalk(o Options, lessons []lab.Lesson) *course.Walk {
	return &course.Walk{Lessons: lessons, Progress: o.Progress, AsWritten: o.Mark != nil}
}

// lead has the walk tell and ask by way of the screen.
func (g *guide) lead() {
	g.walk.Show, g.walk.Made, g.walk.Ask = g.show, nil, nil
	g.walk.Resuming = func() {
		g.send(nowMsg{g.now, "The experiments before this are made once more, without a word."})
	}
	g.walk.NotKept = func(err error) { go g.send(noteMsg(err.Error())) } // the screen may wait for this call
	if !g.Auto {
		g.walk.Ask = g.recall
	}
}

// recall asks a question of an earlier lesson, and waits until the learner has answered it
// or goes on.
func (g *guide) recall(ctx context.Context, p lab.Part) (choice string, err error) {
	answer := make(chan string, 1)
	g.send(recallMsg{g.now, p, answer})
	select {
	case choice = <-answer:
		return choice, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// begin leaves the part that is gone through, and begins another when that is over.
func (g *guide) begin(at course.Place, anew bool) *task {
	return g.start(&task{Place: at, anew: anew})
}

// whatIf begins the experiment at a place with other values of its parameters.
func (g *guide) whatIf(at course.Place, values map[string]int) *task {
	return g.start(&task{Place: at, with: values})
}

func (g *guide) start(t *task) *task {
	g.mu.Lock()
	defer g.mu.Unlock()
	t.hints, t.over = make(chan int, 1), make(chan struct{})
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

// run goes through one part.
func (g *guide) run(t *task) error {
	if t.ctx.Err() != nil {
		return t.ctx.Err()
	}
	g.now = t
	if t.anew {
		g.walk.Anew(t.Lesson)
	}
	if t.with != nil {
		return g.walk.WhatIf(t.ctx, g.walk.Part(t.Place), t.with)
	}
	if err := g.walk.Go(t.ctx, t.Place, g.pause); err != nil {
		return err
	}
	switch p := g.walk.Part(t.Place); p.Kind {
	case lab.Exercise:
		return g.watch(t, p)
	case lab.Verdict:
		g.send(othersMsg{t, g.walk.Others(p)})
	}
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

// watch asks the kernel until it says that the exercise is done.
func (g *guide) watch(t *task, p lab.Part) error {
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
func cannotGoOn(err error) string {
	return "This cannot go on: " + words.Literal(err.Error()) + "."
}

// untold reports whether the learner has to hear of the error of a part: Run and Prepare
// have told of one that could not be made, and a learner who leaves knows.
func untold(err error) bool {
	return err != nil && !errors.Is(err, course.ErrNotMade) && !errors.Is(err, context.Canceled)
}
