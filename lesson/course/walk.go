package course

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/words"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// A Walk is one way through the lessons: where it leads (way.go), what was predicted,
// what the kernel answered, and the processes of the experiment that runs. It may be
// used from several goroutines; parts are gone through one at a time.
//
//	Start ─▶ Go ─▶ Next ─▶ Go ─▶ Next ─▶ … the end of the course
//
// Only Show has to be there, and Lessons for the way from one place to the next.
type Walk struct {
	Lessons  []lab.Lesson
	Progress *Progress // what was done is kept there; nil: nowhere
	Show     func(lesson.Event)
	// OnPaper is set where a reader comes to an exercise when its processes are gone: a
	// value that Prepare has read is told by its name, a port as PORT.
	OnPaper bool
	// AsWritten says that the choices of a prediction stand in the order of the words, and
	// not in that of the learner.
	AsWritten bool
	// Made is called when a step of an experiment has been made; nil: nobody wants to know.
	Made func()
	// Resuming is called where a lesson is entered in its midst: the experiments
	// before are made once more, without a word.
	Resuming func()
	// Ask asks a learner a question of an earlier lesson, and returns the name of their
	// choice, or "" if they go on without. nil: nobody is asked.
	Ask func(context.Context, lab.Part) (choice string, err error)
	// NotKept hears once why the Progress is not kept.
	NotKept func(error)
	// Complain hears of words that name what no experiment has read. The learner
	// gets the paragraph left out; a test fails.
	Complain func(error)

	mu        sync.Mutex
	lesson    lab.Lesson
	lab       *lab.Lab // of the experiment or exercise that was run last
	check     lab.Check
	notes     *lab.Notes         // what the lesson's experiments have read and proved
	predicted map[string]string  // the learner's answers, by the name of the prediction
	observed  map[string]reading // what the learner has read, by the name of the experiment
	asked     map[string]bool    // the experiments that ask for it, until their verdict
	muted     bool               // what is made is not told
	begun     string             // the lesson that Go is in
	opened    map[Place]bool     // the parts that Go has gone through, or goes
	failed    map[string]bool    // the experiments that could not be made, by "lesson/name"
}

// ErrNotMade says that an experiment could not be made on this machine. Its text
// says why.
var ErrNotMade = errors.New("the experiment could not be made here")

// Begin opens a lesson: nothing is predicted and nothing is known yet.
func (w *Walk) Begin(l lab.Lesson) {
	w.End()
	w.mu.Lock()
	w.lesson, w.notes, w.predicted = l, lab.NewNotes(machineValues()), make(map[string]string)
	w.observed, w.asked = make(map[string]reading), make(map[string]bool)
	w.mu.Unlock()
	w.tell(lesson.Event{Kind: lesson.KindLesson, Step: l.ID, Title: l.Title, Text: l.Asks, Life: IDs()})
}

// machineValues returns what words may name in every lesson.
func machineValues() map[string]string {
	v := make(map[string]string)
	for name, key := range map[string]string{
		"somaxconn":         "net.core.somaxconn",
		"unprivileged_port": "net.ipv4.ip_unprivileged_port_start",
		"fin_timeout":       "net.ipv4.tcp_fin_timeout",
	} {
		if value, err := kernel.Own().Sysctl(key); err == nil {
			v[name] = value
		}
	}
	return v
}

// End ends the processes of the last experiment.
func (w *Walk) End() {
	w.mu.Lock()
	last := w.lab
	w.lab, w.check = nil, nil
	w.mu.Unlock()
	if last != nil {
		last.End()
	}
}

// Predict notes what the learner says, before the experiment of that name runs.
func (w *Walk) Predict(p lab.Part, choice string) {
	w.mu.Lock()
	w.predicted[p.Name] = choice
	w.mu.Unlock()
	w.keep(func(kept *Progress) error { return kept.Predicted(p.Lesson, p.Name, choice) })
}

