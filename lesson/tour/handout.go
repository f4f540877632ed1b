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
)

// Handout goes through lessons as a handout has them: the experiments are made now,
// nothing is predicted, and an exercise is told and not waited for. The words for other
// answers than the kernel's come last, and the hints. It returns the experiments and
// exercises that could not be made here, by lesson and title.
func Handout(ctx context.Context, lessons []lab.Lesson, show func(lesson.Event) error) (notMade []string, err error) {
	h := &handout{show: show}
	h.walk = &course.Walk{Lessons: lessons, Show: h.hear, OnPaper: true}
	defer h.walk.End()
	for at := (course.Place{}); !h.walk.Ended(at); {
		err := h.part(ctx, at)
		if p := h.walk.Part(at); errors.Is(err, course.ErrNotMade) {
			notMade, err = append(notMade, p.Lesson+" ("+p.Title+")"), nil
		}
		if err := errors.Join(err, ctx.Err(), h.failed); err != nil {
			return nil, err
		}
		before := at
		if at = h.walk.Next(at); at.Lesson != before.Lesson {
			h.last()
		}
	}
	return notMade, h.failed
}

type handout struct {
	walk   *course.Walk
	show   func(lesson.Event) error
	failed error           // the first of show
	kept   *[]lesson.Event // where Events are kept for later; nil: they are shown

	answers, hints []lesson.Event // of the lesson so far
}

func (h *handout) hear(e lesson.Event) {
	switch {
	case h.kept != nil:
		*h.kept = append(*h.kept, e)
	case h.failed == nil:
		h.failed = h.show(e)
	}
}

// keep returns the Events of what is done, and shows none.
func (h *handout) keep(do func()) (kept []lesson.Event) {
	h.kept = &kept
	do()
	h.kept = nil
	return kept
}

// part goes through a part. The answers to other predictions and the hints of an
// exercise are kept.
func (h *handout) part(ctx context.Context, at course.Place) error {
	onward := func(ctx context.Context) error { return ctx.Err() }
	switch p := h.walk.Part(at); p.Kind {
	case lab.Verdict:
		if err := h.walk.Go(ctx, at, onward); err != nil {
			return err
		}
		h.answers = append(h.answers, h.keep(func() { h.walk.Answers(p) })...)
		return nil
	case lab.Exercise:
		return h.exercise(p, func() error { return h.walk.Go(ctx, at, onward) })
	}
	return h.walk.Go(ctx, at, onward)
}

// exercise tells what there is to do, then how it was set up, and keeps the hints.
func (h *handout) exercise(p lab.Part, tell func() error) error {
	var err error
	told := h.keep(func() { err = tell() })
	slices.SortStableFunc(told, func(a, b lesson.Event) int { return setup(a) - setup(b) })
	for _, e := range told {
		h.hear(e)
	}
	if err != nil {
		return err
	}
	h.hear(lesson.Event{Kind: lesson.KindText, Section: "tour", Step: p.Lesson,
		Text: "`fd3 tour " + p.Lesson + "/exercise` sets this up, with real addresses and numbers, and watches the kernel until it is done."})
	for n := range p.Hints {
		h.hints = append(h.hints, h.keep(func() { h.walk.Hint(p, n) })...)
	}
	return nil
}

// setup is 1 for calls that are told in short, and 0 for anything else.
func setup(e lesson.Event) int {
	if e.Kind == lesson.KindSetup {
		return 1
	}
	return 0
}

// last shows what was kept of a lesson.
func (h *handout) last() {
	kept := append(h.answers, h.hints...)
	h.answers, h.hints = nil, nil
	for _, e := range kept {
		h.hear(e)
	}
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
