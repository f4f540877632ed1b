package step

import (
	"embed"
	"sync"

	"golang.org/x/sys/unix"

	"fd3/lesson/words"
	"fd3/sockets"
)

// files are the words of the steps: a file for each, blocked.md for what any call
// may do, and errno.md for what any call may return.
//
//go:embed *.md
var files embed.FS

// page returns a file of words by its name without .md. It is read when it is first
// asked for; a name that has no file has no words.
func page(id string) words.Page {
	reading.Lock()
	defer reading.Unlock()
	p, ok := pages[id]
	if !ok {
		b, err := files.ReadFile(id + ".md")
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

// Meaning returns what an errno means for any call, in Markdown.
func Meaning(errno unix.Errno) (text string, ok bool) {
	return page("errno").Section(sockets.Call{Errno: errno}.ErrnoName())
}
