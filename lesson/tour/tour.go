package tour

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/view"
	"fd3/lesson/words"
)

// Options are how a tour is to go.
type Options struct {
	From     string        // the lesson to begin with; empty: where the progress says
	Auto     time.Duration // go on by itself after so long; 0: wait for the learner
	Look     view.Look
	Progress *course.Progress
	In, Out  *os.File
	Note     string             // to be said at the beginning
	Mark     func(label string) // a recording's marker for each step; may be nil
	Typed    func(line string)  // a recording's hears what is typed line by line; may be nil
}

// Fits tells whether a terminal of this size has room for Screen.
func Fits(columns, rows int) bool { return columns >= minColumns && rows >= minRows }

// start is where the tour begins: a lesson by its number, and a part of it. What
// the progress names and the course no longer has counts from the beginning.
func (o Options) start() (number, part int, err error) {
	all := course.All()
	id := o.From
	if id == "" {
		id, part = o.Progress.Place()
	} else if _, err := course.Find(id); err != nil {
		return 0, 0, err
	}
	number = slices.IndexFunc(all, func(l lab.Lesson) bool { return l.ID == id })
	if number < 0 {
		return 0, 0, nil
	}
	if part >= len(all[number].Parts) {
		part = 0
	}
	return number, part, nil
}

// resume makes up for the parts of a lesson before the one that it goes on with:
// what was predicted, and what the experiments have read. They are made once more,
// without a word.
func resume(ctx context.Context, w *course.Walk, l lab.Lesson, part int, p *course.Progress) error {
	show := w.Show
	w.Show = func(lesson.Event) {}
	defer func() { w.Show = show }()
	for _, before := range l.Parts[:part] {
		switch before.Kind {
		case lab.Predict:
			choice := p.Choice(l.ID, before.Name)
			if slices.ContainsFunc(before.Choices, func(i words.Item) bool { return i.Name == choice }) {
				w.Predict(before.Name, choice)
			}
		case lab.Experiment:
			err := w.Run(ctx, before, func(ctx context.Context) error { return ctx.Err() })
			if err != nil && !errors.Is(err, course.ErrNotMade) {
				return err
			}
		}
	}
	return nil
}

// label is the marker that an Event deserves in a recording; empty if none.
func label(e lesson.Event) string {
	switch {
	case e.Kind == lesson.KindLesson:
		return e.Title
	case e.Kind == lesson.KindVerdict:
		return e.Step + ": verdict"
	case e.Kind != lesson.KindText:
		return ""
	}
	switch e.Section {
	case "step":
		words := strings.NewReplacer("`", "", "*", "", `\`, "", "\n", " ").Replace(e.Text)
		if cut := []rune(words); len(cut) > 60 {
			words = string(cut[:57]) + "..."
		}
		return fmt.Sprintf("%s: %s", e.Step, words)
	case "question", "predict", "experiment", "explain", "exercise", "recap", "references":
		return e.Step + ": " + e.Section
	}
	return ""
}