// Tell shows a part that is only words: all but an experiment, whose words come
// with its steps. An exercise is told after Prepare.
func (w *Walk) Tell(p lab.Part) {
	switch p.Kind {
	case lab.Verdict:
		w.verdict(p)
		return
	case lab.Predict:
		w.say(p, string(p.Kind), p.Text)
		for _, c := range p.Choices {
			w.show(p, lesson.Event{Kind: lesson.KindChoice, Name: c.Name, Text: w.fill(p, c.Text)})
		}
	default:
		w.say(p, string(p.Kind), p.Text)
	}
}

func (w *Walk) say(p lab.Part, section, text string) {
	if text = w.fill(p, text); text != "" {
		w.show(p, lesson.Event{Kind: lesson.KindText, Section: section, Text: text})
	}
}

func (w *Walk) show(p lab.Part, e lesson.Event) {
	e.Step = p.Lesson
	w.tell(e)
}

func (w *Walk) tell(e lesson.Event) {
	w.mu.Lock()
	muted := w.muted
	w.mu.Unlock()
	if !muted {
		w.Show(e)
	}
}

// fill puts the values that were read in the place of their {names}.
func (w *Walk) fill(p lab.Part, text string) string {
	filled, err := words.FillParagraphs(text, w.Notes().Values())
	if err != nil && w.Complain != nil {
		w.Complain(fmt.Errorf("%s, %s %s: %w", p.Lesson, p.Kind, p.Name, err))
	}
	return filled
}

// Run makes an experiment. Each step is first said, then pause is called, then it
// is made. An error of pause ends it; so does the context.
func (w *Walk) Run(ctx context.Context, p lab.Part, pause func(context.Context) error) error {
	w.mu.Lock()
	experiment, ok := w.lesson.Experiments[p.Name]
	w.mu.Unlock()
	if !ok {
		return fmt.Errorf("%s has no experiment %q", p.Lesson, p.Name)
	}
	w.mark(p, false)
	w.forget(p)
	l := w.newLab(ctx, p, w.Notes())
	w.say(p, string(p.Kind), p.Text)
	steps := experiment(l)
	if err := p.Agrees(steps); err != nil {
		return err
	}
	for i, step := range steps {
		w.say(p, "step", p.Steps[i].Text)
		if err := pause(ctx); err != nil {
			return err
		}
		l.Mark()
		if err := l.Try(step.Do); err != nil {
			w.mark(p, true)
			return w.notMade(p, err)
		}
		w.stepped()
	}
	w.ask(p)
	return nil
}

// stepped says that a step has been made, to whoever is told of it.
func (w *Walk) stepped() {
	w.mu.Lock()
	muted := w.muted
	w.mu.Unlock()
	if !muted && w.Made != nil {
		w.Made()
	}
}

func (w *Walk) newLab(ctx context.Context, p lab.Part, notes *lab.Notes) *lab.Lab {
	w.End()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lab = lab.New(ctx, p, w.tell, notes)
	return w.lab
}

// notMade tells why something could not be made here.
func (w *Walk) notMade(p lab.Part, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if limit := stage.LimitBehind(err); limit != "" {
		err = fmt.Errorf("%w. The limit here: %s", err, limit)
	}
	w.show(p, lesson.Event{Kind: lesson.KindText, Section: "failed", Text: "This could not be made here: " + words.Literal(err.Error())})
	return fmt.Errorf("%w: %w", ErrNotMade, err)
}

