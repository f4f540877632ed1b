package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"fd3/lesson"
)

// Lessons writes the course as a list: of each lesson its name, its title, how far
// the learner is, how many minutes it takes, and the question that it answers. An Event
// of the kind end has words that come last.
func Lessons(w io.Writer, l Look) func(lesson.Event) error {
	v := NewText(w, l)
	const indent = 4 + 11
	return func(e lesson.Event) error {
		e = harmless(e)
		if e.Kind == lesson.KindEnd {
			v.end(e)
			return v.err
		}
		v.blank()
		title := v.theme.title.Render(strings.TrimPrefix(e.Title, e.Step+": "))
		if e.Value != "" {
			title += "  " + v.theme.good.Render("("+e.Value+")")
		}
		if m := e.Minutes; m != nil {
			title += "  " + v.theme.dim.Render(fmt.Sprintf("%d min", m.Reading+m.Doing))
		}
		v.hang(fmt.Sprintf("%2d  %-11s", slices.Index(e.Life, e.Step)+1, e.Step), title, 0, indent)
		v.markdown(e.Text, indent)
		return v.err
	}
}
