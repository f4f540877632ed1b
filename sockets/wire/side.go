package wire

import "time"

// A side is what one end of a connection has sent. Its sequence numbers are those on the
// wire, and go around: they are compared by their difference (RFC 9293 section 3.4).
type side struct {
	based bool   // base is known
	base  uint32 // what counts as 0
	syn   bool   // its SYN was seen
	scale int    // of its windows, if it was; -1 without the option

	sent       bool      // the rest is known
	next       uint32    // after the highest number that it has sent
	nextAt     time.Time // when it sent that
	contiguous uint32    // after the highest number up to which none is missing
	ack        uint32    // what it has acknowledged
	ackAt      time.Time // when it did that last
	acks       bool      // it has acknowledged something
	window     int       // in its last segment, not scaled
	duplicates int       // of its last ACK
	last       Label     // KeepAlive or Probe, if its last segment was one

	copies []sending // what it has sent and the other end has not acknowledged
}

// A sending is a segment that was sent.
type sending struct {
	from, to uint32
	at       time.Time
}

// maxSendings is how many segments of a side are remembered, so that one that comes again
// is known.
const maxSendings = 1024

// before reports whether a sequence number comes before another.
func before(a, b uint32) bool { return int32(a-b) < 0 }

// again returns how long ago the first byte of a segment was sent last; 0 if it was not,
// or has been acknowledged since.
func (d *side) again(s Segment, now time.Time) time.Duration {
	if s.Next() == s.Seq {
		return 0
	}
	for i := len(d.copies) - 1; i >= 0; i-- {
		if c := d.copies[i]; !before(s.Seq, c.from) && before(s.Seq, c.to) {
			return max(now.Sub(c.at), 1)
		}
	}
	return 0
}

// acknowledged forgets what the segment of the other side acknowledges.
func (d *side) acknowledged(s Segment) {
	if !s.Has(ACK) {
		return
	}
	kept := d.copies[:0]
	for _, c := range d.copies {
		if before(s.Ack, c.to) {
			kept = append(kept, c)
		}
	}
	d.copies = kept
}

// learn remembers a segment of the side.
func (d *side) learn(s Segment, labels []Label, now time.Time) {
	next := s.Next()
	if next != s.Seq {
		if len(d.copies) == maxSendings {
			d.copies = append(d.copies[:0], d.copies[1:]...)
		}
		d.copies = append(d.copies, sending{s.Seq, next, now})
	}
	probe := has(labels, Probe)
	if !probe && (!d.sent || before(d.next, next)) { // a probe is sent again as data later
		d.next, d.nextAt = next, now
	}
	if !probe && (!d.sent || s.Seq == d.contiguous || before(s.Seq, d.contiguous) && before(d.contiguous, next)) {
		d.contiguous = next
	}
	d.sent, d.window, d.last = true, s.Window, ""
	for _, l := range labels {
		if l == KeepAlive || l == Probe {
			d.last = l
		}
	}
	if s.Has(ACK) {
		d.acks, d.ack, d.ackAt = true, s.Ack, now
	}
}
