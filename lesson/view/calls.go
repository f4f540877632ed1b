package view

import (
	"fmt"
	"io"

	"fd3/lesson"
)

// Calls writes each call that has returned in a line, as strace(1) prints it, behind the
// number of the thread that has made it. Of other Events it writes the words alone.
func Calls(w io.Writer) func(lesson.Event) error {
	return func(e lesson.Event) error {
		e = harmless(e)
		var err error
		switch e.Kind {
		case lesson.KindReturn:
			tid := e.PID
			if e.Thread != 0 {
				tid = e.Thread
			}
			_, err = fmt.Fprintf(w, "%d %s <%.6f>\n", tid, e.Strace, float64(e.DurationNS)/1e9)
		case lesson.KindText:
			if e.Section == "recording" {
				_, err = fmt.Fprintf(w, "# %s\n", e.Text)
			}
		}
		return err
	}
}
