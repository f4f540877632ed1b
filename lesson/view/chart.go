package view

import (
	"fmt"
	"strings"

	"fd3/lesson"
	"fd3/lesson/drawing"
)

// chart draws a queue over time, or tells it in sentences.
func (v *Text) chart(e lesson.Event) {
	v.drawn("chart", drawing.NewChart(*e.Chart), v.look.Rows)
}

func (d *Document) chart(e lesson.Event) {
	d.flush(nil)
	d.sheet.drawing(drawing.NewChart(*e.Chart), drawing.Room{Columns: pageRoom.Columns})
}

// sample writes a queue at one moment in a line.
func (v *Text) sample(e lesson.Event) {
	if v.section != "sample" {
		v.blank()
		v.section = "sample"
	}
	s := e.Chart.Samples[0]
	v.wrap(fmt.Sprintf("%6.2f s  %s", s.At.Seconds(), sampled(e)), 2, 4)
}

func (d *Document) sample(e lesson.Event) {
	d.flush(nil)
	d.prose(fmt.Sprintf("After %s: %s.", lesson.Took(e.Chart.Samples[0].At), sampled(e)))
}

// sampled says a queue at one moment.
func sampled(e lesson.Event) string {
	s := e.Chart.Samples[0]
	text := strings.TrimPrefix(drawing.Whose(*e.Chart), "of the ") + ": " + drawing.Queued(s, *e.Chart)
	if s.Flow != nil {
		text += "; " + drawing.Flowing(*s.Flow)
	}
	return text
}
