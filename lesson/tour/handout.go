package tour

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/words"
)

// Handout goes through lessons as the learner's sheet has them: the experiments are made
// now, nothing is predicted, and an exercise is told and not waited for. What gives the
// answer to a prediction away in words comes last, as why it is so, and what is for the
// teacher not at all. It returns the experiments and exercises that could not be made
// here, by lesson and title.
func Handout(ctx context.Context, lessons []lab.Lesson, show func(lesson.Event) error) (notMade []string, err error) {
	h := &handout{show: show}
	h.arrange = h.learners
	return h.through(ctx, lessons)
}

// Answers goes through lessons as the teacher's sheet has them. The experiments are made
// without a word. Of each prediction it has the kernel's answer, what it said, and the
// words for other answers, and of each exercise the hints, of which the last is the
// solution. It returns what Handout does.
func Answers(ctx context.Context, lessons []lab.Lesson, show func(lesson.Event) error) (notMade []string, err error) {
	h := &handout{show: show}
	h.arrange = h.teachers
	return h.through(ctx, lessons)
}

type handout struct {
	walk    *course.Walk
	show    func(lesson.Event) error
	arrange func(p lab.Part, told []lesson.Event, made bool)
	failed  error // the first of show
	ctx     context.Context
	part    lab.Part       // that is gone through
	told    []lesson.Event // of it
	why     []lesson.Event // the explanations of the lesson so far
}

// through goes through the lessons, a part after the other.
func (h *handout) through(ctx context.Context, lessons []lab.Lesson) (notMade []string, err error) {
	h.ctx, h.walk = ctx, &course.Walk{Lessons: lessons, Show: h.hear, Made: h.look, OnPaper: true}
	defer h.walk.End()
	for at := (course.Place{}); !h.walk.Ended(at); at = h.walk.Next(at) {
		h.part, h.told = h.walk.Part(at), nil
		err := h.walk.Go(ctx, at, func(ctx context.Context) error { return ctx.Err() })
		made := !errors.Is(err, course.ErrNotMade)
		if !made {
			notMade, err = append(notMade, h.part.Lesson+" ("+h.part.Title+")"), nil
		}
		h.arrange(h.part, h.told, made)
		if err := errors.Join(err, ctx.Err(), h.failed); err != nil {
			return nil, err
		}
	}
	return notMade, nil
}

// hear keeps what the part tells.
func (h *handout) hear(e lesson.Event) { h.told = append(h.told, e) }

// look keeps a drawing of what the kernel has, if the step that has been made has changed
// it.
func (h *handout) look() {
	e, seen := h.walk.Board(h.ctx).Event()
	if seen && (e.Before == nil || !e.Snapshot.Since(*e.Before).Empty()) {
		h.told = append(h.told, e)
	}
}

// write shows Events. The first error of show is kept.
func (h *handout) write(all ...lesson.Event) {
	for _, e := range all {
		if h.failed == nil {
			h.failed = h.show(e)
		}
	}
}

// learners arranges a part on the learner's sheet.
func (h *handout) learners(p lab.Part, told []lesson.Event, made bool) {
	switch p.Kind {
	case lab.Verdict:
	case lab.Explain:
		h.why = append(h.why, titled(p, told)...)
	case lab.Experiment:
		h.write(told...)
		if made && p.Observe.Note != "" {
			h.write(lesson.Event{Kind: lesson.KindText, Section: "blank", Step: p.Lesson, Text: "I read:"})
		}
		if made {
			h.write(lesson.Event{Kind: lesson.KindText, Section: "blank", Step: p.Lesson, Text: "What does the kernel say?"})
		}
	case lab.Exercise:
		// What there is to do comes before how it was set up.
		slices.SortStableFunc(told, func(a, b lesson.Event) int { return setup(a) - setup(b) })
		h.write(told...)
		if made {
			h.write(lesson.Event{Kind: lesson.KindText, Section: "tour", Step: p.Lesson,
				Text: "`fd3 tour " + p.Lesson + "/exercise` sets this up, with real addresses and numbers, and watches the kernel until it is done."})
		}
	case lab.Recap, lab.References:
		h.write(h.why...)
		h.why = nil
		h.write(told...)
	default:
		h.write(titled(p, told)...)
	}
}

// teachers arranges a part on the teacher's sheet. Of a part that is not on it there is
// no more than the title of the lesson, and why it could not be made.
func (h *handout) teachers(p lab.Part, told []lesson.Event, made bool) {
	switch p.Kind {
	case lab.Predict:
		h.write(titled(p, told)...)
	case lab.Verdict:
		h.write(h.numbered(p, told)...)
		h.write(h.walk.Comments(p, h.walk.Notes().Answer(p.Name))...)
	default:
		for _, e := range told {
			if e.Kind == lesson.KindLesson || e.Section == "failed" || e.Section == string(lab.Exercise) {
				h.write(e)
			}
		}
		if p.Kind == lab.Exercise && made {
			h.write(h.hints(p)...)
		}
	}
}

// hints returns those of an exercise. Their heading says what the last one is.
func (h *handout) hints(exercise lab.Part) []lesson.Event {
	h.told = nil
	for n := range exercise.Hints {
		h.walk.Hint(exercise, n)
	}
	for i := range h.told {
		h.told[i].Title = "the last one is the solution"
	}
	return h.told
}

// titled gives words the title of their part.
func titled(p lab.Part, told []lesson.Event) []lesson.Event {
	for i := range told {
		if told[i].Kind == lesson.KindText {
			told[i].Title = p.Title
		}
	}
	return told
}

// numbered gives the kernel's answer the number that it has among the choices.
func (h *handout) numbered(verdict lab.Part, told []lesson.Event) []lesson.Event {
	for i, e := range told {
		choices := h.walk.Choices(verdict.Name)
		if n := slices.IndexFunc(choices, func(c words.Item) bool { return c.Name == e.Name }); e.Kind == lesson.KindVerdict && n >= 0 {
			told[i].Title = fmt.Sprintf("Number %d. %s", n+1, e.Title)
		}
	}
	return told
}

// setup is 1 for calls that are told in short, and 0 for anything else.
func setup(e lesson.Event) int {
	if e.Kind == lesson.KindSetup {
		return 1
	}
	return 0
}

// Machine is what the kernel says of itself and of the machine it runs on.
func Machine() ([]lesson.Evidence, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, fmt.Errorf("uname(2): %w", err)
	}
	text := func(b [65]byte) string { return unix.ByteSliceToString(b[:]) }
	all := []lesson.Evidence{
		{Fact: "kernel", Value: text(u.Sysname) + " " + text(u.Release), Command: "uname -sr"},
		{Fact: "built", Value: text(u.Version), Command: "uname -v"},
		{Fact: "machine", Value: text(u.Machine), Command: "uname -m"},
	}
	for i := range all {
		all[i].Source = "uname(2)"
	}
	return all, nil
}
