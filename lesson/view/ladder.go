package view

import (
	"fd3/lesson"
	"fd3/lesson/drawing"
)

// ladder draws what happened between two hosts, or tells it in sentences.
func (v *Text) ladder(e lesson.Event) {
	arranged := drawing.NewLadder
	if v.look.Whole {
		arranged = drawing.WholeLadder
	}
	v.drawn("ladder", arranged(*e.Ladder), v.look.Rows)
}

func (d *Document) ladder(e lesson.Event) {
	d.flush(nil)
	d.sheet.drawing(drawing.NewLadder(*e.Ladder), drawing.Room{Columns: pageRoom.Columns})
}
