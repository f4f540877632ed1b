package view

import (
	"fd3/lesson"
	"fd3/lesson/drawing"
)

// path draws the way of a call through the kernel, or tells it in sentences.
func (v *Text) path(e lesson.Event) {
	v.drawn("way", drawing.NewPath(*e.Path), v.look.Rows)
}

func (d *Document) path(e lesson.Event) {
	d.flush(nil)
	d.sheet.drawing(drawing.NewPath(*e.Path), drawing.Room{Columns: pageRoom.Columns})
}
