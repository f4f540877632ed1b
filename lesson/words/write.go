package words

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	tables "github.com/yuin/goldmark/extension/ast"
)

// A writer puts the values of a template into its text, each with the escapes that
// its place needs. A careful one writes all that could touch a mark as a reference
// (&#42;): it can say what escapes cannot, such as x**{v}**y with the value "(".
type writer struct {
	*template
	careful bool
	edits   []edit
	placed  map[span]bool // holes in words or code
	begins  map[int]bool  // where the lines of words begin
	ends    map[int]bool  // where they end, without their blanks
	lines   []int         // begins of those that could become something else than words
}

// An edit writes something in the place of a stretch of the text.
type edit struct {
	span
	with string
}

// write returns the filled text, and the holes in which no value can stand, such
// as those in HTML.
func (t *template) write(careful bool) (filled string, misplaced []string) {
	w := &writer{template: t, careful: careful, placed: make(map[span]bool), begins: make(map[int]bool), ends: make(map[int]bool)}
	w.node(t.doc, false)
	for _, h := range t.holes {
		if !w.placed[h] {
			misplaced = append(misplaced, t.text[h.start:h.stop])
		}
	}
	return w.apply(), misplaced
}

func (w *writer) node(n ast.Node, inTable bool) {
	switch n := n.(type) {
	case *ast.Paragraph, *ast.TextBlock:
		w.edges(n)
		for i := range n.Lines().Len() {
			w.lines = append(w.lines, n.Lines().At(i).Start)
		}
	case *ast.Heading:
		w.edges(n)
	case *tables.TableCell:
		w.edges(n)
		inTable = true
	case *ast.Text:
		w.words(n, inTable)
	case *ast.CodeSpan:
		w.codeSpan(n, inTable)
		return
	case *ast.CodeBlock:
		w.code(n)
	case *ast.FencedCodeBlock:
		w.code(n)
		w.fence(n)
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		w.node(c, inTable)
	}
}

func (w *writer) edges(n ast.Node) {
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		w.begins[line.Start] = true
		w.ends[line.Start+len(strings.TrimRight(w.text[line.Start:line.Stop], " \t\r\n"))] = true
	}
}

func (w *writer) edit(start, stop int, with string) {
	w.edits = append(w.edits, edit{span{start, stop}, with})
}

// words writes the values in a stretch of words.
func (w *writer) words(n *ast.Text, inTable bool) {
	s := span{n.Segment.Start, n.Segment.Stop}
	holes := w.within(s)
	for _, h := range holes {
		w.placed[h] = true
		if w.careful || !w.known[h] {
			continue
		}
		value := escape(w.values[h], inTable)
		if rest, ok := strings.CutPrefix(value, " "); ok && w.begins[h.start] {
			value = "&#32;" + rest
		}
		if rest, ok := strings.CutSuffix(value, " "); ok && w.ends[h.stop] {
			value = rest + "&#32;"
		}
		w.edit(h.start, h.stop, value)
	}
	if w.careful {
		w.edit(s.start, s.stop, references(w.read(s, Plain)))
	}
}

// codeSpan writes the values in a code span, between enough backticks.
func (w *writer) codeSpan(n *ast.CodeSpan, inTable bool) {
	first, last := n.FirstChild().(*ast.Text).Segment, n.LastChild().(*ast.Text).Segment
	all := span{first.Start, last.Stop}
	holes := w.within(all)
	if len(holes) == 0 {
		return
	}
	for _, h := range holes {
		w.placed[h] = true
		value := w.values[h]
		if inTable {
			value = strings.ReplaceAll(value, "|", `\|`)
		}
		w.edit(h.start, h.stop, value)
	}
	open := len(strings.TrimRight(strings.TrimRight(w.text[:all.start], " \n"), "`"))
	shut := len(w.text) - len(strings.TrimLeft(strings.TrimLeft(w.text[all.stop:], " \n"), "`"))
	ticks := strings.Count(w.text[open:all.start], "`")
	text := w.read(all, raw)
	for hasRun(text, ticks) {
		ticks++
	}
	around, pad := strings.Repeat("`", ticks), ""
	if tick := text[0] == '`' || text[len(text)-1] == '`'; tick || text[0] == ' ' && text[len(text)-1] == ' ' {
		pad = " "
	}
	w.edit(open, all.start, around+pad)
	w.edit(all.stop, shut, pad+around)
	if ticks >= 3 || w.careful { // three at the beginning of a line could be a fence
		for c := n.FirstChild(); c != n.LastChild(); c = c.NextSibling() {
			end := c.(*ast.Text).Segment.Stop
			if next := c.NextSibling().(*ast.Text).Segment.Start; w.text[end-1] == '\n' {
				w.edit(end-1, next, " ")
				w.lines = slices.DeleteFunc(w.lines, func(line int) bool { return line == next })
			}
		}
	}
}

