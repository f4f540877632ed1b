package glossary

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// A message is a text by which programs tell of an entry, in small letters.
type message struct{ text, word string }

// vague is the entry of messages that do not say why something failed; mostly another
// one beside them does.
const vague = "failed connect"

// messages returns all of them: the symbol and the text of each errno, and what the
// line Says of an entry has. The longest come first, and the vague ones last.
var messages = sync.OnceValue(func() []message {
	var all []message
	for name, n := range errnos() {
		for _, text := range []string{name, sockets.Meaning(n)} {
			all = append(all, message{small(text), name})
		}
	}
	for _, e := range glossary().entries {
		for _, text := range e.Says {
			all = append(all, message{small(text), e.Word})
		}
	}
	slices.SortFunc(all, func(a, b message) int {
		switch {
		case a.word == vague && b.word != vague:
			return 1
		case b.word == vague && a.word != vague:
			return -1
		}
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), cmp.Compare(a.text, b.text), cmp.Compare(a.word, b.word))
	})
	return all
})

// errnoInMessage is how Python and others name an error number.
var errnoInMessage = regexp.MustCompile(`\berrno[ =:]+(\d+)`)

// fromMessage returns the entry that explains what a program has printed: that of the
// first of messages in it, or of an error number.
func fromMessage(printed string) (Entry, bool) {
	printed = small(printed)
	for _, m := range messages() {
		if !contains(printed, m.text) {
			continue
		}
		if n, ok := errnos()[m.word]; ok {
			return errnoEntry(n)
		}
		return glossary().exact[m.word], true
	}
	if found := errnoInMessage.FindStringSubmatch(printed); found != nil {
		if n, err := strconv.Atoi(found[1]); err == nil {
			return errnoEntry(unix.Errno(n))
		}
	}
	return Entry{}, false
}

// small returns a text in small letters, with single blanks and straight apostrophes.
func small(text string) string {
	return strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(text, "’", "'")), " "))
}

// contains reports whether whole words of a line are this text.
func contains(line, text string) bool {
	for at := 0; ; {
		i := strings.Index(line[at:], text)
		if i < 0 {
			return false
		}
		begin, end := at+i, at+i+len(text)
		if border(line[:begin], line[begin:]) && border(line[:end], line[end:]) {
			return true
		}
		at = begin + 1
	}
}

// border reports whether no word goes on from the one text to the other.
func border(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	return !inWord(last) || !inWord(first)
}

func inWord(r rune) bool {
	return r != utf8.RuneError && (r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r))
}
