package course

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// A Walk is one way through the lessons: what was predicted, what the kernel
// answered, and the processes of the experiment that runs. It may be used from
// several goroutines; parts are run one at a time.
type Walk struct {
	Show func(lesson.Event)
	// Complain hears of words that name what no experiment has read. The learner
	// gets the paragraph left out; a test fails.
	Complain func(error)

	mu        sync.Mutex
	lab       *Lab // of the experiment or exercise that was run last
	check     func() (bool, string)
	values    map[string]string // what the lesson's experiments have read, by the names in the words
	answers   map[string]string // the kernel's answers, by the name of the experiment
	predicted map[string]string // the learner's, by the same
}

// ErrNotMade says that an experiment could not be made on this machine. Its text
// says why.
var ErrNotMade = errors.New("the experiment could not be made here")

// Begin opens a lesson: nothing is predicted and nothing is known yet.
func (w *Walk) Begin(l Lesson) {
	w.End()
	w.mu.Lock()
	w.values, w.answers, w.predicted = machineValues(), make(map[string]string), make(map[string]string)
	w.mu.Unlock()
	w.Show(lesson.Event{Kind: lesson.KindLesson, Step: l.ID, Title: l.Title, Text: l.Asks, Life: IDs()})
}

// machineValues are what words may name in every lesson.
func machineValues() map[string]string {
	v := make(map[string]string)
	for name, key := range map[string]string{
		"somaxconn":         "net.core.somaxconn",
		"unprivileged_port": "net.ipv4.ip_unprivileged_port_start",
		"fin_timeout":       "net.ipv4.tcp_fin_timeout",
	} {
		if value, err := kernel.Sysctl(key); err == nil {
			v[name] = value
		}
	}
	return v
}

// End ends the processes of the last experiment.
func (w *Walk) End() {
	w.mu.Lock()
	lab := w.lab
	w.lab, w.check = nil, nil
	w.mu.Unlock()
	if lab != nil {
		lab.end()
	}
}

// Predict notes what the learner says, before the experiment of that name runs.
func (w *Walk) Predict(name, choice string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.predicted[name] = choice
}

// Tell shows a part that is only words: all but an experiment, whose words come
// with its steps. An exercise is told after Prepare.
func (w *Walk) Tell(p Part) {
	switch p.Kind {
	case Verdict:
		w.verdict(p)
		return
	case Predict:
		w.say(p, string(p.Kind), p.Text)
		for _, c := range p.Choices {
			w.show(p, lesson.Event{Kind: lesson.KindChoice, Name: c.Name, Text: w.fill(p, c.Text)})
		}
	default:
		w.say(p, string(p.Kind), p.Text)
	}
}

func (w *Walk) say(p Part, section, text string) {
	if text = w.fill(p, text); text != "" {
		w.show(p, lesson.Event{Kind: lesson.KindText, Section: section, Text: text})
	}
}

func (w *Walk) show(p Part, e lesson.Event) {
	e.Step = p.Lesson
	w.Show(e)
}

// fill puts the values that were read in the place of their {names}.
func (w *Walk) fill(p Part, text string) string {
	w.mu.Lock()
	values := maps.Clone(w.values)
	w.mu.Unlock()
	filled, err := words.FillParagraphs(text, values)
	if err != nil && w.Complain != nil {
		w.Complain(fmt.Errorf("%s, %s %s: %w", p.Lesson, p.Kind, p.Name, err))
	}
	return filled
}

// Run makes an experiment. Each step is first said, then pause is called, then it
// is made. An error of pause ends it; so does the context.
func (w *Walk) Run(ctx context.Context, p Part, pause func(context.Context) error) error {
	make, ok := practices[p.Lesson].experiments[p.Name]
	if !ok {
		return fmt.Errorf("%s has no experiment %q", p.Lesson, p.Name)
	}
	lab := w.newLab(ctx, p)
	w.say(p, string(p.Kind), p.Text)
	steps := make(lab)
	for _, item := range p.Steps {
		step, ok := steps[item.Name]
		if !ok {
			return fmt.Errorf("the experiment %q of %s has no step %q", p.Name, p.Lesson, item.Name)
		}
		w.say(p, "step", item.Text)
		if err := pause(ctx); err != nil {
			return err
		}
		if err := lab.try(step); err != nil {
			return w.notMade(p, err)
		}
	}
	return nil
}

func (w *Walk) newLab(ctx context.Context, p Part) *Lab {
	w.End()
	lab := newLab(ctx, w, p)
	w.mu.Lock()
	w.lab = lab
	w.mu.Unlock()
	return lab
}

func (w *Walk) notMade(p Part, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	w.show(p, lesson.Event{Kind: lesson.KindText, Section: "failed", Text: fmt.Sprintf("This could not be made here: %v", err)})
	return fmt.Errorf("%w: %w", ErrNotMade, err)
}

// verdict tells what the kernel's answer was, and what there is to say to the
// learner's.
func (w *Walk) verdict(p Part) {
	w.mu.Lock()
	answer, predicted := w.answers[p.Name], w.predicted[p.Name]
	w.mu.Unlock()
	text := w.fill(p, p.Text)
	if about, ok := p.About[predicted]; ok {
		text += "\n\n" + w.fill(p, about)
	}
	e := lesson.Event{Kind: lesson.KindVerdict, Name: answer, Predicted: predicted, Right: predicted == answer && answer != "", Text: text}
	if l, err := Find(p.Lesson); err == nil {
		e.Title = w.fill(p, l.choice(p.Name, answer))
		e.Value = w.fill(p, l.choice(p.Name, predicted))
	}
	w.show(p, e)
}

// choice is the text of an answer to a prediction.
func (l Lesson) choice(name, answer string) string {
	for _, p := range l.Parts {
		if p.Kind != Predict || p.Name != name {
			continue
		}
		for _, c := range p.Choices {
			if c.Name == answer {
				return c.Text
			}
		}
	}
	return ""
}

// Prepare brings about what an exercise begins with.
func (w *Walk) Prepare(ctx context.Context, p Part) error {
	make, ok := practices[p.Lesson].exercises[p.Name]
	if !ok {
		return fmt.Errorf("%s has no exercise %q", p.Lesson, p.Name)
	}
	lab := w.newLab(ctx, p)
	var check func() (bool, string)
	if err := lab.try(func() { lab.setup(func() { check = make(lab) }) }); err != nil {
		return w.notMade(p, err)
	}
	w.mu.Lock()
	w.check = check
	w.mu.Unlock()
	return nil
}

// Check asks the kernel whether the exercise that was prepared is done. now says
// how far it is. An error says why it cannot be done any more: Prepare sets it up
// again.
func (w *Walk) Check() (done bool, now string, err error) {
	w.mu.Lock()
	lab, check := w.lab, w.check
	w.mu.Unlock()
	if lab == nil || check == nil {
		return false, "", nil
	}
	err = lab.try(func() { done, now = check() })
	var silent *stage.SilentError
	if errors.As(err, &silent) {
		return false, silent.Error(), nil
	}
	if lab.ctx.Err() == nil && !done {
		if role := lab.gone(); role != "" {
			err = fmt.Errorf("the %s has ended", role)
		}
	}
	return done, now, err
}

// Hint shows the hint of that number, from 0.
func (w *Walk) Hint(p Part, n int) {
	if n < len(p.Hints) {
		w.say(p, "hint", p.Hints[n])
	}
}

// Done says what the kernel has shown in an exercise.
func (w *Walk) Done(p Part) { w.say(p, "done", p.Done) }