// verdict tells what the kernel's answer was, and what there is to say to the
// learner's.
func (w *Walk) verdict(p lab.Part) {
	w.mu.Lock()
	l, answer, predicted := w.lesson, w.notes.Answer(p.Name), w.predicted[p.Name]
	w.mu.Unlock()
	w.tellObserved(p)
	text := w.fill(p, p.Text)
	if about, ok := p.About[predicted]; ok {
		text += "\n\n" + w.fill(p, about)
	}
	if predicted != "" && answer != "" {
		w.keep(func(kept *Progress) error { return kept.answered(p.Lesson, p.Name, answer) })
	}
	w.show(p, lesson.Event{
		Kind:      lesson.KindVerdict,
		Title:     w.fill(p, l.Choice(p.Name, answer)),
		Value:     w.fill(p, l.Choice(p.Name, predicted)),
		Name:      answer,
		Predicted: predicted,
		Right:     predicted == answer && answer != "",
		Text:      text,
	})
}

// Others returns what there is to say to the choices that the learner has not made, in
// their order. It belongs to the verdict that was told last.
func (w *Walk) Others(verdict lab.Part) []lesson.Event {
	w.mu.Lock()
	predicted := w.predicted[verdict.Name]
	w.mu.Unlock()
	return w.Comments(verdict, predicted)
}

// Comments returns what there is to say to each choice but one, in the learner's order.
func (w *Walk) Comments(verdict lab.Part, but string) (all []lesson.Event) {
	for _, c := range w.Choices(verdict.Name) {
		if about, ok := verdict.About[c.Name]; ok && c.Name != but {
			all = append(all, lesson.Event{Kind: lesson.KindText, Step: verdict.Lesson, Section: "answer", Text: w.fill(verdict, "**"+c.Text+"**\n\n"+about)})
		}
	}
	return all
}

// Choices returns those of a prediction of the lesson, in the learner's order.
func (w *Walk) Choices(prediction string) []words.Item {
	w.mu.Lock()
	l := w.lesson
	w.mu.Unlock()
	return w.choices(l.Prediction(prediction))
}

// Prepare brings about what an exercise begins with.
func (w *Walk) Prepare(ctx context.Context, p lab.Part) error {
	w.mu.Lock()
	exercise, ok := w.lesson.Exercises[p.Name]
	w.mu.Unlock()
	if !ok {
		return fmt.Errorf("%s has no exercise %q", p.Lesson, p.Name)
	}
	l := w.newLab(ctx, p, w.Notes())
	var check lab.Check
	if err := l.Try(func() { l.Setup(func() { check = exercise(l) }) }); err != nil {
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
	l, check := w.lab, w.check
	w.mu.Unlock()
	if l == nil || check == nil {
		return false, "", nil
	}
	err = l.Try(func() { done, now = check() })
	var silent *stage.SilentError
	if errors.As(err, &silent) {
		return false, silent.Error(), nil
	}
	if l.Context().Err() == nil && !done {
		if role := l.Gone(); role != "" {
			err = fmt.Errorf("the %s has ended", role)
		}
	}
	return done, now, err
}

// Notes returns what the experiments of the lesson have read and proved.
func (w *Walk) Notes() *lab.Notes {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.notes
}

// Moves returns what may change the experiment that runs, within that time and if
// nobody does anything, and whether there is anything. Without an experiment there is
// none.
func (w *Walk) Moves(within time.Duration) (m lab.Motion, moves bool, err error) {
	w.mu.Lock()
	l := w.lab
	w.mu.Unlock()
	if l == nil {
		return m, false, nil
	}
	err = l.Try(func() { m, moves = l.Moves(within) })
	return m, moves, err
}

// Hint shows the hint of that number, from 0.
func (w *Walk) Hint(p lab.Part, n int) {
	if n < len(p.Hints) {
		w.say(p, "hint", p.Hints[n])
	}
}

// Done says what the kernel has shown in an exercise.
func (w *Walk) Done(p lab.Part) { w.say(p, "done", p.Done) }

// Board looks at the processes of the experiment and at the kernel. Without an
// experiment it is empty.
func (w *Walk) Board(ctx context.Context) lab.Board {
	w.mu.Lock()
	l := w.lab
	w.mu.Unlock()
	if l == nil {
		return lab.Board{}
	}
	return l.Board(ctx)
}
