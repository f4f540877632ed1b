package view

import (
	"encoding/json"
	"io"

	"fd3/lesson"
)

// JSON writes each Event as one line.
func JSON(w io.Writer) func(lesson.Event) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return func(e lesson.Event) error { return encoder.Encode(e) }
}
