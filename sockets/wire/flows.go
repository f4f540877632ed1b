package wire

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Flows follow the TCP connections that packets belong to. The zero Flows have seen none.
type Flows struct {
	flows map[[2]netip.AddrPort]*flow
	order [][2]netip.AddrPort // the oldest first
}

// maxFlows is how many connections are remembered: a flood of SYNs makes a new one with
// each.
const maxFlows = 4096

// A flow is one connection; its sides are in the order of its key.
type flow struct {
	sides [2]side
	syn   time.Time     // when the first SYN came
	rtt   time.Duration // from there to the end of the handshake; 0 before
}

// Follow relates a packet to those before it: Labels, Again, and in the fields and the
// Summary the numbers as they are counted from the start of the connection. Packets have
// to come in the order of their Times.
func (f *Flows) Follow(p *Packet) {
	s, ok := p.Segment()
	if !ok {
		return
	}
	c, from := f.of(s)
	if c.sides[from].based && s.Flags&(SYN|ACK) == SYN && s.Seq != c.sides[from].base {
		*c = flow{}
		p.Labels = append(p.Labels, PortReused)
	}
	c.begin(s, from, p.Time)
	fwd, rev := &c.sides[from], &c.sides[1-from]
	labels := c.analyze(s, fwd, rev, p.Time)
	p.Labels = append(p.Labels, labels...)
	p.Again = fwd.again(s, p.Time).Nanoseconds()
	fwd.learn(s, labels, p.Time)
	if p.Fate != Dropped { // an ACK that was lost has told nobody
		rev.acknowledged(s)
	}
	p.relate(s, fwd, rev)
}

// of returns the flow of a segment, and which of its sides has sent it.
func (f *Flows) of(s Segment) (c *flow, from int) {
	key := [2]netip.AddrPort{s.Src, s.Dst}
	if s.Dst.Compare(s.Src) < 0 {
		key[0], key[1], from = s.Dst, s.Src, 1
	}
	if c := f.flows[key]; c != nil {
		return c, from
	}
	if len(f.order) == maxFlows {
		delete(f.flows, f.order[0])
		f.order = slices.Delete(f.order, 0, 1)
	}
	if f.flows == nil {
		f.flows = make(map[[2]netip.AddrPort]*flow)
	}
	c = &flow{}
	f.flows[key] = c
	f.order = append(f.order, key)
	return c, from
}

// begin learns where the numbers of both sides begin, and how the windows are scaled.
func (c *flow) begin(s Segment, from int, at time.Time) {
	fwd, rev := &c.sides[from], &c.sides[1-from]
	if !fwd.based {
		fwd.based, fwd.base = true, s.Seq
		if !s.Has(SYN) { // the first byte that is seen has the number 1
			fwd.base--
		}
	}
	if !rev.based && s.Has(ACK) {
		rev.based, rev.base = true, s.Ack-1
	}
	switch {
	case s.Has(SYN):
		fwd.syn, fwd.scale = true, s.Scale
		if !s.Has(ACK) && c.syn.IsZero() {
			c.syn = at
		}
	case c.rtt == 0 && fwd.syn && rev.syn && s.Has(ACK):
		c.rtt = at.Sub(c.syn)
	}
}

// scaled is the window of a segment as it is meant. A window in a SYN is never scaled, and
// both ends have to want it (RFC 7323 section 2.2).
func scaled(s Segment, fwd, rev *side) int {
	if s.Has(SYN) || !fwd.syn || !rev.syn || fwd.scale < 0 || rev.scale < 0 {
		return s.Window
	}
	return s.Window << fwd.scale
}

// relate writes the numbers of a connection beside those on the wire.
func (p *Packet) relate(s Segment, fwd, rev *side) {
	tcp := p.Layer("TCP")
	here := func(field string, base uint32, has bool) {
		if f := tcp.Field(field); f != nil && has {
			f.Meaning = fmt.Sprintf("here %d", be.Uint32(p.Data[f.Start:])-base)
		}
	}
	here("sequence number", fwd.base, true)
	here("acknowledgment number", rev.base, s.Has(ACK))
	for i := range tcp.Fields {
		if f := &tcp.Fields[i]; f.End-f.Start == 4 && strings.HasSuffix(f.Name, " edge of block") {
			f.Meaning = fmt.Sprintf("here %d", be.Uint32(p.Data[f.Start:])-rev.base)
		}
	}
	if w := scaled(s, fwd, rev); w != s.Window {
		tcp.Field("window").Meaning = fmt.Sprintf("%d bytes", w)
	}
	wire := s.words()
	s.Seq -= fwd.base
	if s.Has(ACK) {
		s.Ack -= rev.base
	}
	for i := range s.SACK {
		s.SACK[i][0] -= rev.base
		s.SACK[i][1] -= rev.base
	}
	p.Summary = strings.Replace(p.Summary, wire, s.words(), 1)
}
