package tour

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/view"
	"fd3/lesson/words"
)

// checkEvery is how long an exercise goes on until the kernel is asked again.
const checkEvery = 250 * time.Millisecond

// Linear goes through the course line by line: nothing on the screen is ever
// changed. Enter goes on, answers are typed. When o.In is no terminal nobody is
// asked, and the progress stays as it is.
func Linear(ctx context.Context, o Options) error {
	t := newLinear(o, newWalk(o, course.All()), textForm)
	at, err := t.walk.Start(o.From)
	if err != nil {
		return err
	}
	if !term.IsTerminal(o.In.Fd()) {
		return t.alone(ctx, at)
	}
	if t.lines, err = readLines(o.In); err != nil {
		return err
	}
	defer t.lines.close()
	if !t.Auto {
		t.walk.Ask = t.recall
	}
	return t.run(ctx, at)
}

// Alone goes through these lessons as Linear does, and asks nobody.
func Alone(ctx context.Context, o Options, lessons []lab.Lesson) error {
	return newLinear(o, newWalk(o, lessons), textForm).alone(ctx, course.Place{})
}

// alone goes on from a place where nobody learns: the progress of the last learner says
// in which lesson, and not how far.
func (t *linear) alone(ctx context.Context, at course.Place) error {
	t.walk.Progress = nil
	if t.From == "" {
		at.Part = 0
	}
	return t.run(ctx, at)
}

// JSON goes through the course and asks nobody. Each Event is a line of JSON.
func JSON(ctx context.Context, o Options) error {
	t := newLinear(o, newWalk(o, course.All()), jsonForm)
	at, err := t.walk.Start(o.From)
	if err != nil {
		return err
	}
	return t.alone(ctx, at)
}

// A linear is one tour, line by line.
type linear struct {
	Options
	walk   *course.Walk
	lines  *lines // what is typed; nil: nobody is asked
	write  func(lesson.Event) error
	unread wordCount // written since the learner was asked last
	failed error     // the first of write
	at     course.Place

	resized chan os.Signal // SIGWINCH, where the screen is to come back when there is room; else nil
}

// A form makes a function that writes Events.
type form func(io.Writer, view.Look) func(lesson.Event) error

func textForm(w io.Writer, l view.Look) func(lesson.Event) error {
	return view.NewText(view.OnGround(w, l), l).Show
}
func jsonForm(w io.Writer, _ view.Look) func(lesson.Event) error { return view.JSON(w) }

// newLinear has a walk tell line by line. It asks nobody.
func newLinear(o Options, walk *course.Walk, write form) *linear {
	t := &linear{Options: o, walk: walk}
	t.write = write(io.MultiWriter(o.Out, &t.unread), o.Look)
	walk.Show, walk.Made, walk.Ask = t.show, t.changes, nil
	walk.Resuming = func() {
		if o.From != "" {
			t.say("The experiments before this are made first, without a word.")
			return
		}
		t.say("The tour goes on where you stopped. The experiments before that are made once more, without a word.")
	}
	walk.NotKept = func(err error) { t.say("%s.", words.Literal(err.Error())) }
	return t
}

var (
	// errQuit says that the learner wants to end.
	errQuit = errors.New("quit")
	// errRoom says that the terminal has room for the screen.
	errRoom = errors.New("room")
)

// run goes through the lessons, from a place on.
func (t *linear) run(ctx context.Context, at course.Place) error {
	defer t.walk.End()
	err := t.from(ctx, at)
	switch {
	case ctx.Err() != nil:
		t.newline()
		return ctx.Err()
	case errors.Is(err, errQuit):
		t.newline()
		t.say("fd3 tour goes on from here the next time.")
		err = nil
	}
	if t.failed != nil {
		return t.failed // err is the same, where it is not nil
	}
	return err
}

func (t *linear) show(e lesson.Event) {
	if t.Mark != nil {
		if name := label(e); name != "" {
			t.Mark(name)
		}
	}
	if t.failed == nil {
		t.failed = t.write(e)
	}
}

// say tells what is not of the course but of the tour.
func (t *linear) say(format string, args ...any) {
	t.show(lesson.Event{Kind: lesson.KindText, Section: "tour", Text: fmt.Sprintf(format, args...)})
}

// newline ends the line of a prompt that nobody has answered with Enter.
func (t *linear) newline() {
	if t.lines != nil && !t.Auto {
		io.WriteString(t.Out, "\n")
	}
}

func (t *linear) from(ctx context.Context, at course.Place) error {
	for ; !t.walk.Ended(at); at = t.at {
		t.at = at
		if err := t.part(ctx, at); err != nil {
			return err
		}
		if t.rests(at) {
			if err := t.rest(ctx, at); err != nil {
				return err
			}
		}
		if t.at = t.walk.Next(at); t.at.Lesson == at.Lesson || t.walk.Ended(t.at) {
			continue
		}
		if err := t.enter(ctx, fmt.Sprintf("Enter: the next lesson, %s. q: quit > ", t.walk.Lessons[t.at.Lesson].ID)); err != nil {
			return err
		}
	}
	t.say("This is the end.")
	return nil
}

