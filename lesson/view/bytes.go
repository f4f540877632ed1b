package view

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
)

// bytes draws bytes, with the name of each stretch of them.
func (v *Text) bytes(e lesson.Event) {
	v.section = "bytes"
	v.blank()
	v.line("  " + v.theme.heading.Render("THE BYTES") + "  " + v.theme.dim.Render(e.Title))
	if e.Form == "struct" {
		v.members(e)
	} else {
		v.message(e)
	}
	if e.Text != "" {
		v.markdown(e.Text, 4)
	}
}

// members draws the members of a struct side by side, each with its offset, its
// bytes, its name and its value. Members that do not fit go into a further row.
func (v *Text) members(e lesson.Event) {
	const gap = 2
	var row [4]string
	flush := func() {
		if strings.TrimSpace(row[0]) == "" {
			return
		}
		for i, s := range row {
			if i == 1 {
				s = v.theme.strong.Render(s)
			} else if i != 3 {
				s = v.theme.dim.Render(s)
			}
			v.line("    " + s)
		}
		row = [4]string{}
	}
	for _, span := range e.Spans {
		cell := [4]string{fmt.Sprintf("%d", span.Start), hexOf(e.Data[span.Start:span.End], v.look.Width/3-4, v.theme.more), span.Name, span.Value}
		width := 0
		for _, s := range cell {
			width = max(width, ansi.StringWidth(s))
		}
		if 4+ansi.StringWidth(row[0])+width > v.look.Width {
			flush()
		}
		for i, s := range cell {
			row[i] += s + strings.Repeat(" ", width-ansi.StringWidth(s)+gap)
		}
	}
	flush()
}

// hexOf returns bytes in hex; of more than limit the middle is left out.
func hexOf(b []byte, limit int, more string) string {
	if len(b) <= limit {
		return fmt.Sprintf("% x", b)
	}
	return fmt.Sprintf("% x %s % x", b[:limit-4], more, b[len(b)-3:])
}

// message draws a message line by line. Under the hex of each piece stand its
// characters, and under them its name.
func (v *Text) message(e lesson.Event) {
	spans := whole(e)
	if len(e.Spans) == 0 { // the title says what they are
		spans = []lesson.Span{{End: len(e.Data)}}
	}
	r := &row{room: v.look.Width - rowIndent}
	for _, span := range spans {
		name := span.Name
		for at := span.Start; at < span.End; {
			b := e.Data[at:span.End]
			if newline := strings.IndexByte(string(b), '\n'); newline >= 0 {
				b = b[:newline+1]
			}
			if label := shortest(name, len(b)); len(r.pieces) > 0 && r.left() < min(pieceWidth(b, label), 3*pieceMinimum) {
				v.draw(r)
			}
			b = b[:min(len(b), max(r.left()+1, 3)/3)]
			if len(r.pieces) == 0 {
				r.offset = at
			}
			r.add(b, name)
			name = "" // the further pieces of a token go without
			at += len(b)
			if b[len(b)-1] == '\n' {
				v.draw(r)
			}
		}
	}
	v.draw(r)
}

// rowIndent is the number of columns left of the bytes. pieceMinimum is the fewest
// bytes of a token that are worth beginning at the end of a row.
const (
	rowIndent    = 10
	pieceMinimum = 4
)

// A row is the pieces of tokens that fit side by side.
type row struct {
	room   int // columns
	offset int // of its first byte
	used   int // columns
	pieces []piece
}

// A piece is a part of one token that stands in one row.
type piece struct {
	label string
	bytes []byte
	width int // columns
}

func (r *row) left() int { return r.room - r.used }

func (r *row) add(b []byte, name string) {
	label := shortest(name, len(b))
	if len(name) <= 3*len(b)-1 {
		label = name
	}
	width := pieceWidth(b, label)
	r.pieces = append(r.pieces, piece{label, b, width})
	r.used += width + 1
}

// pieceWidth returns how many columns a piece takes: three for a byte, less the last
// blank, or more if its label is wider.
func pieceWidth(b []byte, label string) int { return max(3*len(b)-1, len(label)) }

// shortest returns the name of a token, or its short form where so many bytes have no
// room for the name.
func shortest(name string, bytes int) string {
	short, ok := shortNames[name]
	if !ok || len(name) <= 3*bytes-1 {
		return name
	}
	return short
}

var shortNames = map[string]string{
	"space":               "SP",
	"optional whitespace": "SP",
	"colon":               ":",
	"field name":          "name",
	"field value":         "value",
	"status code":         "status",
	"leading empty line":  "empty line",
	"chunk size":          "size",
	"last chunk":          "last",
	"chunk extension":     "ext",
}

// draw writes a row and empties it.
func (v *Text) draw(r *row) {
	if len(r.pieces) == 0 {
		return
	}
	var hex, chars, labels []string
	named := false
	for _, p := range r.pieces {
		hex = append(hex, pad(fmt.Sprintf("% x", p.bytes), p.width))
		chars = append(chars, v.theme.strong.Render(pad(v.characters(p.bytes), p.width)))
		labels = append(labels, v.theme.dim.Render(pad(p.label, p.width)))
		named = named || p.label != ""
	}
	bar := v.theme.line.Render(v.theme.bar)
	v.line(fmt.Sprintf("    %s  %s", v.theme.dim.Render(fmt.Sprintf("%4d", r.offset)), strings.Join(hex, bar)))
	v.line(strings.Repeat(" ", rowIndent) + strings.Join(chars, bar))
	if named {
		v.line(strings.Repeat(" ", rowIndent) + strings.Join(labels, " "))
	}
	*r = row{room: r.room}
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-ansi.StringWidth(s), 0))
}

// characters returns bytes as characters: those that print as they are, CR and LF
// as \r and \n, and any other by a hole.
func (v *Text) characters(b []byte) string {
	if string(b) == "\r\n" {
		return `\r \n` // each under its byte
	}
	var out strings.Builder
	for _, c := range b {
		switch {
		case c == '\r':
			out.WriteString(`\r`)
		case c == '\n':
			out.WriteString(`\n`)
		case c == ' ':
			out.WriteString(v.theme.space)
		case c > ' ' && c < 0x7f:
			out.WriteByte(c)
		default:
			out.WriteString(v.theme.hole)
		}
	}
	return out.String()
}
