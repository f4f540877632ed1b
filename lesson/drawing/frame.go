package drawing

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/sockets/wire"
)

// A Frame is a packet as a box for each layer, with the header and the box of the layer
// that is inside.
type Frame struct {
	number int
	layers []envelope // the outermost first
	behind []byte     // pad bytes, in the outermost layer
}

// An envelope is a layer with what it carries.
type envelope struct {
	name     string
	bytes    []byte // its header; of the innermost, its content
	carries  int    // bytes
	content  bool   // it is no header: its characters are what it says
	from, to string // by its addresses; empty: it has none
}

// NewFrame arranges the layers of a packet.
func NewFrame(p wire.Packet) Frame {
	f := Frame{number: p.Number}
	for _, l := range p.Layers {
		if l.Name == "padding" {
			f.behind = p.Data[l.Start:l.End]
			continue
		}
		e := envelope{name: l.Title(), bytes: p.Data[l.Start:l.End], content: l.Name == "payload" || len(l.Fields) > 0 && l.Fields[0].Value == ""}
		e.from, e.to = address(l, "source"), address(l, "destination")
		f.layers = append(f.layers, e)
	}
	carries := 0
	for i := len(f.layers) - 1; i >= 0; i-- {
		if i == 0 {
			carries += len(f.behind)
		}
		f.layers[i].carries = carries
		carries += len(f.layers[i].bytes)
	}
	return f
}

// address is what a layer calls one of the two that talk; empty where it has no word for
// them.
func address(l wire.Layer, which string) string {
	if a := l.Field(which + " address"); a != nil {
		return a.Value
	}
	if p := l.Field(which + " port"); p != nil {
		return "port " + p.Value
	}
	return ""
}

// size is how many bytes a layer has, and with what it carries.
func (e envelope) size() string {
	n := len(e.bytes)
	if e.carries == 0 {
		return lesson.Counted(n, "byte")
	}
	return fmt.Sprintf("%d + %d = %s", n, e.carries, lesson.Counted(n+e.carries, "byte"))
}

// way is between whom a layer goes.
func (e envelope) way() string {
	if e.from == "" {
		return ""
	}
	return e.from + " to " + e.to
}

// mostContent is how many lines of content are drawn.
const mostContent = 12

// lines are what stands in the box of a layer, in lines of so many columns.
func (e envelope) lines(columns int) []string {
	if !e.content {
		return hexLines(e.bytes, columns)
	}
	var all []string
	for rest := e.bytes; len(rest) > 0; {
		if len(all) == mostContent {
			return append(all, "… "+lesson.Counted(len(rest), "byte")+" more")
		}
		line, n := "", 0
		for n < len(rest) && (n == 0 || rest[n-1] != '\n') {
			c := character(rest[n])
			if ansi.StringWidth(line+c) > columns {
				break
			}
			line += c
			n++
		}
		all, rest = append(all, line), rest[n:]
	}
	return all
}

// character is a byte as a character: what does not print is an escape.
func character(b byte) string {
	switch {
	case b == '\r':
		return `\r`
	case b == '\n':
		return `\n`
	case b >= ' ' && b < 0x7f:
		return string(rune(b))
	}
	return fmt.Sprintf(`\x%02x`, b)
}

func hexLines(b []byte, columns int) (all []string) {
	perLine := max((columns+1)/3, 1)
	for ; len(b) > perLine; b = b[perLine:] {
		all = append(all, fmt.Sprintf("% x", b[:perLine]))
	}
	return append(all, fmt.Sprintf("% x", b))
}

// Cells draws the Frame in lines of a terminal. Where there is no room for all of it, the
// rest is left out, and counted.
func (f Frame) Cells(room Room, ascii bool) [][]Span {
	var all [][]Span
	for _, row := range f.grid(room).rows {
		all = append(all, spans(row, ascii))
	}
	if n := len(all) - room.Rows; room.Rows > 0 && n > 0 {
		all = append(all[:room.Rows-1], []Span{{Text: fmt.Sprintf("  %d lines more: no room", n+1)}})
	}
	return all
}

// SVG draws the Frame as SVG.
func (f Frame) SVG(room Room) string {
	return f.grid(room).svg(fmt.Sprintf("Packet %d, layer by layer", f.number), f.Sentences(), nil)
}

// mostFrame is how wide the outermost box may be, in columns.
const mostFrame = 100

// grid draws all boxes.
func (f Frame) grid(room Room) *grid {
	columns := min(max(room.Columns, Narrowest), mostFrame)
	gap := 2 // between the edges of a box and of the one inside
	if columns < 60 {
		gap = 1
	}
	var body [][]string
	rows := 2 * len(f.layers)
	for i, e := range f.layers {
		lines := e.lines(columns - 2*gap*i - 4)
		body = append(body, lines)
		rows += len(lines)
	}
	behind := f.padding(columns - 4)
	g := newGrid(columns, rows+len(behind))
	y, lower := 0, len(g.rows)-1
	for i, e := range f.layers {
		left, right := gap*i, columns-1-gap*i
		g.rectangle(left, y, right, lower, false)
		g.title(left, right, y, e, layered(i))
		for _, line := range body[i] {
			y++
			g.put(left+2, y, line, layered(i))
		}
		y++
		lower--
		if i == 0 {
			for j := len(behind) - 1; j >= 0; j-- {
				g.put(left+2, lower, behind[j], layered(i))
				lower--
			}
		}
	}
	return g
}

// padding are the lines about the bytes behind the packet.
func (f Frame) padding(columns int) []string {
	if len(f.behind) == 0 {
		return nil
	}
	return hexLines(f.behind, columns)
}

// title writes into the upper edge of a box what it is, how large, and between whom as far
// as there is room.
func (g *grid) title(left, right, y int, e envelope, w weight) {
	room := right - left - 3
	name, size, way := " "+e.name+" ", " "+e.size()+" ", " "+e.way()+" "
	g.put(left+2, y, name, w)
	at := left + 2 + ansi.StringWidth(name)
	room -= ansi.StringWidth(name)
	if ansi.StringWidth(size) > room {
		return
	}
	g.put(at, y, size, normal)
	if room -= ansi.StringWidth(size); e.way() != "" && ansi.StringWidth(way) < room {
		g.put(right-1-ansi.StringWidth(way), y, way, normal)
	}
}

// Sentences tells the Frame for a reader who does not see it, from the outermost layer on.
func (f Frame) Sentences() []string {
	var all []string
	for i, e := range f.layers {
		what := fmt.Sprintf("%s has %s", e.name, lesson.Counted(len(e.bytes), "byte"))
		if e.carries > 0 {
			what += fmt.Sprintf(", and carries %s", lesson.Counted(e.carries, "byte"))
		}
		if e.from != "" {
			what += fmt.Sprintf(", from %s to %s", e.from, e.to)
		}
		if i > 0 {
			what = "In it: " + what
		}
		all = append(all, what+": "+strings.Join(e.lines(1<<16), " ")+".")
	}
	if n := len(f.behind); n > 0 {
		all = append(all, fmt.Sprintf("Behind that: %s of padding.", lesson.Counted(n, "byte")))
	}
	plain := strings.NewReplacer(tie, " ", "…", "...")
	for i := range all {
		all[i] = harmless(plain.Replace(all[i]))
	}
	return all
}
