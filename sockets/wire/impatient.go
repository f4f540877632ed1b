package wire

import (
	"bytes"
	"fmt"
	"slices"
)

// A kernel sends a SYN, or a SYN+ACK, again after a second, and no setting makes it wait
// for a person. A patient cable takes such a repeat off while the first one lies on it,
// or an answer of its connection does: it says nothing new.

// takeOff reports whether a packet is such a repeat, and notes it.
func (c *Cable) takeOff(p *packet) bool {
	h := read(p.Data)
	if !c.patient || !h.tcp() || h.flags&syn == 0 {
		return false
	}
	first := slices.IndexFunc(c.record, func(q *packet) bool { return q != p && q.from == p.from && alike(read(q.Data), h) })
	if first < 0 {
		return false
	}
	lying := c.lying()
	waits := slices.IndexFunc(lying, func(q *packet) bool { return q != p && connected(read(q.Data), h) })
	if waits < 0 {
		return false
	}
	p.Fate = TakenOff
	p.Note = fmt.Sprintf("packet %d again, while packet %d lies on the cable", c.record[first].Number, lying[waits].Number)
	c.record[first].again++
	return true
}

// alike reports whether two segments are the same one: all but its timestamp and what
// identifies its packet.
func alike(a, b header) bool {
	return a.tcp() && bytes.Equal(a.ip[12:20], b.ip[12:20]) && bytes.Equal(a.transport[:8], b.transport[:8]) && a.flags == b.flags && a.payload == b.payload
}

// connected reports whether two segments are of one connection.
func connected(a, b header) bool {
	if !a.tcp() {
		return false
	}
	src, dst, _ := a.addresses()
	from, to, _ := b.addresses()
	return src == from && dst == to || src == to && dst == from
}
