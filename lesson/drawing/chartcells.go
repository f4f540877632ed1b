package drawing

import (
	"math"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
)

// Cells draws the Chart in lines of a terminal.
func (c Chart) Cells(room Room, ascii bool) [][]Span {
	p := c.plot(room)
	g := p.frame()
	for i := range c.tracks {
		p.bars(g, i)
	}
	var all [][]Span
	for _, row := range g.rows {
		all = append(all, spans(row, ascii))
	}
	return all
}

// A plot is where everything stands in a Chart.
type plot struct {
	Chart
	columns  int   // of the drawing
	left     int   // the column of the axis
	width    int   // columns of the tracks
	headings int   // rows above the tracks
	top      []int // the first row of each track
	height   []int // rows of each track
	rows     int
}

// The labels at the left have so many columns. The title has a row, and what was read last
// two or more; the axis of time has two more.
const (
	labels   = 10
	timeRows = 2
)

// plot finds the places: the track of what waits is as high as there is room.
func (c Chart) plot(room Room) plot {
	p := plot{Chart: c, columns: max(room.Columns, Narrowest), left: labels, headings: max(1+len(c.summary()), 3)}
	p.width = p.columns - p.left - 1
	tall, low := 8, 2
	others := len(c.tracks) - 2
	if room.Rows > 0 {
		if room.Rows < p.headings+timeRows+4+1+2*others {
			low = 1
		}
		tall = min(max(room.Rows-p.headings-timeRows-1-low*others, 3), tall)
	}
	p.rows = p.headings
	for i := range c.tracks {
		h := []int{tall, 1, low, low}[i]
		p.top, p.height = append(p.top, p.rows), append(p.height, h)
		p.rows += h
	}
	p.rows += timeRows
	return p
}

// frame draws all but the numbers over time: the title, what was read last, the labels, and
// the axis of time.
func (p plot) frame() *grid {
	g := newGrid(p.columns, p.rows)
	g.put(0, 0, p.title(), strong)
	for i, line := range p.summary() {
		g.put(0, 1+i, line, normal)
	}
	for i, t := range p.tracks {
		top := p.top[i]
		bottom := top + p.height[i] - 1
		if bottom > top {
			p.label(g, top, t.label)
		}
		p.label(g, bottom, t.name)
		if t.limit {
			g.across(top, p.left, p.columns-1, true)
		}
		if p.ending(i) {
			g.put(p.columns-len(t.label), bottom, t.label, normal)
		}
	}
	axis := p.rows - timeRows
	g.down(p.left, p.headings, axis, false)
	g.across(axis, p.left, p.columns-1, false)
	end := -1
	for at := time.Duration(0); at <= p.span(); at += p.tick() {
		x := p.left + 1 + int(float64(p.width-1)*float64(at)/float64(p.span()))
		text := lesson.Took(at)
		if at == 0 {
			text = "0"
		}
		if x <= end || x+ansi.StringWidth(text) > p.columns {
			continue
		}
		g.put(x, axis+1, text, normal)
		end = x + ansi.StringWidth(text)
	}
	return g
}

func (p plot) label(g *grid, row int, text string) {
	g.put(p.left-1-ansi.StringWidth(text), row, text, normal)
}

// tick is the time between two labels of the axis.
func (p plot) tick() time.Duration {
	const apart = 12 // columns
	least := p.span() * apart / time.Duration(p.width)
	for unit := 100 * time.Millisecond; ; unit *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			if n*unit >= least {
				return n * unit
			}
		}
	}
}

// eighths are a cell that is filled from below, by how many eighths.
var eighths = strings.Split(" ▁▂▃▄▅▆▇█", "")

// bars draws a track: a bar in each column, or a mark where the number has grown.
func (p plot) bars(g *grid, i int) {
	t, top, height := p.tracks[i], p.top[i], p.height[i]
	before := 0.
	for x, v := range p.Chart.columns(t, p.width) {
		switch {
		case p.ending(i) && x >= p.width-len(t.label)-1:
			return
		case t.ticks && v > before:
			g.put(p.left+1+x, top, "✕", strong)
		case !t.ticks && t.most > 0:
			fill := int(math.Ceil(v / t.most * float64(8*height)))
			for row := range height {
				if full := min(fill-8*(height-1-row), 8); full > 0 {
					g.put(p.left+1+x, top+row, eighths[full], normal)
				}
			}
		}
		before = v
	}
}

// ending reports whether the number of a track stands at the end of its one row.
func (p plot) ending(i int) bool { return p.height[i] == 1 }
