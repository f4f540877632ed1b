package view

import (
	"fd3/lesson"
	"fd3/lesson/drawing"
)

// frame draws a packet layer by layer, or tells it in sentences.
func (v *Text) frame(e lesson.Event) {
	v.drawn("frame", drawing.NewFrame(*e.Packet), v.look.Rows)
}

func (d *Document) frame(e lesson.Event) {
	d.flush(nil)
	d.sheet.drawing(drawing.NewFrame(*e.Packet), drawing.Room{Columns: pageRoom.Columns})
}
