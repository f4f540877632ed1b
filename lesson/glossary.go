package lesson

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// An Entry is one word of the glossary: what it is, in content/glossary.md, and
// what the kernel says about it now, in now.
//
//	## word (another name, a third)
//
//	What it is.
//
//	Also: the words, of other, entries
//	From: name(2), HEADING; RFC 1, section 2; kernel_function()
type Entry struct {
	Word    string
	Aliases []string
	Text    string     // Markdown
	Also    []string   // words of other entries
	From    []string   // where that can be read
	Errno   unix.Errno // of an entry that is about an error number, else 0
}

// LookUp finds a word, an alias, the symbol of an errno or its number. The case
// of letters matters only where two words differ in nothing else: listen is a
// call, and LISTEN a state.
func LookUp(word string) (Entry, bool) {
	g := glossary()
	word = strings.Join(strings.Fields(word), " ")
	if e, ok := g.exact[word]; ok {
		return e, true
	}
	key := plainWord(word)
	for _, k := range []string{key, strings.TrimSuffix(key, "s")} {
		if e, ok := g.plain[k]; ok && k != "" {
			return e, true
		}
	}
	if n, err := strconv.Atoi(word); err == nil {
		return errnoEntry(unix.Errno(n))
	}
	for e := range unix.Errno(lastErrno + 1) {
		if strings.EqualFold(errnoName(e), word) {
			return errnoEntry(e)
		}
	}
	return Entry{}, false
}

// Words are the words of all entries in the order of the alphabet, the errnos
// apart.
func Words() (words, errnos []string) {
	for _, e := range glossary().entries {
		if e.Errno != 0 {
			errnos = append(errnos, e.Word)
		} else {
			words = append(words, e.Word)
		}
	}
	return words, errnos
}

// Near are the words that may have been meant, the likeliest first, three at
// most.
func Near(word string) []string {
	type guess struct {
		word string
		far  int
	}
	asked := plainWord(word)
	best := make(map[string]int)
	consider := func(key, word string) {
		far := distance(asked, key)
		switch {
		case far <= 1+len(asked)/6:
		case len(asked) >= 3 && (strings.HasPrefix(key, asked) || strings.Contains(" "+key, " "+asked)),
			len(key) >= 4 && strings.HasPrefix(asked, key):
			far = 10 + len(key)
		default:
			return
		}
		if old, ok := best[word]; !ok || far < old {
			best[word] = far
		}
	}
	for key, e := range glossary().plain {
		consider(key, e.Word)
	}
	for e := range unix.Errno(lastErrno + 1) {
		if name := errnoName(e); name != "" {
			consider(plainWord(name), name)
		}
	}
	var guesses []guess
	for word, far := range best {
		guesses = append(guesses, guess{word, far})
	}
	slices.SortFunc(guesses, func(a, b guess) int {
		return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.word, b.word))
	})
	var near []string
	for _, g := range guesses[:min(3, len(guesses))] {
		near = append(near, g.word)
	}
	return near
}

// Tell shows an entry: what the word means, what the kernel says about it at this
// moment, and which words are near.
func (e Entry) Tell(level Explain, show func(Event)) {
	if level != None {
		title := "**" + escape(e.Word) + "**"
		if len(e.Aliases) > 0 {
			title += " (" + escape(strings.Join(e.Aliases, ", ")) + ")"
		}
		show(Event{Kind: KindText, Step: "explain", Section: "meaning", Title: e.Word, Text: title + "\n\n" + e.Text})
	}
	for _, found := range e.Now() {
		event := found.Event()
		event.Step = "explain"
		show(event)
	}
	if level == Full {
		show(Event{Kind: KindText, Step: "explain", Section: "references", Text: escape(strings.Join(e.From, "; "))})
		for _, word := range e.Also {
			show(Event{Kind: KindText, Step: "explain", Section: "next", Command: "fd3 explain " + word})
		}
	}
}

