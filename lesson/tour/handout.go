package tour

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
)

// Handout goes through lessons as a handout has them: the experiments are made now,
// nothing is predicted, and an exercise is told and not waited for. What there is to
// say to other answers than the kernel's comes last, and the hints. It returns the experiments and exercises that could not be made here, by lesson
// and name.
func Handout(ctx context.Context, lessons []lab.Lesson, show func(lesson.Event) error) (notMade []string, err error) {
	h := &handout{show: show}
	h.walk = &course.Walk{Lessons: lessons, Show: h.hear, OnPaper: true}
	defer h.walk.End()
	for at := (course.Place{}); !h.walk.Ended(at); {
		err := h.part(ctx, at)
		if p := h.walk.Part(at); errors.Is(err, course.ErrNotMade) {
			notMade, err = append(notMade, p.Lesson+" "+p.Name), nil
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
	hold   *[]lesson.Event // where Events are kept for the end of the lesson; nil: they are shown

	answers, hints []lesson.Event // of the lesson so far
}

func (h *handout) hear(e lesson.Event) {
	switch {
	case h.hold != nil:
		*h.hold = append(*h.hold, e)
	case h.failed == nil:
		h.failed = h.show(e)
	}
}

// part goes through a part. The answers to other predictions and the hints of an
// exercise are kept.
func (h *handout) part(ctx context.Context, at course.Place) error {
	err := h.walk.Go(ctx, at, func(ctx context.Context) error { return ctx.Err() })
	p := h.walk.Part(at)
	if err != nil {
		return err
	}
	switch p.Kind {
	case lab.Verdict:
		h.hold = &h.answers
		h.walk.Answers(p)
	case lab.Exercise:
		h.hear(lesson.Event{Kind: lesson.KindText, Section: "tour", Step: p.Lesson,
			Text: "`fd3 tour --from " + p.Lesson + "` sets this up, with real addresses and numbers, and watches the kernel until it is done."})
		h.hold = &h.hints
		for n := range p.Hints {
			h.walk.Hint(p, n)
		}
	}
	h.hold = nil
	return nil
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
