package view

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
)

// bytes draws bytes with what each stretch of them is.
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
// bytes, its name and its value. What does not fit goes into a further row.
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

// hexOf writes bytes in hex, the middle left out when there are more than limit.
func hexOf(b []byte, limit int, more string) string {
	if len(b) <= limit {
		return fmt.Sprintf("% x", b)
	}
	return fmt.Sprintf("% x %s % x", b[:limit-4], more, b[len(b)-3:])
}

// message draws a message line by line. Under the hex of each piece stand its
// characters, and under them what the piece is.
func (v *Text) message(e lesson.Event) {
	spans := e.Spans
	if len(spans) == 0 {
		spans = []lesson.Span{{Name: "", Start: 0, End: len(e.Data)}}
	}
	if end := spans[len(spans)-1].End; end < len(e.Data) {
		spans = append(spans, lesson.Span{Name: "the rest", Start: end, End: len(e.Data)})
	}
	perRow := (v.look.Width - 10) / 3
	var cells []piece
	used := 0
	offset := 0
	flush := func() {
		if len(cells) > 0 {
			v.row(offset, cells)
		}
		cells, used = nil, 0
	}
	for _, span := range spans {
		name := span.Name
		for at := span.Start; at < span.End; {
			end := min(span.End, at+perRow-used)
			if newline := strings.IndexByte(string(e.Data[at:end]), '\n'); newline >= 0 {
				end = at + newline + 1
			}
			if used == 0 {
				offset = at
			}
			cells = append(cells, piece{name, e.Data[at:end]})
			used += end - at
			name = ""
			if used >= perRow || e.Data[end-1] == '\n' {
				flush()
			}
			at = end
		}
	}
	flush()
}

// A piece is a part of one token that stands in one row.
type piece struct {
	name  string // of the token, in the first of its pieces
	bytes []byte
}

func (v *Text) row(offset int, cells []piece) {
	bar := v.theme.dim.Render(v.theme.bar)
	var hex, chars, names []string
	named := false
	room := v.look.Width - 10 // from the piece at hand to the edge
	for i, c := range cells {
		width := 3*len(c.bytes) - 1
		hex = append(hex, fmt.Sprintf("% x", c.bytes))
		chars = append(chars, v.theme.strong.Render(pad(v.characters(c.bytes), width)))
		name := c.name
		if last := i == len(cells)-1; ansi.StringWidth(name) > width && !(last && len(name) <= room) {
			name = short(name, width)
		}
		room -= width + 1
		named = named || name != ""
		names = append(names, v.theme.dim.Render(pad(name, width)))
	}
	v.line(fmt.Sprintf("    %s  %s", v.theme.dim.Render(fmt.Sprintf("%4d", offset)), strings.Join(hex, bar)))
	v.line(strings.Repeat(" ", 10) + strings.Join(chars, bar))
	if named {
		v.line(strings.Repeat(" ", 10) + strings.Join(names, v.theme.dim.Render(" ")))
	}
}

// short is a name for a place too narrow for it, or nothing.
func short(name string, width int) string {
	if s := map[string]string{"space": "SP", "optional whitespace": "SP", "status code": "status", "colon": ":", "field name": "name", "field value": "value", "method": "meth"}[name]; len(s) <= width {
		return s
	}
	return ""
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-ansi.StringWidth(s), 0))
}

// characters shows bytes as characters: those that print as they are, CR and LF
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
