package drawing

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"fd3/sockets/wire"
)

// Cells draws the Ladder in lines of a terminal. Where there are more steps than rows the
// ones in the middle are left out, and counted.
func (l Ladder) Cells(room Room, ascii bool) [][]Span {
	var all [][]Span
	for _, row := range l.fit(room).grid(room).rows {
		all = append(all, spans(row, ascii))
	}
	return all
}

// SVG draws the Ladder as SVG.
func (l Ladder) SVG(room Room) string {
	return l.fit(room).grid(room).svg("What happened between "+l.sides[0].Name+" and "+l.sides[1].Name, l.Sentences(), nil)
}

// fit returns the Ladder with as many steps as a room has rows for.
func (l Ladder) fit(room Room) Ladder {
	if room.Rows == 0 {
		return l
	}
	m := measured(room)
	heights, total := make([]int, len(l.steps)), headRows
	for i, s := range l.steps {
		heights[i] = m.height(s)
		total += heights[i]
	}
	if total <= room.Rows {
		return l
	}
	from, to, left := 0, len(l.steps), room.Rows-headRows-m.height(omitted(len(l.steps)))
	for from < to { // from both ends, the last steps first
		if left -= heights[to-1]; left < 0 {
			break
		}
		to--
		if from < to && heights[from] <= left {
			left -= heights[from]
			from++
		}
	}
	steps := append([]step(nil), l.steps[:from]...)
	if to > from {
		steps = append(steps, omitted(to-from))
	}
	l.steps = append(steps, l.steps[to:]...)
	return l
}

// omitted is the step that stands for so many others.
func omitted(n int) step {
	return step{fold: "…" + tie + plural(n, "step") + " more: no" + tie + "room" + tie + "…"}
}

// A measure is where things stand in a Ladder.
type measure struct {
	columns int
	clock   int    // the columns at the left in which the times stand; 0 where there is no room
	lane    [2]int // the columns of cells between which the packets travel
}

// The names of the hosts are in the first row, and in the second, which is blank elsewhere,
// that of a router.
const headRows = 2

func measured(room Room) measure {
	m := measure{columns: max(room.Columns, Narrowest)}
	if m.columns >= 100 {
		m.clock = 11
	}
	margin := max(m.columns/4, 10)
	if m.clock > 0 {
		margin = min(margin, 26)
	} else {
		margin = min(margin, 19) // "shutdown(3, …) = 0" fits beside it
	}
	m.lane = [2]int{m.clock + margin, min(m.columns-1-margin, m.clock+margin+mostCable)}
	return m
}

// The hosts are at most mostCable cells apart. Beside a label there are at least leastLine
// cells of line.
const (
	mostCable = 64
	leastLine = 1
)

// width is how many columns there are between the lanes.
func (m measure) width() int { return m.lane[1] - m.lane[0] - 1 }

// margin is how many columns a text beside a lane has.
func (m measure) margin(side int) int {
	if side == 0 {
		return m.lane[0] - 1 - m.clock
	}
	return m.columns - m.lane[1] - 2
}

// texts are the lines of what stands in a margin.
func (m measure) texts(s step, side int) []string {
	if s.margin[side] == "" {
		return nil
	}
	const bond = "\u2011" // a hyphen that no line is broken at: -1 stays whole
	text := s.margin[side]
	for _, less := range []func(string) string{tighter, briefest} {
		if widestWord(text) > m.margin(side) {
			text = less(text)
		}
	}
	lines := wrap(strings.ReplaceAll(text, "-", bond), m.margin(side))
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], bond, "-")
	}
	return lines
}

// widestWord is how many columns the words take between which no line is broken.
func widestWord(text string) (widest int) {
	for word := range strings.SplitSeq(text, " ") {
		widest = max(widest, ansi.StringWidth(word))
	}
	return widest
}

// tighter is a call in brief without the blank in it.
func tighter(call string) string { return strings.Replace(call, ","+tie+"…)", ",…)", 1) }

// briefest is such a call without its first argument.
func briefest(call string) string {
	name, rest, _ := strings.Cut(call, "(")
	if _, after, ok := strings.Cut(rest, ",…)"); ok {
		return name + "(…)" + after
	}
	return call
}

// words are those of an arrow: the label in its line, and above it what that has no room
// for.
func (m measure) words(a *arrow) (above []string, label string) {
	if a == nil {
		return nil, ""
	}
	room := m.width() - leastLine - 3 - ansi.StringWidth(a.end())
	all := a.text(len(a.words))
	if whole := all + ", lay " + a.lay; a.lay != "" && ansi.StringWidth(whole) <= room {
		return nil, whole
	}
	for n := len(a.words); n > 0; n-- {
		if text := a.text(n); ansi.StringWidth(text) <= room {
			return nil, text
		}
	}
	above = wrap(named.ReplaceAllString(all, "$1"+tie+"$2"), m.width()-2)
	if last := above[len(above)-1]; ansi.StringWidth(last) <= room {
		return above[:len(above)-1], last
	}
	return above, ""
}

// named is a number, or an address, and what it is.
var named = regexp.MustCompile(`([A-Za-z]) (\d)`)

// text is the first words of an arrow with those that it has in any case.
func (a *arrow) text(words int) string {
	all := strings.Join(a.words[:words], ", ")
	if a.must != "" {
		all += ", " + a.must
	}
	return all
}

// end is what stands at the end of a line that does not reach the other side.
func (a *arrow) end() string {
	switch a.fate {
	case wire.Held:
		return " held ┃"
	case wire.Dropped:
		return "✕ lost"
	case wire.Duplicated:
		return " twice"
	case wire.Corrupted:
		return " corrupted"
	case wire.Delayed:
		return " delayed"
	case wire.Swapped:
		return " overtaken"
	case wire.Forged:
		return " forged"
	}
	return ""
}

