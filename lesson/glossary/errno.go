package glossary

import (
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/step"
	"fd3/lesson/words"
	"fd3/sockets"
)

// lastErrno is the highest number that include/uapi/asm-generic/errno.h has.
const lastErrno = 133

// errnos returns the numbers of all symbols.
var errnos = sync.OnceValue(func() map[string]unix.Errno {
	numbers := make(map[string]unix.Errno)
	for n := range unix.Errno(lastErrno + 1) {
		if name := errnoName(n); name != "" {
			numbers[name] = n
		}
	}
	return numbers
})

// errnoName returns the symbol as a Call shows it, or "" if the number is no errno.
func errnoName(n unix.Errno) string {
	if unix.ErrnoName(n) == "" {
		return ""
	}
	return sockets.Call{Errno: n}.ErrnoName()
}

// errnoEntry returns the entry of an error number. Where the glossary has none, the
// words are those of the steps, or say that there are none.
func errnoEntry(n unix.Errno) (Entry, bool) {
	name := errnoName(n)
	if name == "" {
		return Entry{}, false
	}
	if e, ok := glossary().exact[name]; ok {
		return e, true
	}
	e := Entry{Word: name, Errno: n, Also: []string{"errno"}, From: []string{"errno(3), DESCRIPTION"}}
	text, _ := step.Meaning(n)
	e.Text, _ = words.FillParagraphs(text, map[string]string{"pid": "PID"})
	if e.Text == "" {
		e.Text = "An error that a system call may return. The glossary has no words of its own for it; " +
			"under ERRORS the manual of each call says which it returns and why."
	}
	return e, true
}

func errnoNumber(n unix.Errno) lesson.Evidence {
	meaning := sockets.Meaning(n)
	if n == unix.EHWPOISON { // x/sys has no words for it
		meaning = "Memory page has hardware error"
	}
	return lesson.Evidence{Fact: "errno", Value: fmt.Sprintf("%d, %s%s", int(n), strings.ToUpper(meaning[:1]), meaning[1:]), Source: "errno(3), strerror(3)",
		Command: fmt.Sprintf(`perl -e '$! = %d; print "$!\n"'`, int(n))}
}