// rests reports whether there is a pause after the part at a place. A learner at a prompt
// reads what is to keep together with where it is written; in a recording it would be
// gone at once.
func (t *linear) rests(at course.Place) bool {
	return t.walk.Rests(at) || t.Auto && t.walk.Part(at).Kind == lab.Recap
}

// part goes through a part, and asks what it asks. One that cannot be made here has
// said so.
func (t *linear) part(ctx context.Context, at course.Place) error {
	err := t.walk.Go(ctx, at, t.pause)
	if errors.Is(err, course.ErrNotMade) {
		return nil
	}
	if err != nil {
		return err
	}
	switch p := t.walk.Part(at); p.Kind {
	case lab.Predict:
		return t.predict(ctx, p)
	case lab.Experiment:
		if t.walk.CanObserve(at) {
			return t.observe(ctx, p)
		}
	case lab.Exercise:
		t.changes()
		return t.exercise(ctx, at)
	}
	return nil
}

func (t *linear) pause(ctx context.Context) error {
	return t.enter(ctx, "Enter: go on. q: quit > ")
}

// changes tells a learner who sees no drawing what the kernel has, after a step what is not
// as it was before.
func (t *linear) changes() {
	if !t.Look.Words {
		return
	}
	if e, any := t.walk.Board(context.Background()).Event(); any {
		t.show(e)
	}
}

// enter waits for Enter. No other word does anything.
func (t *linear) enter(ctx context.Context, prompt string) error {
	for {
		line, err := t.ask(ctx, prompt)
		if err != nil || line == "" {
			return err
		}
		t.say("Please press Enter to go on, or type q to quit.")
	}
}

// rest waits until the learner goes on from a part. After a verdict they can read what
// there is to say to the other choices, and where an experiment has parameters they can
// change them.
func (t *linear) rest(ctx context.Context, at course.Place) error {
	var others []lesson.Event
	if p := t.walk.Part(at); p.Kind == lab.Verdict {
		others = t.walk.Others(p)
	}
	experiment, _, changeable := t.walk.CanChange(at)
	for {
		prompt, keys := "Enter: go on. ", ""
		if len(others) > 0 {
			prompt, keys = prompt+"o: the other answers. ", "o or "
		}
		if changeable {
			prompt, keys = prompt+"w: what if. ", strings.Replace(keys, " or", ",", 1)+"w or "
		}
		if keys == "" {
			return t.pause(ctx)
		}
		line, err := t.ask(ctx, prompt+"q: quit > ")
		switch {
		case err != nil || line == "":
			return err
		case line == "o" && len(others) > 0:
			for _, e := range others {
				t.show(e)
			}
			others = nil
		case line == "w" && changeable:
			if err := t.whatIf(ctx, experiment); err != nil {
				return err
			}
		default:
			t.say("Please press Enter to go on, or type %sq.", keys)
		}
	}
}

// whatIf asks for each parameter of an experiment, makes it with what was said, and draws
// what the kernel has then.
func (t *linear) whatIf(ctx context.Context, experiment lab.Part) error {
	values := make(map[string]int)
	for _, p := range experiment.Params {
		value, err := t.value(ctx, p)
		if err != nil {
			return err
		}
		values[p.Name] = value
	}
	err := t.walk.WhatIf(ctx, experiment, values)
	if errors.Is(err, course.ErrNotMade) {
		return nil
	}
	if e, any := t.walk.Board(ctx).Event(); any && err == nil {
		t.show(e)
	}
	return err
}

// value asks for the value of a parameter until it may have it.
func (t *linear) value(ctx context.Context, p lab.Param) (int, error) {
	for {
		line, err := t.ask(ctx, fmt.Sprintf("%s, a number from %d to %d (Enter: %d) > ", paramName(p), p.Least, p.Most, p.Usual))
		if err != nil || line == "" {
			return p.Usual, err
		}
		if n, err := strconv.Atoi(line); err == nil && p.Allows(n) {
			return n, nil
		}
		t.say("Please type a number from %d to %d, or press Enter for %d.", p.Least, p.Most, p.Usual)
	}
}

// ask waits for a line of the learner's, or for as long as it goes on by itself.
// Where nobody can be asked the answer is empty at once.
func (t *linear) ask(ctx context.Context, prompt string) (string, error) {
	if err := errors.Join(t.failed, ctx.Err()); err != nil {
		return "", err
	}
	defer func() { t.unread = 0 }()
	var late <-chan time.Time
	switch {
	case t.Auto:
		timer := time.NewTimer(t.stay(int(t.unread)))
		defer timer.Stop()
		late = timer.C
	case t.lines == nil:
		return "", nil
	default:
		t.prompt(prompt)
	}
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-t.resized:
			if Fits(size(t.Out)) {
				return "", errRoom
			}
		case <-late:
			return "", nil
		case line, more := <-t.lines.typed():
			return t.answer(line, more)
		}
	}
}

