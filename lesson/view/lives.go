package view

import (
	"fd3/lesson"
	"fd3/lesson/drawing"
)

// lives draws the lives of several programs side by side, or tells of them in sentences.
func (v *Text) lives(e lesson.Event) {
	v.blank()
	v.section = "lives"
	l := drawing.NewLives(*e.Lives)
	if v.look.Words {
		v.sentences(l.Sentences())
		return
	}
	v.picture(l, 0)
}

func (d *Document) lives(e lesson.Event) {
	d.flush(nil)
	d.sheet.drawing(drawing.NewLives(*e.Lives), pageRoom)
}
