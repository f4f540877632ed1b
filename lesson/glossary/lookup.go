package glossary

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// LookUp returns the entry of a word, an alias, a sysctl under its whole name, the
// symbol of an errno or its number, or of what a program has printed. The case of
// letters matters only where two words differ in nothing else: listen is a call, and
// LISTEN a state.
func LookUp(word string) (Entry, bool) {
	g := glossary()
	word = strings.Join(strings.Fields(word), " ")
	if e, ok := g.exact[word]; ok {
		return e, true
	}
	key := plainWord(word)
	for _, k := range append([]string{key, strings.TrimSuffix(key, "s")}, settingNames(word)...) {
		if e, ok := g.plain[k]; ok {
			return e, true
		}
	}
	if n, err := strconv.Atoi(word); err == nil {
		return errnoEntry(unix.Errno(n))
	}
	if n, ok := errnos()[strings.ToUpper(word)]; ok {
		return errnoEntry(n)
	}
	return fromMessage(word)
}

// Words returns the words of all entries in the order of the alphabet, the errnos
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

// settingNames returns the names of a sysctl that is named in whole, as
// net.ipv4.tcp_rmem or by its file: with its place and without. Anything else has none.
func settingNames(word string) []string {
	name := strings.ReplaceAll(strings.TrimPrefix(word, "/proc/sys/"), "/", ".")
	for _, place := range []string{"net.", "kernel.", "fs."} {
		if strings.HasPrefix(name, place) {
			return []string{plainWord(name), plainWord(name[strings.LastIndex(name, ".")+1:])}
		}
	}
	return nil
}

// plainWord returns the same for all spellings of a word: case, hyphens, underscores,
// blanks and a section of the manual do not count.
func plainWord(word string) string {
	word = strings.ToLower(word)
	if i := strings.IndexByte(word, '('); i > 0 && strings.HasSuffix(word, ")") {
		word = word[:i]
	}
	return strings.Join(strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune(" \t-_", r) }), " ")
}
