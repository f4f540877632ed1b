package course

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/words"
)

// recall asks, at the beginning of a lesson, a question of an earlier one that the learner
// has predicted, and tells what the kernel said then. It waits for an answer as Ask does.
func (w *Walk) recall(ctx context.Context, l lab.Lesson) error {
	p, answer, ok := w.earlier(l)
	if !ok {
		return nil
	}
	w.show(p, lesson.Event{Kind: lesson.KindText, Section: "recall", Text: w.fill(p, fmt.Sprintf("From the lesson `%s`: %s.\n\n%s", p.Lesson, p.Title, p.Text))})
	for _, c := range p.Choices {
		w.show(p, lesson.Event{Kind: lesson.KindChoice, Name: c.Name, Text: w.fill(p, c.Text)})
	}
	choice, err := w.Ask(ctx, p)
	if err != nil {
		return err
	}
	text := "The kernel said: " + w.fill(p, choiceOf(p, answer))
	switch {
	case choice == "":
	case choice == answer:
		text += "\n\nYou said the same."
	default:
		text += "\n\nYou said: " + w.fill(p, choiceOf(p, choice))
	}
	w.show(p, lesson.Event{Kind: lesson.KindText, Section: "recalled", Text: text})
	if choice != "" {
		w.keep(func(kept *Progress) error { return kept.recalled(p.Lesson, p.Name, choice) })
	}
	return nil
}

// earlier returns the prediction to ask for before a lesson, and what the kernel said. It
// is one of a lesson before this one, and its words need nothing that an experiment reads.
func (w *Walk) earlier(l lab.Lesson) (p lab.Part, answer string, ok bool) {
	if w.Ask == nil || w.Progress == nil {
		return p, "", false
	}
	for _, key := range w.Progress.toRecall() {
		id, name, _ := strings.Cut(key, "/")
		i := slices.IndexFunc(w.Lessons, func(l lab.Lesson) bool { return l.ID == id })
		if i < 0 || i >= slices.IndexFunc(w.Lessons, func(other lab.Lesson) bool { return other.ID == l.ID }) {
			continue
		}
		p, answer = w.Lessons[i].Prediction(name), w.Progress.answer(key)
		p.Choices = w.choices(p)
		if choiceOf(p, answer) != "" && w.tellable(p) {
			return p, answer, true
		}
	}
	return p, "", false
}

// tellable reports whether all words of a prediction can be told before any experiment.
func (w *Walk) tellable(p lab.Part) bool {
	text := p.Text
	for _, c := range p.Choices {
		text += "\n\n" + c.Text
	}
	_, err := words.FillParagraphs(text, w.Notes().Values())
	return err == nil
}

// choiceOf returns the words of a choice of a prediction, or "" if it has no such choice.
func choiceOf(p lab.Part, name string) string {
	i := slices.IndexFunc(p.Choices, func(c words.Item) bool { return c.Name == name })
	if i < 0 {
		return ""
	}
	return p.Choices[i].Text
}