// hasRun reports whether a text has a run of exactly n backticks.
func hasRun(text string, n int) bool {
	for run := range strings.FieldsFuncSeq(text, func(r rune) bool { return r != '`' }) {
		if len(run) == n {
			return true
		}
	}
	return false
}

// code writes the values in a code block, as they are.
func (w *writer) code(n ast.Node) {
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		for _, h := range w.within(span{line.Start, line.Stop}) {
			w.placed[h] = true
			w.edit(h.start, h.stop, w.values[h])
		}
	}
}

var fences = regexp.MustCompile("`{3,}|~{3,}")

// fence makes the fences of a code block longer than those within it.
func (w *writer) fence(n *ast.FencedCodeBlock) {
	if n.Lines().Len() == 0 {
		return
	}
	begin, end := n.Lines().At(0).Start, n.Lines().At(n.Lines().Len()-1).Stop
	longest := 0
	for _, run := range fences.FindAllString(w.read(span{begin, end}, raw), -1) {
		longest = max(longest, len(run))
	}
	above := strings.LastIndexByte(w.text[:begin-1], '\n') + 1 // what follows the opening fence may look like one
	opening := fences.FindStringIndex(w.text[above:begin])
	if longest < opening[1]-opening[0] {
		return
	}
	mark := w.text[above+opening[0]:][:1]
	w.edit(above+opening[0], above+opening[1], strings.Repeat(mark, longest+1))
	below, _, _ := strings.Cut(w.text[end:], "\n")
	if closing := fences.FindStringIndex(below); closing != nil {
		w.edit(end+closing[0], end+closing[1], strings.Repeat(mark, longest+1))
	}
}

// escape takes the meaning that Markdown gives to some characters from them.
func escape(value string, inTable bool) string {
	special := "\\`*_[]<>#"
	if inTable {
		special += "|"
	}
	var out strings.Builder
	for i, r := range value {
		if strings.ContainsRune(special, r) || r == '&' && len(referring.FindString(value[i:])) > 1 {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// references writes each character that could have a meaning, or that a mark could
// touch, by its number.
func references(text string) string {
	var out strings.Builder
	for i, r := range text {
		edge := i == 0 || i+utf8.RuneLen(r) == len(text)
		if edge || r != ' ' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			fmt.Fprintf(&out, "&#%d;", r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// apply makes the edits. Then it takes their meaning from lines of words that would
// now be read as the beginning of something else.
func (w *writer) apply() string {
	slices.SortStableFunc(w.edits, func(a, b edit) int { return cmp.Or(a.start-b.start, a.stop-b.stop) })
	var out strings.Builder
	var begins []int // of lines, in the filled text
	at, lines := 0, w.lines
	for _, e := range append(w.edits, edit{span{len(w.text), len(w.text)}, ""}) {
		for len(lines) > 0 && lines[0] <= e.start {
			if lines[0] >= at {
				begins = append(begins, out.Len()+lines[0]-at)
			}
			lines = lines[1:]
		}
		out.WriteString(w.text[at:e.start] + e.with)
		at = e.stop
	}
	filled := out.String()
	for _, begin := range slices.Backward(begins) {
		line, _, _ := strings.Cut(filled[begin:], "\n")
		if m := block.FindStringSubmatchIndex(line); m != nil {
			mark := begin + max(m[2], m[4])
			filled = filled[:mark] + `\` + filled[mark:]
		}
	}
	return filled
}

// block is how a line of words begins that is read as an item of a list, as a line
// below a heading or a table, or as a fence. All other beginnings of a block are escaped
// everywhere.
var block = regexp.MustCompile(`^(?:([-+](?:[ \t]|$)|~~~|=+[ \t]*$|[-:|][-:| \t]*$)|\d{1,9}([.)])(?:[ \t]|$))`)
