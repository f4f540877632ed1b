package course

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fd3/lesson/course/lab"
	"fd3/lesson/words"
)

// A Place is a part of a lesson, both by number. The lesson after the last is the
// end of the course.
type Place struct{ Lesson, Part int }

// Spots returns the names by which one goes to the parts of a lesson, in their order.
// The parts of one question have its name, and begin with the prediction; the exercise,
// and a part without a name, are called by their kinds.
func Spots(l lab.Lesson) (names []string) {
	for _, p := range l.Parts {
		if name := Spot(p); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Spot returns the name by which one goes to a part.
func Spot(p lab.Part) string {
	if p.Name == "" || p.Kind == lab.Exercise {
		return string(p.Kind)
	}
	return p.Name
}

// partNamed returns the number of the part of that name in a lesson, or an error that has
// all names. Without a name it is the first.
func partNamed(l lab.Lesson, name string) (int, error) {
	i := slices.IndexFunc(l.Parts, func(p lab.Part) bool { return name == "" || Spot(p) == name })
	if i < 0 {
		return 0, fmt.Errorf("the lesson %s has no part %q. Its parts are: %s", l.ID, name, strings.Join(Spots(l), ", "))
	}
	return i, nil
}

// Start returns where a learner begins: with the lesson of that name or, as "listen/full",
// with a part of it (Spots). Without a name it is where the Progress says. A place that
// the course no longer has counts from the beginning.
func (w *Walk) Start(from string) (at Place, err error) {
	id, name, _ := strings.Cut(from, "/")
	part := 0
	if from != "" {
		l, err := Find(id)
		if err != nil {
			return Place{}, err
		}
		if part, err = partNamed(l, name); err != nil {
			return Place{}, err
		}
	} else if w.Progress != nil {
		id, part = w.Progress.Place()
	}
	at.Lesson = slices.IndexFunc(w.Lessons, func(l lab.Lesson) bool { return l.ID == id })
	if at.Lesson < 0 {
		return Place{}, nil
	}
	if part < len(w.Lessons[at.Lesson].Parts) {
		at.Part = part
	}
	return at, nil
}

// Ended reports whether the place is the end of the course.
func (w *Walk) Ended(at Place) bool { return at.Lesson >= len(w.Lessons) }

// Part returns the part at a place, the choices of a prediction in the learner's order.
// The end of the course has none.
func (w *Walk) Part(at Place) lab.Part {
	if w.Ended(at) {
		return lab.Part{}
	}
	p := w.Lessons[at.Lesson].Parts[at.Part]
	p.Choices = w.choices(p)
	return p
}

// choices returns those of a part in the learner's order.
func (w *Walk) choices(p lab.Part) []words.Item {
	if w.Progress == nil || w.AsWritten || p.Kind != lab.Predict {
		return p.Choices
	}
	return w.Progress.Drawn(p)
}

// Go goes through the part at a place: it tells of it, makes an experiment, or sets
// an exercise up. It begins the lesson first, if that is another one than before.
// pause is called before each step of an experiment.
func (w *Walk) Go(ctx context.Context, at Place, pause func(context.Context) error) error {
	l, p := w.Lessons[at.Lesson], w.Part(at)
	if err := w.enter(ctx, l, at); err != nil {
		return err
	}
	if at.Part > 0 { // a learner who has only looked at the question of a lesson keeps their place
		w.keep(func(kept *Progress) error { return kept.SetPlace(l.ID, at.Part) })
	}
	if at.Part == 0 {
		if err := w.recall(ctx, l); err != nil {
			return err
		}
	}
	switch p.Kind {
	case lab.Experiment:
		return w.Run(ctx, p, pause)
	case lab.Exercise:
		before := w.Notes().Values()
		if err := w.Prepare(ctx, p); err != nil {
			return err
		}
		if w.OnPaper {
			w.Notes().Blank(before)
		}
	}
	w.Tell(p)
	return nil
}

// enter begins the lesson at a place, if it is not begun yet.
func (w *Walk) enter(ctx context.Context, l lab.Lesson, at Place) error {
	w.mu.Lock()
	if w.opened == nil {
		w.opened = make(map[Place]bool)
	}
	w.opened[at] = true
	begun := w.begun == l.ID
	w.begun = l.ID
	w.mu.Unlock()
	if begun {
		return nil
	}
	w.Begin(l)
	if at.Part == 0 {
		return nil
	}
	before := l.Parts[:at.Part]
	if w.Resuming != nil && slices.ContainsFunc(before, func(p lab.Part) bool { return p.Kind == lab.Experiment }) {
		w.Resuming()
	}
	err := w.resume(ctx, l, at.Part)
	if err != nil {
		w.mu.Lock()
		w.begun = ""
		w.mu.Unlock()
	}
	return err
}

// resume makes up for the parts of a lesson before the one that it goes on with:
// what was predicted, and what the experiments have read.
func (w *Walk) resume(ctx context.Context, l lab.Lesson, part int) error {
	w.mute(true)
	defer w.mute(false)
	for _, p := range l.Parts[:part] {
		switch p.Kind {
		case lab.Predict:
			if w.Progress == nil {
				continue
			}
			choice := w.Progress.Choice(l.ID, p.Name)
			if slices.ContainsFunc(p.Choices, func(c words.Item) bool { return c.Name == choice }) {
				w.mu.Lock()
				w.predicted[p.Name] = choice
				w.mu.Unlock()
			}
		case lab.Experiment:
			if err := w.Run(ctx, p, func(ctx context.Context) error { return ctx.Err() }); err != nil && !errors.Is(err, ErrNotMade) {
				return err
			}
			w.readBefore(p)
		}
	}
	return nil
}

func (w *Walk) mute(muted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.muted = muted
}

// Anew has Go begin the lesson of that number from nothing.
func (w *Walk) Anew(number int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = ""
	for at := range w.opened {
		if at.Lesson == number {
			delete(w.opened, at)
		}
	}
}

// Next returns the place after this one, and keeps what was done. The verdict on an
// experiment that could not be made is left out.
func (w *Walk) Next(at Place) Place {
	l := w.Lessons[at.Lesson]
	for next := at.Part + 1; next < len(l.Parts); next++ {
		if p := l.Parts[next]; p.Kind != lab.Verdict || w.made(p) {
			return Place{at.Lesson, next}
		}
	}
	next, id := Place{at.Lesson + 1, 0}, ""
	if !w.Ended(next) {
		id = w.Lessons[next.Lesson].ID
	}
	w.keep(func(kept *Progress) error { return kept.Finish(l.ID) })
	w.keep(func(kept *Progress) error { return kept.SetPlace(id, 0) })
	return next
}

// Back returns the place before this one. Of the lesson before it is the end, where
// that was seen, or else the beginning.
func (w *Walk) Back(at Place) Place {
	switch {
	case at.Part > 0:
		return Place{at.Lesson, at.Part - 1}
	case at.Lesson > 0:
		last := Place{at.Lesson - 1, len(w.Lessons[at.Lesson-1].Parts) - 1}
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.opened[last] {
			last.Part = 0
		}
		return last
	}
	return at
}

// CanPredict reports whether the part at a place is a prediction that can be
// answered: when its experiment has begun it is settled.
func (w *Walk) CanPredict(at Place) bool {
	if w.Part(at).Kind != lab.Predict {
		return false
	}
	experiment, ok := w.experiment(at)
	w.mu.Lock()
	defer w.mu.Unlock()
	return !ok || !w.opened[experiment]
}

// Again returns where to go for the experiment or the exercise at a place to be made
// once more, and whether there is one. The parts that have told of the experiment since
// then are stale.
func (w *Walk) Again(at Place) (from Place, stale []Place, ok bool) {
	switch w.Part(at).Kind {
	case lab.Exercise:
		return at, nil, true
	case lab.Experiment, lab.Verdict, lab.Explain:
		from, ok = w.experiment(at)
	}
	if !ok {
		return at, nil, false
	}
	for i, p := range w.Lessons[at.Lesson].Parts {
		if p.Name == w.Part(at).Name && (p.Kind == lab.Verdict || p.Kind == lab.Explain) {
			stale = append(stale, Place{at.Lesson, i})
		}
	}
	return from, stale, true
}

// Rests reports whether a learner needs time after the part at a place. After a part
// that asks something itself they need none, nor at the end of a lesson.
func (w *Walk) Rests(at Place) bool {
	kind := w.Part(at).Kind
	after := Place{at.Lesson, at.Part + 1}
	return kind != lab.Predict && kind != lab.Exercise && !w.CanObserve(at) &&
		after.Part < len(w.Lessons[at.Lesson].Parts) && w.Part(after).Kind != lab.References
}

// experiment returns the place of the experiment that the part at a place belongs to.
func (w *Walk) experiment(at Place) (Place, bool) {
	name := w.Part(at).Name
	i := slices.IndexFunc(w.Lessons[at.Lesson].Parts, func(p lab.Part) bool { return p.Kind == lab.Experiment && p.Name == name })
	return Place{at.Lesson, i}, i >= 0
}

// mark notes whether an experiment could not be made here.
func (w *Walk) mark(experiment lab.Part, failed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = make(map[string]bool)
	}
	w.failed[experiment.Lesson+"/"+experiment.Name] = failed
}

// made reports whether the experiment that a part belongs to could be made.
func (w *Walk) made(p lab.Part) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.failed[p.Lesson+"/"+p.Name]
}

// keep changes the Progress.
func (w *Walk) keep(change func(*Progress) error) {
	if w.Progress == nil {
		return
	}
	if err := change(w.Progress); err != nil && w.NotKept != nil {
		w.NotKept(err)
	}
}
