package drawing

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fd3/sockets/kernel"
)

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
			waiting := slices.ContainsFunc(b.rows[i:to], func(r *row) bool { return r.part == slot && !r.free })
			if r.part == top && !waiting && b.rows[to].text == "" {
				r, i = &row{text: r.text + ", empty", short: cmp.Or(r.short, r.text) + ", empty", free: true}, to
			}
			kept.rows = append(kept.rows, r)
		}
		boxes = append(boxes, &kept)
	}
	p.boxes = boxes
	return p
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
