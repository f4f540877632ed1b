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
// nothing is predicted, an exercise is told and not waited for, and its hints come
// last. It returns the experiments and exercises that could not be made here, by lesson
// and name.
func Handout(ctx context.Context, lessons []lab.Lesson, show func(lesson.Event) error) (notMade []string, err error) {
	h := &handout{}
	h.walk = &course.Walk{Show: func(e lesson.Event) {
		if h.failed == nil {
			h.failed = show(e)
		}
	}}
	defer h.walk.End()
	for _, l := range lessons {
		h.walk.Begin(l)
		for _, p := range l.Parts {
			name := l.ID + " " + p.Name
			if p.Kind == lab.Verdict && slices.Contains(notMade, name) {
				continue
			}
			err := h.part(ctx, p)
			if errors.Is(err, course.ErrNotMade) {
				notMade, err = append(notMade, name), nil
			}
			if err := errors.Join(err, ctx.Err(), h.failed); err != nil {
				return nil, err
			}
		}
		for _, e := range h.hints {
			h.walk.Show(e)
		}
		h.hints = nil
	}
	return notMade, h.failed
}

type handout struct {
	walk   *course.Walk
	hints  []lesson.Event // of the exercises of the lesson so far
	failed error          // the first of show
}

func (h *handout) part(ctx context.Context, p lab.Part) error {
	switch p.Kind {
	case lab.Experiment:
		return h.walk.Run(ctx, p, func(ctx context.Context) error { return ctx.Err() })
	case lab.Exercise:
		if err := h.walk.Prepare(ctx, p); err != nil {
			return err
		}
		h.walk.Tell(p)
		h.walk.Show(lesson.Event{Kind: lesson.KindText, Section: "tour", Step: p.Lesson,
			Text: "`fd3 tour --from " + p.Lesson + "` sets this up, and watches the kernel until it is done."})
		h.hold(p)
	default:
		h.walk.Tell(p)
	}
	return nil
}

// hold keeps the hints of an exercise, with the values that they name now.
func (h *handout) hold(p lab.Part) {
	show := h.walk.Show
	h.walk.Show = func(e lesson.Event) { h.hints = append(h.hints, e) }
	for n := range p.Hints {
		h.walk.Hint(p, n)
	}
	h.walk.Show = show
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
