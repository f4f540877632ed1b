package watch

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
)

// Recording tells, first of all, that the story is one that was recorded.
func (n *Narrator) Recording(command string) {
	var u unix.Utsname
	unix.Uname(&u)
	n.Show(lesson.Event{Kind: lesson.KindText, Section: recording, Text: filled(recording, map[string]string{
		"date": time.Now().UTC().Format(time.DateOnly), "kernel": unix.ByteSliceToString(u.Release[:]), "command": command})})
}

// Recorded tells, last of all, that the recording ends here, after so many Events: what was
// cut off at the end of a line lacks it, and where a line was taken out there are fewer.
func (n *Narrator) Recorded(events int) {
	n.Show(lesson.Event{Kind: lesson.KindEnd, Section: recording, Text: filled("recorded", nil), Events: events})
}

const recording = "recording"

// Replay shows the Events of a recording, which has one in a line. It is one that a Narrator
// has told, begins by saying so, and ends so: anything else is an error, which says in which
// line.
func Replay(r io.Reader, show func(lesson.Event)) error {
	in := bufio.NewReader(r)
	over := false // the Event that ends it was there
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		ends := errors.Is(err, io.EOF)
		switch {
		case err != nil && !ends:
			return err
		case ends && len(line) == 0 && over:
			return nil
		case ends && len(line) == 0 && number > 1:
			return fmt.Errorf("the recording is cut: the rest of it is missing after line %d", number-1)
		}
		var e lesson.Event
		unread := json.Unmarshal(line, &e)
		switch {
		case number == 1 && (unread != nil || e.Section != recording || !sound(e)):
			return errors.New("no recording of fd3 watch --out")
		case unread != nil && ends:
			return fmt.Errorf("the recording is cut: line %d, its last one, is not whole", number)
		case unread != nil || over || !sound(e):
			return fmt.Errorf("the recording is damaged: line %d is not one of fd3 watch --out", number)
		}
		show(e)
		if over = e.Kind == lesson.KindEnd; over && e.Events > 0 { // else it was made before they were counted
			if err := whole(number-1, e.Events); err != nil {
				return err
			}
		}
	}
}

// whole returns an error where other than so many lines stand before the last one.
func whole(lines, written int) error {
	switch missing := written - lines; {
	case missing == 1:
		return fmt.Errorf("the recording is cut: of its %d lines one is missing", written+1)
	case missing > 1:
		return fmt.Errorf("the recording is cut: of its %d lines %d are missing", written+1, missing)
	case missing < 0:
		return fmt.Errorf("the recording is damaged: it has %d lines, and %d were written", lines+1, written+1)
	}
	return nil
}

// sound reports whether an Event is one that a Narrator may have told, and has what it
// needs to be shown.
func sound(e lesson.Event) bool {
	switch e.Kind {
	case lesson.KindText, lesson.KindReturn, lesson.KindEvidence, lesson.KindEnd:
		return true
	case lesson.KindLife:
		return e.FD != nil
	case lesson.KindSnapshot:
		return e.Snapshot != nil
	case lesson.KindBytes:
		end := 0
		for _, s := range e.Spans {
			if s.Start < end || s.End < s.Start || s.End > len(e.Data) {
				return false
			}
			end = s.End
		}
		return true
	}
	return false
}
