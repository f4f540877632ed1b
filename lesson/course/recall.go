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
	text := "The kernel said: " + w.fill(p, p.Choice(answer))
	switch {
	case choice == "":
	case choice == answer:
		text += "\n\nYou said the same."
	default:
		text += "\n\nYou said: " + w.fill(p, p.Choice(choice))
		if about, err := words.FillParagraphs(w.about(p, choice), w.Notes().Values()); err == nil {
			text += "\n\n" + about
		}
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
	before := w.Lessons[:slices.IndexFunc(w.Lessons, func(other lab.Lesson) bool { return other.ID == l.ID })]
	for _, key := range w.Progress.toRecall() {
		id, name, _ := strings.Cut(key, "/")
		i := slices.IndexFunc(before, func(l lab.Lesson) bool { return l.ID == id })
		if i < 0 {
			continue
		}
		p, answer = before[i].Prediction(name), w.Progress.answer(key)
		p.Choices = w.choices(p)
		if p.Choice(answer) != "" && w.tellable(p) {
			return p, answer, true
		}
	}
	return p, "", false
}

// about returns what the verdict on a prediction says to those who made a choice.
func (w *Walk) about(predict lab.Part, choice string) string {
	for _, l := range w.Lessons {
		for _, p := range l.Parts {
			if l.ID == predict.Lesson && p.Kind == lab.Verdict && p.Name == predict.Name {
				return p.About[choice]
			}
		}
	}
	return ""
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
