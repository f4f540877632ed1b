package watch

import (
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

const recording = "recording"

// Replay shows the Events of a recording. It is one that a Narrator has told, and begins
// by saying so: anything else is an error.
func Replay(r io.Reader, show func(lesson.Event)) error {
	in := json.NewDecoder(r)
	for number := 1; ; number++ {
		var e lesson.Event
		switch err := in.Decode(&e); {
		case errors.Is(err, io.EOF) && number > 1:
			return nil
		case err != nil || number == 1 && e.Section != recording || !sound(e):
			return fmt.Errorf("no recording of fd3 watch --out: event %d", number)
		}
		show(e)
	}
}

// sound reports whether an Event is one that a Narrator may have told, and has what it
// needs to be shown.
func sound(e lesson.Event) bool {
	switch e.Kind {
	case lesson.KindText, lesson.KindReturn, lesson.KindEvidence:
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
