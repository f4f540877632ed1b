package glossary

import (
	"regexp"
	"strings"
	"testing"
)

// A reference is a page of the manual, a place in an RFC or a function of the
// kernel.
var reference = regexp.MustCompile(`^([a-z_][a-z0-9_.-]*\([1-8]\)(, .+)?|RFC \d+, (section [\d.]+\d|section \d|appendix [A-Z])|[a-z_][a-z0-9_]*\(\))$`)

func TestEveryEntryIsComplete(t *testing.T) {
	entries := glossary().entries
	if len(entries) < 100 {
		t.Fatalf("%d entries", len(entries))
	}
	sentence := regexp.MustCompile(`[.:][ \n]|\.$`)
	for _, e := range entries {
		n := len(sentence.FindAllString(e.Text, -1))
		if n < 1 || n > 7 || !strings.HasSuffix(strings.TrimSpace(e.Text), ".") {
			t.Errorf("%s: %d sentences: %s", e.Word, n, e.Text)
		}
		if strings.ContainsAny(e.Text, "!{}") || len(e.Text) > 500 {
			t.Errorf("%s: a shout, a hole, or too long: %s", e.Word, e.Text)
		}
		for _, from := range e.From {
			if !reference.MatchString(from) {
				t.Errorf("%s: no reference: %q", e.Word, from)
			}
		}
		if len(e.Also) == 0 {
			t.Errorf("%s: no other word is near", e.Word)
		}
		for _, also := range e.Also {
			if other, ok := LookUp(also); !ok || other.Word != also || also == e.Word {
				t.Errorf("%s: see also %q, which is no other entry", e.Word, also)
			}
		}
	}
}

// A heading that comes twice would take the first one's words away without a sound.
func TestNoWordComesTwice(t *testing.T) {
	said := make(map[string]string)
	for _, m := range messages() {
		if other, taken := said[m.text]; taken && other != m.word {
			t.Errorf("%q leads to %s and to %s", m.text, other, m.word)
		}
		said[m.text] = m.word
	}
	names := make(map[string]string)
	n := 0
	for line := range strings.Lines(file) {
		heading, ok := strings.CutPrefix(strings.TrimSpace(line), "## ")
		if !ok {
			continue
		}
		n++
		e := readEntry(heading, "")
		for _, name := range append(e.Aliases, e.Word) {
			if other, taken := names[name]; taken {
				t.Errorf("%q is in %q and in %q", name, other, heading)
			}
			names[name] = heading
		}
	}
	if n != len(glossary().entries) {
		t.Errorf("%d headings, %d entries", n, len(glossary().entries))
	}
}
