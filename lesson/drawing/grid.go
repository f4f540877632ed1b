package drawing

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// A grid is the cells of a drawing. A cell has a text or lines; lines that meet join.
type grid struct {
	columns int
	rows    [][]cell
}

// A cell is one column of one row.
type cell struct {
	text   string // one character; empty in the second column of a wide one
	second bool   // of a wide character
	sides  sides  // where lines leave it, if it has no text
	dashed bool
	weight weight
}

// sides are the sides of a cell that a line leaves by.
type sides uint8

const (
	north sides = 1 << iota
	east
	south
	west
)

// A weight is how a text stands out.
type weight uint8

const (
	normal weight = iota
	strong        // bold: it has changed, or is a title
	faint
	outermost // and above: of a layer of a packet, so far inside
)

// layered is the weight of what belongs to a layer, the outermost being 0.
func layered(depth int) weight { return outermost + weight(depth) }

// layer returns the layer that a weight is of, counted from 1, or 0.
func (w weight) layer() int { return max(int(w)-int(outermost)+1, 0) }

func newGrid(columns, rows int) *grid {
	g := &grid{columns: columns, rows: make([][]cell, rows)}
	for i := range g.rows {
		g.rows[i] = make([]cell, columns)
	}
	return g
}

// put writes a text from a cell on, as far as the row goes.
func (g *grid) put(x, y int, text string, w weight) {
	for _, r := range harmless(strings.ReplaceAll(text, tie, " ")) {
		s := string(r)
		width := ansi.StringWidth(s)
		if width == 0 && x > 0 {
			g.rows[y][x-1].text += s // a combining character
			continue
		}
		if x+width > g.columns {
			return
		}
		for i := range width {
			g.rows[y][x+i] = cell{second: i > 0, weight: w}
		}
		g.rows[y][x].text = s
		x += width
	}
}

// harmless is a text without control characters, which would be orders to a terminal.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}

// across draws a line from one column to another, both included as far as half a cell.
func (g *grid) across(y, from, to int, dashed bool) {
	from, to = min(from, to), max(from, to)
	for x := from; x <= to; x++ {
		var s sides
		if x > from {
			s |= west
		}
		if x < to {
			s |= east
		}
		g.join(x, y, s, dashed)
	}
}

// down draws a line from one row to another likewise.
func (g *grid) down(x, from, to int, dashed bool) {
	from, to = min(from, to), max(from, to)
	for y := from; y <= to; y++ {
		var s sides
		if y > from {
			s |= north
		}
		if y < to {
			s |= south
		}
		g.join(x, y, s, dashed)
	}
}

func (g *grid) join(x, y int, s sides, dashed bool) {
	c := &g.rows[y][x]
	if c.text != "" {
		return
	}
	c.dashed = dashed && (c.sides == 0 || c.dashed)
	c.sides |= s
}

// rectangle draws the four edges of a box.
func (g *grid) rectangle(left, upper, right, lower int, dashed bool) {
	g.across(upper, left, right, dashed)
	g.across(lower, left, right, dashed)
	g.down(left, upper, lower, dashed)
	g.down(right, upper, lower, dashed)
}

// Glyphs for the sides of a cell, by their bits: north 1, east 2, south 4, west 8.
const (
	lines      = " ╵╶╰╷│╭├╴╯─┴╮┤┬┼"
	asciiLines = " |-+||++-+-+++++"
)

// glyph is what stands in a cell.
func (c cell) glyph(ascii bool) string {
	switch {
	case c.text != "" && ascii:
		return asciiText(c.text)
	case c.text != "":
		return c.text
	case c.second:
		return ""
	case ascii && c.dashed && c.sides == east|west:
		return "."
	case ascii && c.dashed && c.sides == north|south:
		return ":"
	case ascii:
		return string(asciiLines[c.sides])
	case c.dashed && c.sides == east|west:
		return "╌"
	case c.dashed && c.sides == north|south:
		return "╎"
	}
	return string([]rune(lines)[c.sides])
}

// glyphs are the characters of a drawing and what stands for each in ASCII.
var glyphs = map[string]string{"●": "*", "○": "o", "▶": ">", "◀": "<", "✕": "x", "█": "#", "░": ".", "…": ".", "┃": "|", "µ": "u", "▼": "v", "▲": "^", "≠": "!", "—": "-",
	"▁": ".", "▂": ".", "▃": ":", "▄": ":", "▅": "|", "▆": "|", "▇": "#"}

// asciiText is a character in ASCII, in as many columns.
func asciiText(text string) string {
	if s, ok := glyphs[text]; ok {
		return s
	}
	if len(text) == 1 {
		return text
	}
	return strings.Repeat("?", ansi.StringWidth(text))
}
