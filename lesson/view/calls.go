package view

import (
	"fmt"
	"io"
	"strconv"

	"fd3/lesson"
)

// Calls writes each call that has returned in a line, as strace(1) prints it, behind the
// number of the thread that has made it. Of other Events it writes the words alone.
func Calls(w io.Writer) func(lesson.Event) error {
	var line []byte
	return func(e lesson.Event) error {
		var err error
		switch e.Kind {
		case lesson.KindReturn:
			tid := e.PID
			if e.Thread != 0 {
				tid = e.Thread
			}
			line = append(strconv.AppendInt(line[:0], int64(tid), 10), ' ')
			line = append(append(line, withoutControl(e.Strace)...), " <"...)
			line = append(strconv.AppendFloat(line, float64(e.DurationNS)/1e9, 'f', 6, 64), ">\n"...)
			_, err = w.Write(line)
		case lesson.KindText:
			if e.Section == "recording" || e.Section == "lost" {
				_, err = fmt.Fprintf(w, "# %s\n", withoutControl(e.Text))
			}
		}
		return err
	}
}
