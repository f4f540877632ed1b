package drawing

import (
	"fmt"
	"strings"

	"fd3/sockets/kernel"
)

// routed makes the box of a router, which stands between the cable and the boxes at the
// right. before is the same router in the Snapshot before; nil: nothing was known.
func routed(r, before *kernel.Router) *box {
	b := &box{name: strings.TrimSpace(r.Name + " " + r.Addr), right: true, nobody: true, routes: true}
	for i, l := range r.Links {
		text := fmt.Sprintf("%s MTU %d", l.Name, l.MTU)
		if i > 0 && r.Route != 0 {
			text += fmt.Sprintf(", route MTU %d", r.Route)
		}
		changes := before != nil && (i >= len(before.Links) || before.Links[i] != l)
		b.rows = append(b.rows, &row{text: text, mark: map[bool]mark{true: changed}[changes]})
	}
	counted := func(r kernel.Router) [3]int64 { return [3]int64{r.Forwarded, r.TooLarge, r.Unreachable} }
	counts := &row{text: fmt.Sprintf("forwarded %d, too large %d", r.Forwarded, r.TooLarge), more: []string{fmt.Sprintf("ICMP sent %d", r.Unreachable)}}
	if before != nil && counted(*before) != counted(*r) {
		counts.mark = changed
	}
	b.rows = append(b.rows, counts)
	return b
}

// withSmallRouter returns the Picture with no more of the router than what it has counted.
func (p Picture) withSmallRouter() Picture {
	var boxes []*box
	for _, b := range p.boxes {
		if b.routes {
			kept := *b
			kept.rows = b.rows[len(b.rows)-1:]
			b = &kept
		}
		boxes = append(boxes, b)
	}
	p.boxes = boxes
	return p
}

// tieRouter draws the link from the router to the box before it, where the boxes stand side by
// side.
func (l *layout) tieRouter(g *grid) {
	if l.right == nil {
		return
	}
	above := -1 // the lower edge of the box before it
	for _, x := range l.right.lines {
		switch {
		case x.part == lower:
			above = x.y
		case x.part == upper && x.box.routes && above >= 0:
			g.down(l.measure.lane[1], above, x.y, true)
		}
	}
}
