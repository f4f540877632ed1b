package words

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
)

// hole is the place of a value: its name in braces.
var hole = regexp.MustCompile(`\{[a-z_][a-z_0-9]*\}`)

// Fill puts the values in the place of their {names}. The result is Markdown with
// the same structure, whatever the values are, and a reader sees each value as it
// is, but for control characters: those would break the line. A name without a
// value, or with a blank one, is an error, and stands in the text as it is.
func Fill(text string, values map[string]string) (string, error) {
	t := newTemplate(text, values)
	if len(t.holes) == 0 {
		return text, nil
	}
	filled, misplaced := t.write(false)
	if misplaced != nil {
		return filled, fmt.Errorf("no value can stand in the place of %s", strings.Join(misplaced, ", "))
	}
	if want := t.outline(); outline([]byte(filled)) != want {
		if filled, _ = t.write(true); outline([]byte(filled)) != want {
			return filled, fmt.Errorf("these values change the structure of %q", text)
		}
	}
	if unknown := missing(text, values); unknown != nil {
		return filled, unknownError(unknown)
	}
	return filled, nil
}

// Literal returns Markdown that shows a value as it is: Fill of nothing but the value.
func Literal(value string) string {
	text, err := Fill("{value}", map[string]string{"value": value})
	if err != nil { // it is blank
		return ""
	}
	return text
}

// FillParagraphs fills each paragraph. One that names an unknown value, or one
// that is blank, is left out; err says which.
func FillParagraphs(text string, values map[string]string) (string, error) {
	var kept, unknown []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if names := missing(paragraph, values); names != nil {
			unknown = append(unknown, names...)
			continue
		}
		kept = append(kept, paragraph)
	}
	filled, err := Fill(strings.Join(kept, "\n\n"), values)
	if unknown != nil {
		err = errors.Join(unknownError(unknown), err)
	}
	return filled, err
}

// missing returns the names in the text that have no value.
func missing(text string, values map[string]string) []string {
	var names []string
	for _, h := range hole.FindAllString(text, -1) {
		if name := h[1 : len(h)-1]; strings.TrimSpace(clean(values[name])) == "" {
			names = append(names, name)
		}
	}
	return names
}

// clean returns a value in one line, without what is an order to a terminal.
func clean(value string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t':
			return ' '
		case unicode.IsControl(r):
			return '?'
		}
		return r
	}, strings.ToValidUTF8(value, "\uFFFD"))
}

// A template is a text that is parsed once, with letters in its holes: a value
// stands for a word.
type template struct {
	text, masked string
	doc          ast.Node
	holes        []span          // in their order
	values       map[span]string // by hole; the name in its braces, if it has no value
	known        map[span]bool   // by hole
}

// A span is a stretch of a text.
type span struct{ start, stop int }

func newTemplate(text string, values map[string]string) *template {
	t := &template{text: text, values: make(map[span]string), known: make(map[span]bool)}
	t.masked = hole.ReplaceAllStringFunc(text, func(h string) string { return strings.Repeat("x", len(h)) })
	for _, at := range hole.FindAllStringIndex(text, -1) {
		h := span{at[0], at[1]}
		value := clean(values[text[h.start+1:h.stop-1]])
		t.known[h] = strings.TrimSpace(value) != ""
		if !t.known[h] {
			value = text[h.start:h.stop]
		}
		t.holes, t.values[h] = append(t.holes, h), value
	}
	if len(t.holes) > 0 {
		t.doc = Parse([]byte(t.masked))
	}
	return t
}

// within returns the holes in a stretch of the text.
func (t *template) within(s span) []span {
	i, _ := slices.BinarySearchFunc(t.holes, s.start, func(h span, start int) int { return h.start - start })
	j := i
	for j < len(t.holes) && t.holes[j].stop <= s.stop {
		j++
	}
	return t.holes[i:j]
}

// read returns a stretch of the text as a reader is to see it: its words by way of
// plain, and its values.
func (t *template) read(s span, plain func([]byte) string) string {
	var out strings.Builder
	for _, h := range t.within(s) {
		out.WriteString(plain([]byte(t.text[s.start:h.start])) + t.values[h])
		s.start = h.stop
	}
	out.WriteString(plain([]byte(t.text[s.start:s.stop])))
	return out.String()
}
