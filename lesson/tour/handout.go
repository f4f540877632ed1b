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
// nothing is predicted, an exercise is told and not waited for, and its hints come
// last. It returns the experiments and exercises that could not be made here, by lesson
// and name.
func Handout(ctx context.Context, lessons []lab.Lesson, show func(lesson.Event) error) (notMade []string, err error) {
	h := &handout{show: show}
	h.walk = &course.Walk{Lessons: lessons, Show: h.hear}
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
	failed error          // the first of show
	holds  bool           // Events are kept for the end of the lesson
	held   []lesson.Event // the hints of the exercises of the lesson so far
}

func (h *handout) hear(e lesson.Event) {
	switch {
	case h.holds:
		h.held = append(h.held, e)
	case h.failed == nil:
		h.failed = h.show(e)
	}
}

// part goes through a part. The hints of an exercise are kept, with the values that
// they name now.
func (h *handout) part(ctx context.Context, at course.Place) error {
	err := h.walk.Go(ctx, at, func(ctx context.Context) error { return ctx.Err() })
	p := h.walk.Part(at)
	if err != nil || p.Kind != lab.Exercise {
		return err
	}
	h.hear(lesson.Event{Kind: lesson.KindText, Section: "tour", Step: p.Lesson,
		Text: "`fd3 tour --from " + p.Lesson + "` sets this up, and watches the kernel until it is done."})
	h.holds = true
	for n := range p.Hints {
		h.walk.Hint(p, n)
	}
	h.holds = false
	return nil
}

// last shows the hints of a lesson.
func (h *handout) last() {
	held := h.held
	h.held = nil
	for _, e := range held {
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
