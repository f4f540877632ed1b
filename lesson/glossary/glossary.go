// Package glossary explains the words of fd3: the meaning of each, from glossary.md,
// and the kernel's facts about it, read when they are asked for.
//
//	entry, ok := glossary.LookUp("accept queue")
//	entry.Tell(lesson.Full, show)
//
// Where a question needs sockets, they are made for it and closed again.
package glossary

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"fd3/lesson/words"
)

// An Entry is one word of the glossary.
//
//	## word (another name, a third)
//
//	What it is.
//
//	Also: the words, of other, entries
//	Says: what programs print of it; another text
//	From: name(2), HEADING; RFC 1, section 2; kernel_function()
type Entry struct {
	Word    string
	Aliases []string
	Text    string     // Markdown
	Also    []string   // words of other entries
	Says    []string   // texts of programs, which lead here; mostly none
	From    []string   // references
	Errno   unix.Errno // of an entry that is about an error number, else 0
}

type index struct {
	entries []Entry          // in the order of the alphabet
	exact   map[string]Entry // by word and alias
	plain   map[string]Entry // by plainWord of these
}

//go:embed glossary.md
var file string

// glossary is glossary.md, read when it is first asked for.
var glossary = sync.OnceValue(func() index {
	g := index{exact: make(map[string]Entry), plain: make(map[string]Entry)}
	for _, s := range words.Read(file).Sections {
		g.entries = append(g.entries, readEntry(s.Heading, s.Text))
	}
	slices.SortFunc(g.entries, func(a, b Entry) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Word), strings.ToLower(b.Word)), strings.Compare(a.Word, b.Word))
	})
	for _, e := range g.entries {
		g.exact[e.Word], g.plain[plainWord(e.Word)] = e, e
	}
	for _, e := range g.entries {
		for _, alias := range e.Aliases {
			if _, taken := g.exact[alias]; !taken {
				g.exact[alias] = e
			}
			if _, taken := g.plain[plainWord(alias)]; !taken {
				g.plain[plainWord(alias)] = e
			}
		}
	}
	return g
})

// readEntry takes a section apart: the heading has the other names in brackets,
// and the last paragraph the lines Also, Says and From.
func readEntry(heading, text string) Entry {
	word, aliases, _ := strings.Cut(heading, " (")
	e := Entry{Word: word, Errno: errnos()[word]}
	if aliases != "" {
		e.Aliases = strings.Split(strings.TrimSuffix(aliases, ")"), ", ")
	}
	i := max(strings.LastIndex(text, "\n\n"), 0)
	e.Text = text[:i]
	last := strings.Join(strings.Fields(text[i:]), " ")
	also, from, _ := strings.Cut(last, " From: ")
	also, says, said := strings.Cut(also, " Says: ")
	if said {
		e.Says = strings.Split(says, "; ")
	}
	e.Also = strings.Split(strings.TrimPrefix(also, "Also: "), ", ")
	e.From = strings.Split(from, "; ")
	return e
}
