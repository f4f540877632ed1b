package drawing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

// A Room is where a drawing has to fit.
type Room struct {
	Columns int // at least Narrowest
	Rows    int // 0: as many as it takes
}

// Narrowest is the fewest columns that a drawing fits into.
const Narrowest = 38

// A layout is a Picture with a place for everything.
type layout struct {
	Picture
	room        Room
	left, right *column // right is nil where all boxes stand in one column
	height      int
	lanes       int // how many links have a lane
	bare        int // how many links have none, for want of room
}

// A column is boxes one below the other.
type column struct {
	at, width int // the cells of its left edge, and how many there are
	lines     []line
}

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

// lay arranges a Picture in a room: side by side where there is enough, else in one
// column. What does not fit is left out: what is finished first, then the oldest.
func (p Picture) lay(room Room) *layout {
	room.Columns = max(room.Columns, Narrowest)
	candidates := p.dispensable()
	for {
		l := p.place(room)
		excess := l.height - room.Rows
		if room.Rows == 0 || excess <= 0 || len(candidates) == 0 {
			return l
		}
		n := min(max(excess/2, 1), len(candidates))
		p = p.without(candidates[:n])
		candidates = candidates[n:]
	}
}

// dispensable are the sockets that may be left out, the first first.
func (p Picture) dispensable() []*kernel.Socket {
	type candidate struct {
		*kernel.Socket
		rank int
	}
	var all []candidate
	seen := make(map[*kernel.Socket]bool)
	for _, b := range p.boxes {
		for _, r := range b.rows {
			s := r.socket
			if s == nil || s.State == kernel.Listen || seen[s] {
				continue
			}
			seen[s] = true
			c := candidate{s, 1}
			if s.State == kernel.TimeWait || s.Orphan() && s.Cookie != 0 {
				c.rank = 0
			}
			if r.mark != unchanged {
				c.rank = 2
			}
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Cookie, b.Cookie))
	})
	var sockets []*kernel.Socket
	for _, c := range all {
		sockets = append(sockets, c.Socket)
	}
	return sockets
}

// without returns the Picture without some sockets and the other ends of these. Each box
// counts what it lacks.
func (p Picture) without(sockets []*kernel.Socket) Picture {
	out := make(map[*row]bool)
	for _, b := range p.boxes {
		for _, r := range b.rows {
			if r.socket != nil && slices.Contains(sockets, r.socket) {
				out[r] = true
			}
		}
	}
	var links []link
	for _, l := range p.links {
		for a, b := range map[*row]*row{l.from: l.to, l.to: l.from} {
			if out[a] && b.socket != nil && b.socket.State != kernel.Listen && b.socket.Connected() {
				out[b] = true
			}
		}
		if !out[l.from] && !out[l.to] {
			links = append(links, l)
		}
	}
	p.links = links
	var boxes []*box
	for _, b := range p.boxes {
		kept := *b
		kept.rows, kept.hidden = nil, slices.Clone(b.hidden)
		for _, r := range b.rows {
			if out[r] {
				kept.hidden = append(kept.hidden, r)
			} else {
				kept.rows = append(kept.rows, r)
			}
		}
		boxes = append(boxes, &kept)
	}
	p.boxes = boxes
	return p
}

// omitted says what a box has besides.
func (b *box) omitted() string {
	states := make(map[string]int)
	for _, r := range b.hidden {
		states[r.socket.State.String()]++
	}
	var all []string
	for state, n := range states {
		all = append(all, fmt.Sprintf("%d %s", n, state))
	}
	slices.Sort(all)
	return "not shown: " + strings.Join(all, ", ")
}

// The room between two columns is at least for a line, at most for its label. A column
// of fewer cells than least would be all broken words, and
// one of more than mostWidth all blanks.
const (
	least        = 29
	mostWidth    = 56
	leastBetween = 9
	mostBetween  = 32
)

// place puts everything somewhere.
func (p Picture) place(room Room) *layout {
	l := &layout{Picture: p, room: room}
	var lefts, rights []*box
	for _, b := range p.boxes {
		if b.right {
			rights = append(rights, b)
		} else {
			lefts = append(lefts, b)
		}
	}
	if len(lefts) > 0 && len(rights) > 0 && l.beside(lefts, rights) {
		return l
	}
	if p.labelled() {
		return p.unlabelled().place(room)
	}
	l.below(append(rights, lefts...))
	return l
}

// labelled reports whether a link has a label.
func (p Picture) labelled() bool {
	return slices.ContainsFunc(p.links, func(k link) bool { return k.label != "" })
}

// unlabelled returns the Picture with the labels of its links in the rows that they
// begin at, for want of room in the links.
func (p Picture) unlabelled() Picture {
	copies := make(map[*row]*row)
	var boxes []*box
	for _, b := range p.boxes {
		other := *b
		other.rows = nil
		for _, r := range b.rows {
			copied := *r
			copies[r] = &copied
			other.rows = append(other.rows, &copied)
		}
		boxes = append(boxes, &other)
	}
	p.boxes = boxes
	p.links = slices.Clone(p.links)
	for i, k := range p.links {
		k.from, k.to, k.by = copies[k.from], copies[k.to], copies[k.by]
		if k.label != "" {
			k.by.more = append(slices.Clone(k.by.more), k.label)
			k.label = ""
		}
		p.links[i] = k
	}
	return p
}

