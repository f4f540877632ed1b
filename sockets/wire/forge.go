package wire

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"
)

// router is who says that a packet is too large: no host of the network.
var router = netip.AddrFrom4([4]byte{10, 0, 0, 254})

// MostSYNs is how many SYNs one Order forges.
const MostSYNs = 1000

// CheckForged returns an error where an Order is to forge what cannot be. Two sequence numbers
// are not farther apart than half of all there are (RFC 9293 section 3.4).
func (o Order) CheckForged() error {
	switch {
	case o.Do == "rst" && (o.Off < math.MinInt32 || o.Off > math.MaxInt32):
		return fmt.Errorf("what lies beside a number of TCP is from %d to %d, not %d", math.MinInt32, math.MaxInt32, o.Off)
	case o.Do == "icmp" && (o.MTU < 68 || o.MTU > 1500):
		return fmt.Errorf("an MTU is from 68 (RFC 791) to the 1500 of this cable, not %d", o.MTU)
	case o.Do == "syn" && (o.Port < 1 || o.Port > 65535):
		return fmt.Errorf("a port is from 1 to 65535, not %d", o.Port)
	case o.Do == "syn" && (o.Count < 1 || o.Count > MostSYNs):
		return fmt.Errorf("from 1 to %d SYNs are forged at a time, not %d", MostSYNs, o.Count)
	}
	return nil
}

// rst sends a host an RST that the other has not sent, into the connection in which the
// host spoke last. It fits there, unless it is to be a guess: then the number by which the
// host knows that it fits lies so far beside.
func (c *Cable) rst(o Order) ([]*packet, error) {
	if err := o.CheckForged(); err != nil {
		return nil, err
	}
	to := slices.IndexFunc(c.ends[:], func(e End) bool { return e.Name == o.To })
	if to < 0 {
		return nil, fmt.Errorf("an RST goes to one of the hosts, not to %q", o.To)
	}
	for _, p := range slices.Backward(c.record) {
		if p.from != to || p.Fate == Forged || !read(p.Data).tcp() {
			continue
		}
		said := Parse(p.Data)
		s, ok := said.Segment()
		if !ok || s.Has(RST) {
			continue
		}
		frame, err := said.Refusal(o.Off)
		if err != nil {
			return nil, err
		}
		checked := "sequence number"
		if !s.Has(ACK) {
			checked = "acknowledgement number"
		}
		note := fmt.Sprintf("its %s is the one that the %s waits for", checked, o.To)
		if o.Off != 0 {
			note = fmt.Sprintf("its %s is a guess, %+d beside the one that the %s waits for", checked, o.Off, o.To)
		}
		if state := c.states(p).From; state == "" || state == "LISTEN" {
			note = fmt.Sprintf("the kernel of the %s tells of no such connection any more", o.To)
		}
		forged, err := c.forge(1-to, frame, note)
		c.had(forged...)
		return forged, err
	}
	return nil, fmt.Errorf("the %s has no connection yet that an RST could end", o.To)
}

// icmp loses a packet, and tells its sender in the name of a router that it is too large
// for the next link.
func (c *Cable) icmp(o Order) ([]*packet, error) {
	if err := o.CheckForged(); err != nil {
		return nil, err
	}
	p, err := c.chosen(o)
	if err != nil {
		return nil, fmt.Errorf("an ICMP message carries the head of the packet that it is about (RFC 792), and %w", err)
	}
	parsed := Parse(p.Data)
	frame, err := parsed.FragmentationNeeded(router, uint16(o.MTU))
	if err != nil {
		return nil, fmt.Errorf("packet %d: %w", p.Number, err)
	}
	c.leaves(p)
	p.lost()
	c.had(p)
	forged, err := c.forge(1-p.from, frame, fmt.Sprintf("a router that does not exist, %s, says that %d bytes is the most", router, o.MTU))
	c.had(forged...)
	return append([]*packet{p}, forged...), err
}

// forge puts a frame in front of a host that comes from nobody.
func (c *Cable) forge(from int, frame []byte, note string) ([]*packet, error) {
	p := &packet{Packet: Packet{Data: frame, Time: time.Now(), From: c.ends[from].Name, To: c.ends[1-from].Name, Note: note}, from: from}
	p.Before = c.states(p)
	c.pass(p, Forged)
	c.note(p)
	return []*packet{p}, nil
}
