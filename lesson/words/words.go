// Package words reads the Markdown that fd3 tells its lessons from, and puts live
// values into it. It knows no files: it is given their text.
//
//	page := words.Read(text)
//	section, ok := page.Section("meaning", "unix")
//	told, err := words.FillParagraphs(section, map[string]string{"port": "8080"})
//
// A value is never Markdown. It is put where its {name} stands in the parsed text,
// so it can neither begin a list nor end a code span.
package words

import (
	"html"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

var (
	full   = goldmark.New(goldmark.WithExtensions(extension.Table)).Parser()
	blocks = parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...))
)

// Parse returns the tree of a Markdown text: CommonMark, and tables.
func Parse(source []byte) ast.Node { return full.Parse(text.NewReader(source)) }

// referring is a reference to a character, or an & that begins none.
var referring = regexp.MustCompile(`^&(?:[A-Za-z][A-Za-z0-9]*;|#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};)?`)

// Plain returns what a reader sees of the source of an ast.Text: without the
// backslashes of its escapes, and with the characters that its references name.
func Plain(source []byte) string {
	var out strings.Builder
	for i := 0; i < len(source); i++ {
		switch c := source[i]; {
		case c == '\\' && i+1 < len(source) && util.IsPunct(source[i+1]):
			i++
			out.WriteByte(source[i])
		case c == '&':
			reference := referring.Find(source[i:])
			out.WriteString(html.UnescapeString(string(reference)))
			i += len(reference) - 1
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}