func (m measure) height(s step) int {
	if s.fold != "" {
		return len(wrap(s.fold, m.width()-2))
	}
	above, _ := m.words(s.arrow)
	arrow := len(above) + 1
	return max(arrow, len(m.texts(s, 0)), len(m.texts(s, 1)))
}

// grid draws all steps.
func (l Ladder) grid(room Room) *grid {
	m := measured(room)
	rows := headRows
	for _, s := range l.steps {
		rows += m.height(s)
	}
	g := newGrid(m.columns, rows)
	l.head(g, m)
	y := headRows
	for _, s := range l.steps {
		h := m.height(s)
		m.draw(g, s, y, h)
		if began := l.began(); m.clock > 0 && !s.at.IsZero() {
			g.put(0, y, fmt.Sprintf("%.6f", s.at.Sub(began).Seconds()), faint)
		}
		y += h
	}
	return g
}

// began is when the first packet came onto the cable.
func (l Ladder) began() time.Time {
	for _, s := range l.steps {
		if !s.at.IsZero() {
			return s.at
		}
	}
	return time.Time{}
}

// head writes the names of the hosts over their lanes.
func (l Ladder) head(g *grid, m measure) {
	for side, s := range l.sides {
		name := strings.TrimSpace(s.Name + " " + s.Address)
		if ansi.StringWidth(name) > m.margin(side)+4 {
			name = s.Name
		}
		x := m.lane[1] - 2
		if side == 0 {
			x = max(m.lane[0]+3-ansi.StringWidth(name), 0)
		}
		g.put(x, 0, name, strong)
	}
	if l.router != nil {
		g.put(m.lane[1]-2, 1, "behind "+l.router.Name, faint)
	}
	if m.clock > 0 {
		g.put(0, 0, "seconds", faint)
	}
	const title = "the cable"
	g.put(m.lane[0]+1+(m.width()-len(title))/2, 0, title, faint)
}

// draw draws a step in its rows.
func (m measure) draw(g *grid, s step, y, h int) {
	above, label := m.words(s.arrow)
	for side := range 2 {
		m.side(g, s, side, y, h)
		for i, text := range m.texts(s, side) {
			x := m.lane[1] + 2
			if side == 0 {
				x = max(m.lane[0]-1-ansi.StringWidth(text), 0)
			}
			g.put(x, y+i, text, s.weight[side])
		}
	}
	if s.fold != "" {
		for i, text := range wrap(s.fold, m.width()-2) {
			g.put(m.lane[0]+1+(m.width()-ansi.StringWidth(text))/2, y+i, text, faint)
		}
	}
	for i, text := range above {
		g.put(m.lane[0]+1+(m.width()-ansi.StringWidth(text))/2, y+i, text, normal)
	}
	if s.arrow != nil {
		m.arrow(g, s.arrow, y+len(above), label)
	}
}

// side draws the lane of a host: a solid line while a call lasts there.
func (m measure) side(g *grid, s step, side, y, h int) {
	x := m.lane[side]
	for row := y; row < y+h; row++ {
		inside := s.inside[side]
		if row > y && (inside == enters || inside == leaves) {
			inside = map[within]within{enters: lasts, leaves: outside}[inside]
		}
		out := west
		if side == 1 {
			out = east
		}
		switch inside {
		case enters:
			g.join(x, row, south|out, false)
		case lasts:
			g.join(x, row, north|south, false)
		case leaves:
			g.join(x, row, north|out, false)
		default:
			g.join(x, row, north|south, true)
		}
	}
}

// arrow draws a packet from one lane to the other, or as far as it came, with a label.
func (m measure) arrow(g *grid, a *arrow, y int, label string) {
	start, end, head := m.lane[0], m.lane[1]-1, "▶"
	if a.from == 1 {
		start, end, head = m.lane[1], m.lane[0]+1, "◀"
	}
	note := a.end()
	switch a.fate {
	case wire.Held, wire.Dropped:
		m.stopped(g, a, y, label, note)
		return
	case wire.Forged:
		start = (start + end) / 2
	}
	g.across(y, start, end, false)
	g.put(end, y, head, normal)
	if note != "" {
		label = strings.TrimPrefix(label+","+note, ",")
	}
	if label != "" {
		text := " " + strings.TrimSpace(label) + " "
		g.put(m.lane[0]+1+(m.width()-ansi.StringWidth(text))/2, y, text, normal)
	}
}

// stopped draws a packet that did not reach the other side.
func (m measure) stopped(g *grid, a *arrow, y int, label, note string) {
	text := ""
	if label != "" {
		text = " " + label + " "
	}
	usual := m.width() * 3 / 4 // however long the label is, so that what is held stands in a column
	line := max((usual-ansi.StringWidth(text))/2, leastLine)
	reach := min(max(usual, 2*line+ansi.StringWidth(text)), m.width()-ansi.StringWidth(note))
	if a.from == 0 {
		from := m.lane[0]
		g.across(y, from, from+reach, false)
		g.put(from+1+line, y, text, normal)
		g.put(from+1+reach, y, note, strong)
		return
	}
	from := m.lane[1]
	g.across(y, from-reach, from, false)
	g.put(from-line-ansi.StringWidth(text), y, text, normal)
	mirrored := map[wire.Fate]string{wire.Held: "┃ held ", wire.Dropped: "lost ✕"}[a.fate]
	g.put(from-reach-ansi.StringWidth(mirrored), y, mirrored, strong)
}
