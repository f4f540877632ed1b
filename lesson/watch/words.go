package watch

import (
	_ "embed"
	"sync"

	"fd3/lesson/words"
)

//go:embed watch.md
var text string

// story returns watch.md.
var story = sync.OnceValue(func() words.Page { return words.Read(text) })

// filled returns a section of watch.md with its values. A paragraph whose value is not
// known is left out.
func filled(section string, values map[string]string) string {
	text, _ := story().Section(section)
	text, _ = words.FillParagraphs(text, values)
	return text
}
