package view

import (
	"fd3/lesson"
	"fd3/lesson/drawing"
)

// ladder draws what happened between two hosts, or tells it in sentences.
func (v *Text) ladder(e lesson.Event) {
	v.blank()
	v.section = "ladder"
	arranged := drawing.NewLadder
	if v.look.Whole {
		arranged = drawing.WholeLadder
	}
	l := arranged(*e.Ladder)
	if v.look.Words {
		v.sentences(l.Sentences())
		return
	}
	v.picture(l, v.look.Rows)
}

func (d *Document) ladder(e lesson.Event) {
	d.flush(nil)
	d.sheet.drawing(drawing.NewLadder(*e.Ladder), drawing.Room{Columns: pageRoom.Columns})
}