// Now is what the kernel says about the word when it is asked. About some words,
// those of HTTP among them, it has nothing to say.
func (e Entry) Now() []Evidence {
	var found []Evidence
	if e.Errno != 0 {
		found = append(found, errnoNumber(e.Errno))
	}
	for _, ask := range now[e.Word] {
		found = append(found, ask()...)
	}
	return found
}

type index struct {
	entries []Entry          // in the order of the alphabet
	exact   map[string]Entry // by word and alias
	plain   map[string]Entry // by plainWord of these
}

// glossary is content/glossary.md, read when it is first asked for.
var glossary = sync.OnceValue(func() index {
	g := index{exact: make(map[string]Entry), plain: make(map[string]Entry)}
	for heading, text := range words("glossary").sections {
		if heading != "" {
			g.entries = append(g.entries, readEntry(heading, text))
		}
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
// and the last paragraph the lines Also and From.
func readEntry(heading, text string) Entry {
	var e Entry
	word, aliases, _ := strings.Cut(heading, " (")
	e.Word = word
	if aliases = strings.TrimSuffix(aliases, ")"); aliases != "" {
		e.Aliases = strings.Split(aliases, ", ")
	}
	i := max(strings.LastIndex(text, "\n\n"), 0)
	e.Text = text[:i]
	last := strings.Join(strings.Fields(text[i:]), " ")
	also, from, _ := strings.Cut(last, "From: ")
	e.From = strings.Split(from, "; ")
	e.Also = strings.Split(strings.TrimSpace(strings.TrimPrefix(also, "Also: ")), ", ")
	for n := range unix.Errno(lastErrno + 1) {
		if name := errnoName(n); name != "" && name == word {
			e.Errno = n
		}
	}
	return e
}

// lastErrno is the highest number that include/uapi/asm-generic/errno.h has.
const lastErrno = 133

// errnoEntry is the entry of an error number. About most of them errno.md has
// words, or nobody has: then what strerror(3) says must do.
func errnoEntry(n unix.Errno) (Entry, bool) {
	name := errnoName(n)
	if name == "" {
		return Entry{}, false
	}
	if e, ok := glossary().exact[name]; ok {
		return e, true
	}
	e := Entry{Word: name, Errno: n, Also: []string{"errno"}, From: []string{"errno(3), DESCRIPTION"}}
	if general, ok := words("errno").section(name); ok {
		e.Text, _ = FillParagraphs(general, map[string]string{"pid": "PID"})
	}
	if e.Text == "" {
		e.Text = "An error that a system call may return. The glossary has no words of its own for it; " +
			"under ERRORS the manual of each call says which it returns and why."
	}
	return e, true
}

// errnoName is the symbol as a Call shows it.
func errnoName(n unix.Errno) string {
	if unix.ErrnoName(n) == "" {
		return ""
	}
	return sockets.Call{Returned: true, Ret: -1, Errno: n}.ErrnoName()
}

func errnoNumber(n unix.Errno) Evidence {
	meaning := sockets.Meaning(n)
	if n == unix.EHWPOISON { // x/sys has no words for it
		meaning = "Memory page has hardware error"
	}
	meaning = strings.ToUpper(meaning[:1]) + meaning[1:]
	return Evidence{Fact: "errno", Value: fmt.Sprintf("%d, %s", int(n), meaning), Source: "errno(3), strerror(3)",
		Command: fmt.Sprintf(`perl -e '$! = %d; print "$!\n"'`, int(n))}
}

// plainWord is what makes two spellings one word: the case, and hyphens,
// underscores and blanks do not count, nor does a section of the manual.
func plainWord(word string) string {
	word = strings.ToLower(word)
	if i := strings.IndexByte(word, '('); i > 0 && strings.HasSuffix(word, ")") {
		word = word[:i]
	}
	return strings.Join(strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune(" \t-_", r) }), " ")
}

// distance is how many letters have to be put in, taken out or changed to get
// from one word to the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
