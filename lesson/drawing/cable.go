package drawing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/wire"
)

// A cable is what lies between the two hosts of a Picture, and what has left it since:
// each packet in a step, as a Ladder has it.
type cable struct {
	Ladder
	lies  int    // how many packets lie on it
	all   int    // and with those that have left it
	flows string // how it lets everything pass; empty: it holds something
}

// newCable arranges what lies on a cable, and of the rest what has left it by what changed.
func newCable(c *kernel.Cable, diff *kernel.Difference) *cable {
	all := lesson.Ladder{Left: sideOf(c.Ends[0]), Right: sideOf(c.Ends[1])}
	marks := make(map[int]mark)
	if diff != nil {
		for _, number := range diff.Came {
			marks[number] = added
		}
		for _, number := range diff.Left {
			marks[number] = gone
		}
	}
	for i := range c.Packets {
		p := &c.Packets[i]
		if p.Fate == wire.Held || marks[p.Number] == gone {
			all.Rungs = append(all.Rungs, lesson.Rung{At: p.Time, Packet: p})
		}
	}
	l := NewLadder(all)
	l.steps = slices.DeleteFunc(l.steps, func(s step) bool { return s.arrow == nil && s.fold == "" }) // of states, which the boxes have
	for i := range l.steps {
		s := &l.steps[i]
		s.margin = [2]string{}
		switch {
		case s.arrow != nil:
			s.mark = marks[s.arrow.number]
		case i > 0: // it stands for more of the same
			s.mark = l.steps[i-1].mark
		}
	}
	return &cable{Ladder: l, lies: len(c.Lying()), all: len(all.Rungs), flows: passing(c)}
}

// passing says how a cable is that holds nothing.
func passing(c *kernel.Cable) string {
	switch {
	case c.Holds != "":
		return ""
	case c.Way.Of > 0:
		return "lossy"
	case c.Way.Delay > 0:
		return "slow"
	}
	return "flowing"
}

func sideOf(e kernel.End) lesson.Side { return lesson.Side{Name: e.Name, Address: e.Addr} }

// title says how it is with the cable.
func (c *cable) title() string {
	const name = "the cable"
	switch {
	case c.lies > 0 && len(c.steps) == 0:
		return name + ": " + lesson.Counted(c.lies, "packet")
	case c.lies > 0:
		return name
	case c.flows != "":
		return name + ": " + c.flows
	}
	return name + ": empty"
}

// withShortCable returns the Picture with the cable so many rows shorter, but not without a
// few packets: those that have come are left out last, and before them the last ones of
// those that have left.
func (p Picture) withShortCable(rows int) Picture {
	const least = 3
	if p.cable == nil {
		return p
	}
	shown := max(len(p.cable.steps)-rows-1, least)
	if len(p.cable.steps) <= shown+1 {
		return p
	}
	c := *p.cable
	c.steps = nil
	choose := func(m mark, s step) {
		if len(c.steps) < shown && s.arrow != nil && s.mark == m {
			c.steps = append(c.steps, s)
		}
	}
	for _, s := range p.cable.steps {
		choose(added, s)
	}
	for _, s := range slices.Backward(p.cable.steps) {
		choose(gone, s)
	}
	for _, s := range p.cable.steps {
		choose(unchanged, s)
	}
	slices.SortFunc(c.steps, func(a, b step) int { return a.arrow.number - b.arrow.number })
	c.steps = append(c.steps, step{fold: "…" + tie + plural(c.all-len(c.steps), "packet") + " more: no" + tie + "room" + tie + "…"})
	p.cable = &c
	return p
}

// withoutIdleCable returns the Picture without a cable on which nothing lies, and which
// nothing has left.
func (p Picture) withoutIdleCable() Picture {
	if p.cable != nil && len(p.cable.steps) == 0 {
		p.cable = nil
	}
	return p
}

// withCountedCable returns the Picture with no more of the cable than how many packets lie
// on it.
func (p Picture) withCountedCable() Picture {
	if p.cable == nil || len(p.cable.steps) == 0 {
		return p
	}
	c := *p.cable
	c.steps = nil
	p.cable = &c
	return p
}

