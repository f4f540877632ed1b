package course

import (
	"fmt"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/words"
)

// A reading is what the learner read off the screen after an experiment, and what the
// kernel had said there.
type reading struct {
	Read string `json:"read"`
	Said string `json:"said"`
}

// CanObserve reports whether the learner may say now what they read off the screen: the
// experiment at the place is made and asks for it, and its verdict has not come.
func (w *Walk) CanObserve(at Place) bool {
	p := w.Part(at)
	w.mu.Lock()
	defer w.mu.Unlock()
	return p.Kind == lab.Experiment && w.asked[p.Name]
}

// Observe keeps what the learner has read after an experiment. Where the kernel can have
// said nothing like it, it keeps nothing and returns what is asked for instead.
func (w *Walk) Observe(experiment lab.Part, read string) (instead string) {
	said := w.Notes().Values()[experiment.Observe.Note]
	if instead := lab.Instead(read, said); instead != "" {
		return instead
	}
	r := reading{read, said}
	w.mu.Lock()
	w.observed[experiment.Name] = r
	w.mu.Unlock()
	w.keep(func(kept *Progress) error { return kept.observed(experiment.Lesson, experiment.Name, r) })
	return ""
}

// forget forgets what was read after an experiment: it is made once more.
func (w *Walk) forget(experiment lab.Part) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.observed, experiment.Name)
	delete(w.asked, experiment.Name)
}

// readBefore takes what the learner read after an experiment when they were here before.
func (w *Walk) readBefore(experiment lab.Part) {
	if w.Progress == nil || experiment.Observe.Note == "" {
		return
	}
	r := w.Progress.reading(experiment.Lesson, experiment.Name)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.observed[experiment.Name] = r
}

// ask asks for what there is to read after an experiment.
func (w *Walk) ask(experiment lab.Part) {
	if experiment.Observe.Note == "" {
		return
	}
	w.mu.Lock()
	w.asked[experiment.Name] = true
	w.mu.Unlock()
	w.say(experiment, "observe", experiment.Observe.Text)
}

// tellObserved tells, before a verdict, what there was to read, and what the learner has.
func (w *Walk) tellObserved(verdict lab.Part) {
	w.mu.Lock()
	o, r := w.lesson.Observation(verdict.Name), w.observed[verdict.Name]
	delete(w.asked, verdict.Name)
	w.mu.Unlock()
	if o.Note == "" {
		return
	}
	if text := w.compared(verdict, o, r); text != "" {
		if w.OnPaper { // the question stands on another sheet
			text = w.fill(verdict, o.Text) + " " + text
		}
		w.show(verdict, lesson.Event{Kind: lesson.KindText, Section: "observed", Text: text})
	}
}

// compared returns what the kernel said beside what was read, if anything was. It is
// empty where the kernel has said nothing.
func (w *Walk) compared(verdict lab.Part, o lab.Observation, r reading) string {
	if r.Said == "" {
		r.Said = w.Notes().Values()[o.Note]
	}
	read, said, look := words.Literal(r.Read), words.Literal(r.Said), w.fill(verdict, o.Look)
	switch {
	case said == "":
		return ""
	case read == "":
		return fmt.Sprintf("The kernel said %s. Look %s", said, look)
	case lab.SameReading(r.Read, r.Said):
		return fmt.Sprintf("You read %s, and the kernel said the same.", read)
	}
	return fmt.Sprintf("You read %s; the kernel said %s. Look %s", read, said, look)
}