func (t *linear) prompt(text string) { io.WriteString(view.OnGround(t.Out, t.Look), "\n"+text) }

// answer is what a line means anywhere: to quit, as the end of the input does.
func (t *linear) answer(line string, more bool) (string, error) {
	if more && t.Typed != nil {
		t.Typed(line)
	}
	if !more || line == "q" || line == "quit" {
		return "", errQuit
	}
	return line, nil
}

// predict asks until one of the choices is named, or left.
func (t *linear) predict(ctx context.Context, p lab.Part) error {
	prompt := fmt.Sprintf("What do you think: a number from 1 to %d? s: skip. q: quit > ", len(p.Choices))
	for {
		line, err := t.ask(ctx, prompt)
		if err != nil {
			return err
		}
		if line == "s" || line == "" && (t.lines == nil || t.Auto) {
			return nil
		}
		if choice, ok := chosen(p, line); ok {
			t.walk.Predict(p, choice)
			return nil
		}
		t.say("Please type a number from 1 to %d, or s to go on without.", len(p.Choices))
	}
}

// recall asks a question of an earlier lesson. Enter goes on without an answer.
func (t *linear) recall(ctx context.Context, p lab.Part) (choice string, err error) {
	prompt := fmt.Sprintf("Which was it: a number from 1 to %d? Enter: go on. q: quit > ", len(p.Choices))
	for {
		line, err := t.ask(ctx, prompt)
		if err != nil || line == "" || line == "s" {
			return "", err
		}
		if choice, ok := chosen(p, line); ok {
			return choice, nil
		}
		t.say("Please type a number from 1 to %d, or press Enter to go on without.", len(p.Choices))
	}
}

// chosen returns the name of the choice that a line names, by its number or its name.
func chosen(p lab.Part, line string) (name string, ok bool) {
	i := slices.IndexFunc(p.Choices, func(c words.Item) bool { return c.Name == line })
	if n, err := strconv.Atoi(line); err == nil {
		i = n - 1
	}
	if i < 0 || i >= len(p.Choices) {
		return "", false
	}
	return p.Choices[i].Name, true
}

// observe asks what the learner reads off the screen, until they have read something that
// may be it, or go on without.
func (t *linear) observe(ctx context.Context, p lab.Part) error {
	for {
		line, err := t.ask(ctx, "What do you read? s: skip. q: quit > ")
		if err != nil {
			return err
		}
		switch {
		case line == "s" || line == "" && (t.lines == nil || t.Auto):
			return nil
		case line == "":
			t.say("Please type what you read, or s to go on without.")
			continue
		}
		instead := t.walk.Observe(p, line)
		if instead == "" {
			return nil
		}
		t.say("%s s goes on without.", instead)
	}
}

// errAnew says that the learner wants an exercise to be set up once more.
var errAnew = errors.New("anew")

// exercise watches an exercise that is set up, and sets it up once more if the
// learner wants it.
func (t *linear) exercise(ctx context.Context, at course.Place) error {
	if t.lines == nil || t.Auto {
		t.say("Nobody is waited for here, so the exercise is left out.")
		_, err := t.ask(ctx, "")
		return err
	}
	err := t.watch(ctx, t.walk.Part(at))
	if errors.Is(err, errAnew) {
		return t.part(ctx, at)
	}
	return err
}

// watch asks the kernel until the exercise is done or cannot be done any more, and
// waits for the learner to go on.
func (t *linear) watch(ctx context.Context, p lab.Part) error {
	prompt := "h: a hint. r: anew. s: skip. q: quit. The kernel is watched meanwhile > "
	please := "Please type h, r or s. What the exercise asks for is done in another terminal."
	t.prompt(prompt)
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	tick := ticker.C
	hints, told := 0, ""
	for t.failed == nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.resized:
			if Fits(size(t.Out)) {
				return errRoom
			}
		case line, more := <-t.lines.typed():
			line, err := t.answer(line, more)
			switch {
			case err != nil:
				return err
			case line == "r":
				return errAnew
			case line == "s", line == "" && tick == nil:
				return nil
			case line == "h" && tick != nil && hints < len(p.Hints):
				t.walk.Hint(p, hints)
				hints++
			case line == "h" && tick != nil:
				t.say("There is no further hint.")
			case line != "":
				t.say("%s", please)
			}
			t.prompt(prompt)
		case <-tick:
			done, now, err := t.walk.Check()
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case done, err != nil:
				tick = nil
				prompt, please = "Enter: go on. r: anew. q: quit > ", "Please press Enter to go on, or type r or q."
				t.newline()
				if err != nil {
					t.say("%s r sets it up again.", cannotGoOn(err))
				} else {
					t.walk.Done(p)
				}
			case now == told:
				continue
			default:
				told = now
				t.newline()
				t.show(lesson.Event{Kind: lesson.KindText, Section: "now", Step: p.Lesson, Text: "Now: " + now})
			}
			t.prompt(prompt)
		}
	}
	return t.failed
}
