package wire

import (
	"slices"
	"time"
)

// A segment that comes less than outOfOrder after the one before which it belongs has
// only been overtaken, if the time that a packet takes there and back is not known. One
// that duplicate ACKs have asked for comes less than promptly after them.
const (
	outOfOrder = 3 * time.Millisecond
	promptly   = 20 * time.Millisecond
)

func has(labels []Label, l Label) bool { return slices.Contains(labels, l) }

// analyze returns the labels of a segment, by what both sides have sent before it.
func (c *flow) analyze(s Segment, fwd, rev *side, now time.Time) []Label {
	var labels []Label
	if fwd.sent {
		labels = about(s, fwd, rev)
	} else if s.Window == 0 && s.Flags&(SYN|FIN|RST) == 0 {
		labels = []Label{ZeroWindow}
	}
	if s.Ack != fwd.ack {
		fwd.duplicates = 0
	}
	if s.Has(ACK) && rev.sent && before(rev.contiguous, s.Ack) {
		labels = append(labels, UnseenACK)
		rev.contiguous = s.Ack
	}
	advances := s.Length > 0 || s.Flags&(SYN|FIN) != 0
	probed := s.Length > 1 && s.Seq == fwd.next-1 // its first byte may have been a probe, and the rest is new
	if fwd.sent && advances && before(s.Seq, fwd.next) && !probed && !has(labels, KeepAlive) {
		labels = append(labels, c.repeated(s, fwd, rev, now))
	}
	return labels
}

// about returns the labels of a segment that are about its window, what it acknowledges,
// and whether it is the next.
func about(s Segment, fwd, rev *side) (labels []Label) {
	plain := s.Flags&(SYN|FIN|RST) == 0
	if s.Length == 1 && s.Seq == fwd.next && rev.sent && rev.window == 0 {
		return []Label{Probe}
	}
	if plain && s.Window == 0 {
		labels = append(labels, ZeroWindow)
	}
	if before(fwd.next, s.Seq) && !s.Has(RST) {
		labels = append(labels, Unseen)
	}
	if plain && s.Length <= 1 && s.Seq == fwd.next-1 {
		labels = append(labels, KeepAlive)
	}
	if plain && s.Length > 0 && rev.acks && rev.fills(s, fwd) {
		labels = append(labels, WindowFull)
	}
	if plain && s.Length == 0 && s.Seq == fwd.next && fwd.acks && s.Has(ACK) {
		if l := fwd.acknowledges(s, rev); l != "" {
			labels = append(labels, l)
		}
	}
	return labels
}

// fills reports whether a segment reaches to the end of the room that a side has told of.
func (d *side) fills(s Segment, of *side) bool {
	if !d.syn {
		return false // its scale is not known
	}
	window := uint32(d.window)
	if d.scale > 0 && of.syn && of.scale >= 0 {
		window <<= d.scale
	}
	return s.Next() == d.ack+window
}

// acknowledges returns the label of a segment without data: an ACK that acknowledges
// nothing new says something else.
func (d *side) acknowledges(s Segment, rev *side) Label {
	same := s.Ack == d.ack
	switch {
	case same && s.Window == d.window && s.Window > 0 && rev.last == KeepAlive:
		return KeepAliveACK
	case (same || s.Ack == d.ack+1) && s.Window == 0 && d.window == 0 && rev.last == Probe:
		return ProbeACK
	case same && s.Window > 0 && (s.Window == d.window || len(s.SACK) > 0):
		d.duplicates++
		return DuplicateACK
	case same && s.Window > 0:
		return WindowUpdate
	}
	return ""
}

// repeated returns the label of a segment that is not the next.
func (c *flow) repeated(s Segment, fwd, rev *side, now time.Time) Label {
	if s.Length > 0 && rev.acks && !before(rev.ack, s.Seq+uint32(s.Length)) {
		return Spurious
	}
	if rev.duplicates >= 2 && rev.ack == s.Seq && now.Sub(rev.ackAt) < promptly {
		return Fast
	}
	threshold := outOfOrder
	if c.rtt > 0 {
		threshold = c.rtt
	}
	if now.Sub(fwd.nextAt) < threshold && s.Next() != fwd.next {
		return OutOfOrder
	}
	return Retransmission
}
