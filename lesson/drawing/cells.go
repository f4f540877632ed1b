package drawing

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// A Span is a piece of a line of cells.
type Span struct {
	Text   string
	Strong bool // bold: it has changed, or is a title
	Faint  bool
	Layer  int // of a packet: whose bytes these are, the outermost being 1; 0: nobody's
}

// Cells draws the Picture in lines of a terminal, without blanks at their ends. In ASCII
// mode it has no other characters.
func (p Picture) Cells(room Room, ascii bool) [][]Span {
	l := p.lay(room)
	g := l.grid()
	var lines [][]Span
	for _, row := range g.rows {
		lines = append(lines, spans(row, ascii))
	}
	for _, s := range l.notes() {
		lines = append(lines, []Span{{Text: s}})
	}
	if n := len(lines) - room.Rows; room.Rows > 0 && n > 0 {
		lines = append(lines[:room.Rows-1], []Span{{Text: fmt.Sprintf("  %d lines more: no room", n+1)}})
	}
	return lines
}

// Fits reports whether the Picture is whole in a room: with fewer details, perhaps, but
// without a line that says how many more there are.
func (p Picture) Fits(room Room) bool { return p.lay(room).excess() <= 0 }

// notes are the lines below a drawing.
func (l *layout) notes() []string {
	if legend := l.legend(); legend != "" {
		return wrap("  "+legend, l.room.Columns)
	}
	return nil
}

func spans(row []cell, ascii bool) []Span {
	end := len(row)
	for end > 0 && strings.TrimSpace(row[end-1].glyph(ascii)) == "" && !row[end-1].second {
		end--
	}
	var all []Span
	var w weight
	for i, c := range row[:end] {
		if i == 0 || c.weight != w {
			w = c.weight
			all = append(all, Span{Strong: w == strong, Faint: w == faint, Layer: w.layer()})
		}
		all[len(all)-1].Text += c.glyph(ascii)
	}
	return all
}

// grid draws all that has a place.
func (l *layout) grid() *grid {
	g := newGrid(l.room.Columns, l.height)
	for _, c := range []*column{l.left, l.right} {
		if c != nil {
			c.draw(g)
		}
	}
	lanes, _ := l.order()
	for i, k := range l.links {
		if l.right == nil && i >= l.lanes {
			break
		}
		l.connect(g, k, lanes[i])
	}
	l.drawCable(g)
	return g
}

// draw draws the boxes of a column with their texts.
func (c *column) draw(g *grid) {
	start, queue := 0, 0
	for _, x := range c.lines {
		right := c.at + c.width - 1
		switch x.part {
		case upper:
			start = x.y
		case lower:
			g.rectangle(c.at, start, right, x.y, x.box.nobody)
		case caption:
			g.put(c.at+x.indent, x.y, x.text, x.weight)
		case inside:
			if x.row == nil {
				g.put(c.at+x.indent, x.y, x.text, x.weight)
				continue
			}
			switch x.row.part {
			case top:
				queue = x.y
			case bottom:
				g.rectangle(c.at+x.indent-2, queue, right-margin+1, x.y, false)
			}
			c.line(g, x)
		}
	}
}

// line writes a line of a row: its mark, its number and its text.
func (c *column) line(g *grid, x line) {
	r := x.row
	at, text := c.at+x.indent, x.text
	if (r.part == top || r.part == bottom) && text != "" {
		text = " " + text + " "
	}
	if x.first {
		mark := c.at + 2
		if r.part == slot {
			mark = at - 1 // its link comes along there
		}
		g.put(mark, x.y, strings.TrimSpace(r.mark.sign()), strong)
		g.put(at-2-len(r.number), x.y, r.number, x.weight)
	}
	g.put(at, x.y, text, x.weight)
}

// connect draws a link, straight or through a lane of its own.
func (l *layout) connect(g *grid, k link, lane int) {
	from, to := l.end(k.from), l.end(k.to)
	a, b := l.edgeOf(from.column), l.edgeOf(to.column)
	switch {
	case from.column != to.column && from.y == to.y:
		g.across(from.y, a, b, k.broken)
		l.label(g, k, from.y, a, b)
	default:
		x := l.lane(lane)
		g.across(from.y, a, x, k.broken)
		g.down(x, from.y, to.y, k.broken)
		g.across(to.y, x, b, k.broken)
		l.label(g, k, from.y, a, x)
	}
	l.tip(g, k.from, from, k, true)
	l.tip(g, k.to, to, k, false)
}

// edgeOf is the edge of a column that links leave by.
func (l *layout) edgeOf(c *column) int {
	if c == l.right {
		return c.at
	}
	return c.at + c.width - 1
}

// lane is the column of cells that a link with a bend goes down in.
func (l *layout) lane(n int) int { return l.left.width + 1 + 2*n }

// label writes the words of a link into its line, if they fit with a bit of line at
// each side.
func (l *layout) label(g *grid, k link, y, a, b int) {
	a, b = min(a, b), max(a, b)
	text := " " + k.label + " "
	width := ansi.StringWidth(text)
	if k.label != "" && b-a-1 >= width+4 {
		g.put(a+(b-a-width+1)/2, y, text, normal)
	}
}

// tip draws the end of a link inside a box, up to the text of its row.
func (l *layout) tip(g *grid, r *row, p place, k link, from bool) {
	glyph := "●"
	switch {
	case k.refused && from:
		glyph = "○"
	case k.refused:
		glyph = "✕"
	case !from && p.column == l.right:
		glyph = "▶"
	case !from:
		glyph = "◀"
	}
	edge, inner := l.edgeOf(p.column), 1 // how far inside of it the link ends
	if r.part == slot {
		inner = 2 // the edge of the queue is the next
		if p.column == l.right {
			inner = l.indentOf(r) - 3
		}
	}
	if p.column != l.right {
		inner = -inner
	}
	g.join(edge, p.y, east|west, false)
	g.across(p.y, edge, edge+inner, k.broken)
	g.put(edge+inner, p.y, glyph, normal)
}

// indentOf is how far inside of its box the text of a row stands.
func (l *layout) indentOf(r *row) int {
	for _, x := range l.right.lines {
		if x.row == r {
			return x.indent
		}
	}
	return margin
}
