package words

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// A Page is one file of words: "# title", some text, and "## " sections.
type Page struct {
	Title    string
	Text     string // between the title and the first section
	Sections []Section
}

// A Section is a heading and the text below it, up to its first "### " part.
type Section struct {
	Heading string // with its variant, if it has one: "meaning unix"
	Text    string
	Parts   []Section // they have no parts of their own
}

// Read returns the page that a Markdown file holds. A line that looks like a
// heading but is code is none.
func Read(source string) Page {
	var p Page
	var section *Section
	below := &p.Text // where the text below the last heading goes
	b := []byte(source)
	begin := 0
	for n := blocks.Parse(text.NewReader(b)).FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok || h.Level > 3 || h.Lines().Len() == 0 {
			continue
		}
		line := h.Lines().At(0)
		*below = trim(source[begin : bytes.LastIndexByte(b[:line.Start], '\n')+1])
		begin = line.Stop + lineEnd(b[line.Stop:])
		heading := strings.TrimSpace(string(line.Value(b)))
		switch {
		case h.Level == 1:
			p.Title, below = heading, &p.Text
		case h.Level == 2 || section == nil:
			p.Sections = append(p.Sections, Section{Heading: heading})
			section = &p.Sections[len(p.Sections)-1]
			below = &section.Text
		default:
			section.Parts = append(section.Parts, Section{Heading: heading})
			below = &section.Parts[len(section.Parts)-1].Text
		}
	}
	*below = trim(source[begin:])
	return p
}

// lineEnd returns how long the rest of the first line is, with its newline.
func lineEnd(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// trim leaves the indent of the first line, which may be code.
func trim(s string) string { return strings.TrimRight(strings.TrimLeft(s, "\n"), " \t\n") }

// Section returns the text of a heading in the variant that fits best: the first
// of variants that the page has, else the plain one. "section/part" is a part.
func (p Page) Section(heading string, variants ...string) (string, bool) {
	for _, v := range variants {
		if found, ok := p.find(heading + " " + v); ok {
			return found, true
		}
	}
	return p.find(heading)
}

func (p Page) find(heading string) (string, bool) {
	heading, part, isPart := strings.Cut(heading, "/")
	for _, s := range p.Sections {
		if s.Heading != heading {
			continue
		}
		if !isPart {
			return s.Text, true
		}
		for _, s := range s.Parts {
			if s.Heading == part {
				return s.Text, true
			}
		}
	}
	return "", false
}
