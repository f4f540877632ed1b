package lesson

import (
	"sync"

	"fd3/lesson/content"
	"fd3/lesson/words"
)

// page returns a file of lesson/content by its name without .md. It is read when it
// is first asked for; a name that has no file has no words.
func page(id string) words.Page {
	reading.Lock()
	defer reading.Unlock()
	p, ok := pages[id]
	if !ok {
		b, err := content.Files.ReadFile(id + ".md")
		if err == nil {
			p = words.Read(string(b))
		}
		pages[id] = p
	}
	return p
}

var (
	reading sync.Mutex
	pages   = make(map[string]words.Page)
)