// hang gives the cable its place, below the boxes: in two columns it hangs between them.
func (l *layout) hang() {
	if l.cable == nil {
		return
	}
	numbers := 0
	for _, s := range l.cable.steps {
		if s.arrow != nil {
			numbers = max(numbers, len(fmt.Sprint(s.arrow.number)))
		}
	}
	l.measure = measure{columns: l.room.Columns}
	l.measure.lane[0] = 1 + len(gone.sign()) + 1 + numbers + 1
	if l.right != nil {
		l.measure.lane[1] = l.right.at + l.right.width - 1 - margin
	} else {
		l.measure.lane[1] = min(l.room.Columns-1-margin, l.measure.lane[0]+mostCable)
		l.height++ // apart from the boxes
	}
	l.cableAt = l.height
	l.height++ // the names
	for _, s := range l.cable.steps {
		l.height += l.measure.height(s)
	}
}

// drawCable draws the cable: the names of its hosts, then each packet that lies on it.
func (l *layout) drawCable(g *grid) {
	if l.cable == nil {
		return
	}
	m, y := l.measure, l.cableAt
	for side, c := range []*column{l.left, l.right} {
		if l.right != nil {
			g.down(m.lane[side], c.lines[len(c.lines)-1].y, y, true)
		}
	}
	l.tieRouter(g)
	l.cable.ends(g, m, y)
	y++
	for _, s := range l.cable.steps {
		h := m.height(s)
		m.draw(g, s, y, h)
		if s.arrow != nil {
			above, _ := m.words(s.arrow)
			at := y + len(above)
			number := fmt.Sprint(s.arrow.number)
			g.put(m.lane[0]-1-len(number), at, number, s.mark.weight())
			g.put(1, at, strings.TrimSpace(s.mark.sign()), strong)
		}
		y += h
	}
}

// weight is how what is marked stands out.
func (m mark) weight() weight {
	if m == unchanged {
		return normal
	}
	return strong
}

// ends writes the names of the hosts over their lanes, with their addresses where there is
// room, and between them the title.
func (c *cable) ends(g *grid, m measure, y int) {
	names := [2]string{c.sides[0].Name, c.sides[1].Name}
	from, to := max(m.lane[0]-2, 0), min(m.lane[1]+3, g.columns)
	if whole := [2]string{names[0] + " " + c.sides[0].Address, names[1] + " " + c.sides[1].Address}; to-from >= ansi.StringWidth(whole[0]+c.title()+whole[1])+4 {
		names = whole
	}
	g.put(from, y, names[0], strong)
	from += ansi.StringWidth(names[0])
	to -= ansi.StringWidth(names[1])
	g.put(to, y, names[1], strong)
	g.put(from+(to-from-ansi.StringWidth(c.title()))/2, y, c.title(), faint)
}

// sentences tells what lies on the cable; of one with an earlier Snapshot only what has
// changed.
func (c *cable) sentences(changes bool) []string {
	var all []string
	for _, s := range c.steps {
		switch {
		case changes && s.mark == unchanged:
		case s.arrow == nil:
			all = append(all, "Then come "+strings.Trim(s.fold, "…"+tie)+".")
		case s.mark == gone:
			all = append(all, fmt.Sprintf("Packet %d has left the cable, %s", s.arrow.number, c.told(s.arrow)))
		case s.mark == added:
			all = append(all, fmt.Sprintf("New: packet %d, %s", s.arrow.number, c.told(s.arrow)))
		default:
			all = append(all, fmt.Sprintf("Packet %d, %s", s.arrow.number, c.told(s.arrow)))
		}
	}
	switch {
	case changes || len(all) > 0:
	case c.flows == "lossy":
		all = append(all, "The cable holds nothing, and loses packets.")
	case c.flows != "":
		all = append(all, "The cable lets everything pass.")
	default:
		all = append(all, "Nothing lies on the cable.")
	}
	return harmlessly(all)
}
