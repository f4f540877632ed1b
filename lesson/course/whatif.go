package course

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/words"
)

// CanChange returns the experiment that the part at a place belongs to, and where it is, if
// a learner may change its parameters: if it has any, and could be made.
func (w *Walk) CanChange(at Place) (experiment lab.Part, from Place, ok bool) {
	switch w.Part(at).Kind {
	case lab.Experiment, lab.Verdict, lab.Explain:
		from, ok = w.experiment(at)
	}
	if !ok {
		return lab.Part{}, at, false
	}
	experiment = w.Part(from)
	w.mu.Lock()
	failed, begun := w.failed[experiment.Lesson+"/"+experiment.Name]
	w.mu.Unlock()
	return experiment, from, len(experiment.Params) > 0 && begun && !failed
}

// WhatIf makes an experiment with other values of its parameters, by their names. The words
// of its steps and of its verdict are about the usual values, so it tells the names of the
// steps, the calls, the facts, and what was read, and nothing else that was written
// before. What the lesson has read and proved stays as it is.
func (w *Walk) WhatIf(ctx context.Context, experiment lab.Part, values map[string]int) error {
	w.mu.Lock()
	steps, ok := w.lesson.Experiments[experiment.Name]
	w.mu.Unlock()
	if !ok {
		return fmt.Errorf("%s has no experiment %q", experiment.Lesson, experiment.Name)
	}
	experiment.Chosen = values
	notes := lab.NewNotes(map[string]string{})
	l := w.newLab(ctx, experiment, notes)
	var with []string
	for _, p := range experiment.Params {
		with = append(with, fmt.Sprintf("%s %d", spaced(p.Name), l.Param(p.Name)))
	}
	w.show(experiment, lesson.Event{Kind: lesson.KindText, Section: "whatif", Text: "The same with other numbers: " + strings.Join(with, ", ") + "."})
	for _, step := range steps(l) {
		w.show(experiment, lesson.Event{Kind: lesson.KindText, Section: "step", Text: "**" + spaced(step.Name) + "**"})
		if err := l.Try(step.Do); err != nil {
			return w.notMade(experiment, err)
		}
	}
	var read []string
	for _, name := range slices.Sorted(maps.Keys(notes.Values())) {
		if _, given := values[name]; !given {
			read = append(read, fmt.Sprintf("%s: %s", spaced(name), words.Literal(notes.Values()[name])))
		}
	}
	w.show(experiment, lesson.Event{Kind: lesson.KindText, Section: "outcome", Text: strings.Join(read, "; ") + "."})
	return nil
}

// spaced returns the name of a value as words.
func spaced(name string) string { return strings.ReplaceAll(name, "_", " ") }
