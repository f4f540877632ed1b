package view

import (
	"fd3/lesson"
	"fd3/lesson/drawing"
)

// lives draws the lives of several programs side by side, or tells of them in sentences.
func (v *Text) lives(e lesson.Event) {
	v.drawn("lives", drawing.NewLives(*e.Lives), 0)
}

func (d *Document) lives(e lesson.Event) {
	d.flush(nil)
	d.sheet.drawing(drawing.NewLives(*e.Lives), pageRoom)
}
