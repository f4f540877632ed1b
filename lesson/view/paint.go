package view

import (
	"strings"

	"fd3/lesson"
	"fd3/lesson/drawing"
)

// A Paint draws the frame around the text, in a Look: rails, lists, bars. Its
// functions return their words styled.
type Paint struct {
	Title, Heading, Strong, Dim, Line, Good, Bad, Chosen func(...string) string

	Rule, Bar, Here, Dash, More, Done, Pointer string // glyphs

	theme theme
}

// NewPaint returns the Paint of a Look.
func NewPaint(l Look) Paint {
	t := newTheme(l)
	return Paint{
		Title: t.title.Render, Heading: t.heading.Render, Strong: t.strong.Render,
		Dim: t.dim.Render, Line: t.line.Render, Good: t.good.Render, Bad: t.bad.Render, Chosen: t.chosen.Render,
		Rule: t.rule, Bar: t.bar, Here: t.here, Dash: t.dash, More: t.more, Done: t.done, Pointer: t.pointer,
		theme: t,
	}
}

// Spans returns a line of a drawing, styled.
func (p Paint) Spans(line []drawing.Span) string { return p.theme.spans(line) }

func (t theme) gauge(have, full int64, cells int) string {
	filled := int(min(max(have*int64(cells)/max(full, 1), 0), int64(cells)))
	if filled == 0 && have > 0 {
		return t.some + strings.Repeat(t.empty, cells-1)
	}
	return strings.Repeat(t.full, filled) + strings.Repeat(t.empty, cells-filled)
}

// Harmless returns a text from outside without its control characters, which would
// be orders to a terminal.
func Harmless(s string) string { return harmless(lesson.Event{Text: s}).Text }
