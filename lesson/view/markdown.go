package view

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	tables "github.com/yuin/goldmark/extension/ast"

	"fd3/lesson/words"
)

// A paragraph of Markdown, rendered but not yet wrapped. Marker is what stands
// before an item of a list.
type paragraph struct {
	marker  string
	text    string
	code    bool // a code block: its lines stay as they are
	picture bool // a code block that draws what the words beside it say
	table   table
}

// markdown renders the Markdown that the words use: paragraphs, lists, code, strong.
func (t theme) markdown(source string, colour bool) []paragraph {
	b := []byte(source)
	var all []paragraph
	var walk func(ast.Node, string)
	walk = func(n ast.Node, marker string) {
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			switch c := c.(type) {
			case *ast.List:
				walk(c, "")
			case *ast.ListItem:
				walk(c, "- ")
			case *ast.CodeBlock, *ast.FencedCodeBlock:
				var lines strings.Builder
				for i := range c.Lines().Len() {
					line := c.Lines().At(i)
					lines.Write(line.Value(b))
				}
				fenced, _ := c.(*ast.FencedCodeBlock)
				picture := fenced != nil && string(fenced.Language(b)) == "picture"
				all = append(all, paragraph{text: strings.TrimRight(lines.String(), "\n"), code: true, picture: picture})
			case *tables.Table:
				rows := t.table(c, b, colour)
				all = append(all, paragraph{text: strings.Join(rows.told(), "\n"), table: rows})
			default:
				all = append(all, paragraph{marker: marker, text: t.inline(c, b, colour)})
				marker = strings.Repeat(" ", len(marker))
			}
		}
	}
	walk(words.Parse(b), "")
	return all
}

// inline returns the inside of a paragraph, rendered. Without colours code keeps its
// backticks, since nothing else would tell it from the words.
func (t theme) inline(n ast.Node, source []byte, colour bool) string {
	var out strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			out.WriteString(t.words.Render(words.Plain(c.Value(source))))
			if c.SoftLineBreak() || c.HardLineBreak() {
				out.WriteByte(' ')
			}
		case *ast.String:
			out.WriteString(t.words.Render(string(c.Value)))
		case *ast.CodeSpan:
			code := strings.ReplaceAll(codeOf(c, source), " ", tie)
			if colour {
				out.WriteString(t.code.Render(code))
			} else {
				out.WriteString("`" + code + "`")
			}
		case *ast.Emphasis:
			out.WriteString(t.strong.Render(t.inline(c, source, colour)))
		default:
			out.WriteString(t.inline(c, source, colour))
		}
	}
	return out.String()
}

// codeOf returns the inside of a code span: nothing in it is an escape.
func codeOf(n *ast.CodeSpan, source []byte) string {
	var out strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if text, ok := c.(*ast.Text); ok {
			out.Write(text.Value(source))
		}
	}
	return oneLine(out.String())
}

// plainText returns Markdown in one line, without its marks.
func plainText(markdown string) string {
	var all []string
	for _, p := range newTheme(Look{}).markdown(markdown, false) {
		all = append(all, oneLine(unbound.Replace(p.text)))
	}
	return strings.Join(all, " ")
}
