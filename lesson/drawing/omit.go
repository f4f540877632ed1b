package drawing

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fd3/sockets/kernel"
)

// dispensable are the sockets that may be left out, the first first; those that have changed
// stand apart.
func (p Picture) dispensable() (idle, moved []*kernel.Socket) {
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
	for _, c := range all {
		if c.rank == 2 {
			moved = append(moved, c.Socket)
		} else {
			idle = append(idle, c.Socket)
		}
	}
	return idle, moved
}

// withoutFiles returns the Picture without the descriptors that are no sockets and have not
// changed.
func (p Picture) withoutFiles() Picture {
	var boxes []*box
	for _, b := range p.boxes {
		kept := *b
		kept.rows = nil
		for _, r := range b.rows {
			switch {
			case r.others > 0:
				p.files += r.others
			case r.number != "" && r.socket == nil && r.mark == unchanged:
				p.files += r.descriptors()
			default:
				kept.rows = append(kept.rows, r)
			}
		}
		boxes = append(boxes, &kept)
	}
	p.boxes = boxes
	return p
}

// descriptors returns how many a row stands for.
func (r *row) descriptors() int {
	from, to, several := strings.Cut(r.number, "-")
	if !several {
		return 1
	}
	first, _ := strconv.Atoi(from)
	last, _ := strconv.Atoi(to)
	return last - first + 1
}

// merged returns the Picture with other programs of one name in one box.
func (p Picture) merged() Picture {
	var boxes []*box
	first := make(map[string]*box)
	for _, b := range p.boxes {
		one := first[b.comm]
		if b.comm == "" || one == nil || one.right != b.right {
			kept := *b
			kept.rows = slices.Clone(b.rows)
			boxes = append(boxes, &kept)
			first[b.comm] = &kept
			continue
		}
		one.name += ", " + strings.TrimPrefix(b.name, b.comm+" ")
		one.rows = append(one.rows, b.rows...)
		one.mark = max(one.mark, b.mark)
		if one.state != b.state || one.where != b.where {
			one.state, one.where = "", ""
		}
	}
	p.boxes = boxes
	return p
}

// withoutEmptyQueues returns the Picture with each queue that nobody waits in as one row.
func (p Picture) withoutEmptyQueues() Picture {
	return p.withQueues(func(head *row, inside []*row, end string) *row {
		waiting := slices.ContainsFunc(inside, func(r *row) bool { return r.part == slot && !r.free })
		if waiting || end != "" {
			return nil
		}
		r := head.saying(", empty")
		r.free = true
		return r
	})
}

// withCountedQueues returns the Picture with each queue of which no place is drawn any more as
// one row, which says how many wait there.
func (p Picture) withCountedQueues() Picture {
	return p.withQueues(func(head *row, inside []*row, end string) *row {
		waits := 0
		for _, r := range inside {
			if r.part == slot && !r.free && r.hides == 0 {
				return nil
			}
			waits += r.hides
		}
		told := fmt.Sprintf(", %d waiting", waits)
		if end != "" {
			told += ", " + end
		}
		return head.saying(told)
	})
}

// withQueues returns the Picture with queues as one row each: the one that short returns, of
// the first row of a queue, of all but the last, and of what the last says. Where short
// returns nil the queue stays as it is.
func (p Picture) withQueues(short func(head *row, inside []*row, end string) *row) Picture {
	var boxes []*box
	for _, b := range p.boxes {
		kept := *b
		kept.rows = nil
		for i := 0; i < len(b.rows); i++ {
			r := b.rows[i]
			to := i
			for r.part == top && b.rows[to].part != bottom {
				to++
			}
			if r.part == top {
				if one := short(r, b.rows[i:to], b.rows[to].text); one != nil {
					r, i = one, to
				}
			}
			kept.rows = append(kept.rows, r)
		}
		boxes = append(boxes, &kept)
	}
	p.boxes = boxes
	return p
}

// saying is a row of its own that says what r does, and more.
func (r *row) saying(more string) *row {
	return &row{text: r.text + more, short: cmp.Or(r.short, r.text) + more}
}

// withoutStill returns the Picture without a box in which nothing has changed, if one can be
// done without: the first one that shows nothing any more, else, where it is known what has
// changed, the first one. A cable hangs between two boxes, so each side keeps one.
func (p Picture) withoutStill() (less Picture, ok bool) {
	var sides [2]int
	for _, b := range p.boxes {
		sides[b.side()]++
	}
	spare := func(b *box) bool { return b.still() && sides[b.side()] > 1 }
	i := slices.IndexFunc(p.boxes, func(b *box) bool { return spare(b) && len(b.rows) == 0 })
	if i < 0 && p.diff != nil {
		i = slices.IndexFunc(p.boxes, spare)
	}
	if i < 0 {
		return p, false
	}
	out := p.boxes[i]
	p.links = slices.DeleteFunc(slices.Clone(p.links), func(l link) bool {
		return slices.Contains(out.rows, l.from) || slices.Contains(out.rows, l.to)
	})
	p.boxes = slices.Delete(slices.Clone(p.boxes), i, i+1)
	p.still++
	return p, true
}

// side is 1 at the right.
func (b *box) side() int {
	if b.right {
		return 1
	}
	return 0
}

// still reports whether nothing in a box has changed.
func (b *box) still() bool {
	moved := func(r *row) bool { return r.mark != unchanged }
	return b.mark == unchanged && !slices.ContainsFunc(b.rows, moved) && !slices.ContainsFunc(b.hidden, moved)
}

// withFewDetails returns the Picture without the most of what would take lines of their own
// below a row.
func (p Picture) withFewDetails() Picture {
	p.brief = briefer
	return p
}

// withoutDetails returns the Picture without what would take a line of its own below a
// row: an empty queue, too.
func (p Picture) withoutDetails() Picture {
	p.brief = briefly
	var boxes []*box
	for _, b := range p.boxes {
		kept := *b
		kept.rows = slices.DeleteFunc(slices.Clone(b.rows), func(r *row) bool { return r.free && r.part == descriptor })
		p.queues += len(b.rows) - len(kept.rows)
		boxes = append(boxes, &kept)
	}
	p.boxes = boxes
	return p
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
		for _, ends := range [][2]*row{{l.from, l.to}, {l.to, l.from}} {
			a, b := ends[0], ends[1]
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
		hides := 0 // of the queue
		for _, r := range b.rows {
			switch {
			case r.hides > 0:
				hides += r.hides
				continue
			case out[r] && r.part == slot:
				hides++
				continue
			case out[r]:
				kept.hidden = append(kept.hidden, r)
				continue
			case r.part == bottom && hides > 0:
				kept.rows = append(kept.rows, &row{part: slot, text: fmt.Sprintf("%d not shown", hides), hides: hides})
				hides = 0
			}
			kept.rows = append(kept.rows, r)
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
		state := r.socket.State.String()
		if r.part == refused {
			_, state, _ = strings.Cut(r.text, " ")
		}
		states[state]++
	}
	var all []string
	for state, n := range states {
		all = append(all, fmt.Sprintf("%d%s%s", n, tie, state))
	}
	slices.Sort(all)
	return "not shown: " + strings.Join(all, ", ")
}
