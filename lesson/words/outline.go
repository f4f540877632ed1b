package words

import (
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"
	tables "github.com/yuin/goldmark/extension/ast"
)

// outline returns the structure of a text: its blocks, what is within them, and
// the words as a reader sees them. Two texts with the same outline look the same.
func outline(source []byte) string {
	o := outliner{source: source, read: func(s span, plain func([]byte) string) string { return plain(source[s.start:s.stop]) }}
	o.node(Parse(source))
	return o.out.String()
}

// outline returns the structure that the filled text is to have.
func (t *template) outline() string {
	o := outliner{source: []byte(t.masked), read: t.read}
	o.node(t.doc)
	return o.out.String()
}

type outliner struct {
	source []byte
	read   func(s span, plain func([]byte) string) string
	out    strings.Builder
	words  strings.Builder // not yet written: neighbours are one
	code   bool            // within a code span
}

func (o *outliner) mark(format string, args ...any) {
	if o.words.Len() > 0 {
		fmt.Fprintf(&o.out, "%q\n", o.words.String())
		o.words.Reset()
	}
	fmt.Fprintf(&o.out, format+"\n", args...)
}

func (o *outliner) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.Text:
		o.text(n)
		return
	case *ast.Heading:
		o.mark("%v %d", n.Kind(), n.Level)
	case *ast.List:
		o.mark("%v %c %d %t", n.Kind(), n.Marker, n.Start, n.IsTight)
	case *ast.Emphasis:
		o.mark("%v %d", n.Kind(), n.Level)
	case *ast.Link:
		o.mark("%v %q %q", n.Kind(), n.Destination, n.Title)
	case *ast.Image:
		o.mark("%v %q %q", n.Kind(), n.Destination, n.Title)
	case *ast.AutoLink:
		o.mark("%v %q", n.Kind(), n.Label(o.source))
	case *ast.RawHTML:
		o.mark("%v %q", n.Kind(), n.Segments.Value(o.source))
	case *tables.TableCell:
		o.mark("%v %v", n.Kind(), n.Alignment)
	default:
		o.mark("%v", n.Kind())
	}
	switch n := n.(type) {
	case *ast.CodeBlock, *ast.FencedCodeBlock, *ast.HTMLBlock:
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			o.words.WriteString(strings.Repeat(" ", line.Padding) + o.read(span{line.Start, line.Stop}, raw))
		}
	}
	was := o.code
	_, isCode := n.(*ast.CodeSpan)
	o.code = was || isCode
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		o.node(c)
	}
	o.code = was
	o.mark("end")
}

func (o *outliner) text(n *ast.Text) {
	s := span{n.Segment.Start, n.Segment.Stop}
	if o.code {
		o.words.WriteString(strings.ReplaceAll(o.read(s, raw), "\n", " "))
		return
	}
	o.words.WriteString(o.read(s, Plain))
	switch {
	case n.HardLineBreak():
		o.mark("hard break")
	case n.SoftLineBreak():
		o.mark("break")
	}
}

// raw is the source of code: all of it is seen.
func raw(source []byte) string { return string(source) }