// beside puts the boxes into two columns, if there is room.
func (l *layout) beside(lefts, rights []*box) bool {
	a, b := widest(lefts), widest(rights)
	a, b = min(a, mostWidth), min(b, mostWidth)
	most := l.room.Columns - leastBetween
	if a+b > most {
		b = min(b, max(most*3/5, most-a))
		a = most - b
	}
	if a < min(least, widest(lefts)) || b < min(least, widest(rights)) {
		return false
	}
	l.left, l.right = &column{width: a}, &column{width: b}
	l.left.fill(lefts)
	l.right.fill(rights)
	l.align()
	bent := 0
	for _, k := range l.links {
		if l.bent(k) {
			bent++
		}
	}
	gap := l.room.Columns - a - b
	for _, k := range l.links {
		if 2*bent+3 > gap || k.label != "" && (l.bent(k) || ansi.StringWidth(k.label)+6 > gap) {
			return false
		}
	}
	l.right.at = a + min(gap, max(mostBetween, 2*bent+3))
	return true
}

// below puts all boxes into one column, with lanes for the links beside it.
func (l *layout) below(boxes []*box) {
	l.lanes = min(len(l.links), (l.room.Columns-32)/2)
	l.bare = len(l.links) - l.lanes
	l.left, l.right = &column{width: min(widest(boxes), l.room.Columns-2*l.lanes)}, nil
	l.left.fill(boxes)
	y := 0
	for i := range l.left.lines {
		l.left.lines[i].y = y
		y++
	}
	l.height = y
}

// bent reports whether a link needs a lane: its ends are not at the same height on two
// sides.
func (l *layout) bent(k link) bool {
	a, b := l.end(k.from), l.end(k.to)
	return a.column == b.column || a.y != b.y
}

// A place is where a link ends.
type place struct {
	column *column
	y      int
}

func (l *layout) end(r *row) place {
	for _, c := range []*column{l.left, l.right} {
		if c == nil {
			continue
		}
		for _, x := range c.lines {
			if x.row == r && x.first {
				return place{c, x.y}
			}
		}
	}
	return place{}
}

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
				c.lines = append(c.lines, line{box: b, indent: margin, text: s, weight: faint})
			}
		}
		c.lines = append(c.lines, line{box: b, part: lower})
	}
}

func (c *column) caption(b *box) {
	text := b.name
	if b.state != "" {
		text += ", " + b.state
	}
	if b.mark != unchanged {
		text = b.mark.sign() + " " + text
	}
	for _, s := range wrap(text, c.width-2) {
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
		for _, more := range r.more {
			all = append(all, wrap(more, room)...)
		}
	}
	for i, s := range all {
		c.lines = append(c.lines, line{box: b, row: r, indent: indent, text: s, weight: w, first: i == 0})
	}
}

// wrap breaks a text at blanks. A word that is too long is broken, not cut.
func wrap(text string, width int) []string {
	return strings.Split(ansi.Wrap(strings.TrimRight(text, " "), max(width, 8), ""), "\n")
}

// align gives each line of the two columns its height, so that as many links as can be
// are straight.
func (l *layout) align() {
	pairs := l.straight()
	var y [2]int
	var next [2]int
	columns := [2]*column{l.left, l.right}
	advance := func(side, to int) {
		for ; next[side] < to; next[side]++ {
			columns[side].lines[next[side]].y = y[side]
			y[side]++
		}
	}
	for _, pair := range pairs {
		for side := range 2 {
			advance(side, columns[side].beginning(next[side], pair[side]))
		}
		var heights [2]int
		for side := range 2 {
			heights[side] = y[side] + pair[side] - next[side]
		}
		at := max(heights[0], heights[1])
		for side := range 2 {
			y[side] += at - heights[side]
			advance(side, pair[side]+1)
		}
	}
	for side := range 2 {
		advance(side, len(columns[side].lines))
	}
	l.height = max(y[0], y[1])
}

// beginning returns the line before which there may be blank ones to bring a line to
// its height: that of its box, if the box is not begun, else the line itself.
func (c *column) beginning(next, to int) int {
	for i := to; i > next; i-- {
		if c.lines[i].part == between || i == 0 {
			return i
		}
	}
	if next == 0 {
		return 0
	}
	return to
}

// straight chooses the links that are drawn without a bend: the longest run in which
// neither side goes back.
func (l *layout) straight() [][2]int {
	var pairs [][2]int
	for _, k := range l.links {
		a, b := l.left.first(k.from), l.right.first(k.to)
		if a >= 0 && b >= 0 {
			pairs = append(pairs, [2]int{a, b})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	best := make([][][2]int, len(pairs))
	var longest [][2]int
	for i, pair := range pairs {
		for j := range i {
			if pairs[j][0] < pair[0] && pairs[j][1] < pair[1] && len(best[j]) > len(best[i]) {
				best[i] = best[j]
			}
		}
		best[i] = append(slices.Clone(best[i]), pair)
		if len(best[i]) > len(longest) {
			longest = best[i]
		}
	}
	return longest
}

// first returns the index of the first line of a row, or -1.
func (c *column) first(r *row) int {
	return slices.IndexFunc(c.lines, func(x line) bool { return x.row == r && x.first })
}

func (m mark) sign() string { return [...]string{" ", "+", "~", "-"}[m] }

// legend explains the marks that a drawing has.
func (l *layout) legend() string {
	seen := make(map[mark]bool)
	for _, b := range l.boxes {
		seen[b.mark] = true
		for _, r := range b.rows {
			seen[r.mark] = true
		}
	}
	var all []string
	for m, word := range []string{added: "new", changed: "changed", gone: "gone"} {
		if word != "" && seen[mark(m)] {
			all = append(all, mark(m).sign()+" "+word)
		}
	}
	if l.bare > 0 {
		all = append(all, lesson.Counted(l.bare, "line")+" not drawn: no room")
	}
	return strings.Join(all, "   ")
}
