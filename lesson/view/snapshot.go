package view

import (
	"cmp"
	"html/template"
	"strings"

	"fd3/lesson"
	"fd3/lesson/drawing"
)

// A drawing is no wider than maxDrawing, in columns, and no higher than highest, in rows.
const (
	maxDrawing = 120
	highest    = 60
)

// snapshot draws what the kernel has, or tells it in sentences.
func (v *Text) snapshot(e lesson.Event) {
	v.drawn("snapshot", drawing.New(*e.Snapshot, e.Before), cmp.Or(v.look.Rows, highest))
}

// drawn is a part of the text that is a drawing in so many rows, or what that says, in
// sentences; 0: as many rows as it takes.
func (v *Text) drawn(section string, p pictured, rows int) {
	v.blank()
	v.section = section
	if v.look.Words {
		v.sentences(p.Sentences())
		return
	}
	v.picture(p, rows)
}

// sentences writes what a drawing says, for a reader who does not see it.
func (v *Text) sentences(all []string) {
	for _, s := range all {
		v.wrap(s, 0, 2)
	}
}

// picture draws a picture in so many rows, as far to the right as prose stands if there is
// room; 0: as many as it takes.
func (v *Text) picture(p pictured, rows int) {
	const margin = 2
	columns, left := v.columns, ""
	if columns-margin >= drawing.Narrowest {
		columns, left = columns-margin, strings.Repeat(" ", margin)
	}
	for _, spans := range p.Cells(drawing.Room{Columns: min(columns, maxDrawing), Rows: rows}, v.look.ASCII) {
		v.line(strings.TrimRight(left+v.theme.spans(spans), " "))
	}
}

// spans returns a line of a drawing, styled.
func (t theme) spans(line []drawing.Span) string {
	var all strings.Builder
	for _, s := range line {
		switch {
		case s.Strong:
			all.WriteString(t.strong.Render(s.Text))
		case s.Faint:
			all.WriteString(t.dim.Render(s.Text))
		case s.Layer > 0:
			all.WriteString(t.layers[(s.Layer-1)%layerColours].Render(s.Text))
		default:
			all.WriteString(s.Text)
		}
	}
	return all.String()
}

// pageRoom is where a drawing has to fit in a document.
var pageRoom = drawing.Room{Columns: 84, Rows: highest}

func (d *Document) snapshot(e lesson.Event) {
	d.flush(nil)
	d.sheet.drawing(drawing.New(*e.Snapshot, e.Before), pageRoom)
}

// A pictured thing fits into a room, as cells and as SVG, and can be told.
type pictured interface {
	Sentences() []string
	Cells(drawing.Room, bool) [][]drawing.Span
	SVG(drawing.Room) string
}

// drawing writes the cells as a code block.
func (m *markdownSheet) drawing(d pictured, room drawing.Room) {
	var cells strings.Builder
	for _, spans := range d.Cells(room, false) {
		for _, s := range spans {
			cells.WriteString(s.Text)
		}
		cells.WriteByte('\n')
	}
	m.block(strings.TrimRight(cells.String(), "\n"))
}

// drawing writes an SVG.
func (h *htmlSheet) drawing(d pictured, room drawing.Room) {
	h.write("drawing", template.HTML(d.SVG(room)))
}
