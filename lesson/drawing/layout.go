package drawing

import (
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

	measure measure // of the cable
	cableAt int     // the row in which it begins
}

// lay arranges a Picture in a room: side by side where there is enough, else in one
// column. Where that is too high it does without descriptors of no sockets, then puts other
// programs of one name together, then does without the edges of empty queues, then without
// the interfaces of a router, then without most of what lies on the cable, or without the
// cable if nothing lies there, then without details, then without all that lies on the cable,
// then without sockets: what is finished first, then the oldest. What has changed is left out
// last: before that go the places of queues, and boxes in which nothing has.
func (p Picture) lay(room Room) *layout {
	room.Columns = max(room.Columns, Narrowest)
	idle, moved := p.dispensable()
	excess := 0
	shortCable := func(p Picture) Picture { return p.withShortCable(excess) }
	for _, less := range []func(Picture) Picture{Picture.withoutFiles, Picture.merged, Picture.withoutEmptyQueues, Picture.withSmallRouter, shortCable, Picture.withoutIdleCable, Picture.withFewDetails, Picture.withoutDetails, Picture.withCountedCable} {
		l := p.place(room)
		if excess = l.excess(); excess <= 0 {
			return l
		}
		p = less(p)
	}
	shorten := func(sockets []*kernel.Socket) {
		for excess > 0 && len(sockets) > 0 {
			n := min(max(excess/2, 1), len(sockets))
			p = p.without(sockets[:n])
			sockets = sockets[n:]
			excess = p.place(room).excess()
		}
	}
	excess = p.place(room).excess()
	shorten(idle)
	if excess > 0 {
		p = p.withCountedQueues()
		excess = p.place(room).excess()
	}
	for ok := true; ok && excess > 0; excess = p.place(room).excess() {
		p, ok = p.withoutStill()
	}
	shorten(moved)
	return p.place(room)
}

// excess is how many rows a layout has too many.
func (l *layout) excess() int {
	if l.room.Rows == 0 {
		return 0
	}
	return l.height + len(l.notes()) - l.room.Rows
}

// The room between two columns is at least for a line, at most for its label. A column
// of fewer cells than least would be all broken words; where room is short, one has no
// more than mostWidth.
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
		l.hang()
		return l
	}
	if p.labelled() {
		return p.unlabelled().place(room)
	}
	l.below(append(rights, lefts...))
	l.hang()
	return l
}

// beside puts the boxes into two columns, if there is room.
func (l *layout) beside(lefts, rights []*box) bool {
	a, b := widest(lefts), widest(rights)
	most := l.room.Columns - leastBetween
	if a+b > most {
		a, b = min(a, mostWidth), min(b, mostWidth)
	}
	if a+b > most {
		b = min(b, max(most*3/5, most-a))
		if most-least >= Narrowest {
			b = min(b, most-min(a, least))
		}
		a = most - b
	}
	if a < min(least, widest(lefts)) || b < min(least, widest(rights)) {
		return false
	}
	l.left, l.right = &column{width: a, brief: l.brief}, &column{width: b, brief: l.brief}
	l.left.fill(lefts)
	l.right.fill(rights)
	l.align()
	l.untangle()
	bent := 0
	for _, k := range l.links {
		if l.bent(k) {
			bent++
		}
	}
	gap := l.room.Columns - l.left.width - l.right.width
	for _, k := range l.links {
		if 2*bent+3 > gap || k.label != "" && (l.bent(k) || ansi.StringWidth(k.label)+6 > gap) {
			return false
		}
	}
	l.right.at = l.left.width + min(gap, max(mostBetween, 2*bent+3))
	return true
}

// below puts all boxes into one column, with lanes for the links beside it.
func (l *layout) below(boxes []*box) {
	l.lanes = min(len(l.links), (l.room.Columns-32)/2)
	l.bare = len(l.links) - l.lanes
	l.left, l.right = &column{width: min(widest(boxes), l.room.Columns-2*l.lanes), brief: l.brief}, nil
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

// details are those that are left out.
func (l *layout) details() (n int) {
	for _, c := range []*column{l.left, l.right} {
		if c != nil {
			n += c.dropped
		}
	}
	return n
}

// legend explains the marks that a drawing has.
func (l *layout) legend() string {
	seen := make(map[mark]bool)
	for _, b := range l.boxes {
		seen[b.mark] = true
		for _, r := range b.rows {
			seen[r.mark] = true
		}
	}
	if l.cable != nil {
		for _, s := range l.cable.steps {
			seen[s.mark] = true
		}
	}
	var all []string
	for m, word := range []string{added: "new", changed: "changed", gone: "gone"} {
		if word != "" && seen[mark(m)] {
			all = append(all, mark(m).sign()+" "+word)
		}
	}
	var short []string
	for _, c := range []struct {
		n    int
		noun string
	}{{l.still, "part"}, {l.bare, "line"}, {l.files, "descriptor"}, {l.queues, "empty queue"}, {l.details(), "detail"}} {
		if c.n > 0 {
			short = append(short, lesson.Counted(c.n, c.noun))
		}
	}
	if len(short) > 0 {
		all = append(all, strings.Join(short, ", ")+" not drawn: no room")
	}
	return strings.Join(all, "   ")
}
