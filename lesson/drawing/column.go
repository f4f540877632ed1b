package drawing

import (
	"cmp"
	"math"
	"regexp"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// A column is boxes one below the other.
type column struct {
	at, width int // the cells of its left edge, and how many there are
	lines     []line
	brief     brevity // which details are dropped that do not fit beside their rows
	dropped   int     // so many
}

// A brevity says which details of a row have lines of their own.
type brevity uint8

const (
	whole   brevity = iota
	briefer         // the first one, which is how many bytes wait
	briefly         // none
)

func (b brevity) details() int { return [...]int{whole: math.MaxInt, briefer: 1, briefly: 0}[b] }

// A line is one line of a column.
type line struct {
	box    *box
	part   edge
	row    *row
	indent int // cells before the text
	text   string
	weight weight
	first  bool // of its row: here its link ends
	y      int
}

// An edge says which line of a box it is.
type edge uint8

const (
	inside edge = iota
	caption
	upper
	lower
	between // a blank line that parts two boxes
)

// margin is what stands in a box at each side of the text: the edge, the end of a link
// and a mark or a blank.
const margin = 3

// widest is how many cells the widest box would take.
func widest(boxes []*box) int {
	width := 0
	for _, b := range boxes {
		width = max(width, ansi.StringWidth(b.name)+4)
		numbers := b.numbers()
		for _, r := range b.rows {
			width = max(width, 2*margin+numbers+2+ansi.StringWidth(r.whole())+r.frame())
		}
		if len(b.hidden) > 0 {
			width = max(width, 2*margin+ansi.StringWidth(b.omitted()))
		}
	}
	return width
}

// numbers is how many cells the descriptors of a box take.
func (b *box) numbers() int {
	n := 0
	for _, r := range b.rows {
		n = max(n, len(r.number))
	}
	return n
}

// frame is what the edge of a queue takes besides.
func (r *row) frame() int {
	switch r.part {
	case slot:
		return 2
	case top, bottom:
		return 4
	}
	return 0
}

// whole is all that is said of a row, in one line.
func (r *row) whole() string {
	all := r.text
	for _, more := range r.more {
		all += "  " + more
	}
	return all
}

// fill makes the lines of a column's boxes.
func (c *column) fill(boxes []*box) {
	for i, b := range boxes {
		if i > 0 {
			c.lines = append(c.lines, line{box: b, part: between})
		}
		c.caption(b)
		c.lines = append(c.lines, line{box: b, part: upper})
		numbers := b.numbers()
		for _, r := range b.rows {
			c.row(b, r, numbers)
		}
		if len(b.hidden) > 0 {
			for _, s := range wrap(b.omitted(), c.width-2*margin) {
				c.lines = append(c.lines, line{box: b, indent: margin, text: strings.ReplaceAll(s, tie, " "), weight: faint})
			}
		}
		c.lines = append(c.lines, line{box: b, part: lower})
	}
	c.shrink()
}

// shrink makes the column as wide as its lines have become.
func (c *column) shrink() {
	width := 0
	for _, x := range c.lines {
		needs := x.indent + ansi.StringWidth(x.text)
		if x.part == inside {
			needs += margin
		}
		if x.row != nil {
			needs += x.row.frame()
		}
		width = max(width, needs)
	}
	c.width = min(c.width, width)
}

func (c *column) caption(b *box) {
	text := b.name
	if b.state != "" {
		text += ", " + b.state
	}
	if b.mark != unchanged {
		text = b.mark.sign() + " " + text
	}
	lines := wrap(text+b.where, c.width-2)
	if less := wrap(text, c.width-2); c.brief != whole && len(less) < len(lines) {
		lines = less
		c.dropped++
	}
	for _, s := range lines {
		c.lines = append(c.lines, line{box: b, part: caption, indent: 2, text: s, weight: strong})
	}
}

// row makes the lines of a row: what does not fit beside its text stands below it.
func (c *column) row(b *box, r *row, numbers int) {
	w := normal
	if r.mark != unchanged {
		w = strong
	} else if r.part == descriptor && r.socket == nil {
		w = faint
	}
	indent := margin + numbers + 2
	room := c.width - indent - margin - r.frame()
	all := []string{r.whole()}
	if ansi.StringWidth(all[0]) > room {
		all = wrap(cmp.Or(r.short, r.text), room)
		kept := r.more[:min(len(r.more), c.brief.details())]
		c.dropped += len(r.more) - len(kept)
		for _, more := range kept {
			all = append(all, wrap(more, room)...)
		}
	}
	for i, s := range all {
		c.lines = append(c.lines, line{box: b, row: r, indent: indent, text: s, weight: w, first: i == 0})
	}
}

// wrap breaks a text at blanks. A word that is too long is broken, not cut; a number and
// what it counts stay together.
func wrap(text string, width int) []string {
	text = counted.ReplaceAllString(text, "$1"+tie+"$2")
	return strings.Split(ansi.Wrap(strings.TrimRight(text, " "), max(width, 8), ""), "\n")
}

var counted = regexp.MustCompile(`(\d) (s|bytes?)\b`)
