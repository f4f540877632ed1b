package kernel

import (
	"slices"

	"fd3/sockets/wire"
)

// A Cable is what lies between two hosts. No kernel knows of it: it is told by those who
// hold it.
type Cable struct {
	Ends    [2]End        `json:"ends"`             // the hosts
	Holds   string        `json:"holds"`            // what has to lie on it, in words of wire.Filters; empty: all passes at once
	Way     wire.Way      `json:"way"`              // what becomes of what passes
	Router  *Router       `json:"router,omitempty"` // what stands between it and the host at its right end; nil: nothing
	Packets []wire.Packet `json:"packets"`          // those that lie on it, and those that lay there and have left it last, by number
}

// An End is a host that a Cable ends at.
type End struct {
	Name string `json:"name"` // as From and To of a packet have it
	Addr string `json:"addr"` // of its interface
	Net  Net    `json:"-"`
}

// nets are those of its ends. A nil Cable has none.
func (c *Cable) nets() []Net {
	if c == nil {
		return nil
	}
	return []Net{c.Ends[0].Net, c.Ends[1].Net}
}

// join ties the hosts of a Snapshot to the ends of a cable.
func (s *Snapshot) join(c *Cable) {
	s.Cable = c
	if c == nil {
		return
	}
	for i := range s.Hosts {
		for _, end := range c.Ends {
			if end.Net == s.Hosts[i].Net {
				s.Hosts[i].Name = end.Name
			}
		}
	}
}

// Lying returns the packets that lie on the cable, the first one first. On a nil Cable
// lie none.
func (c *Cable) Lying() []wire.Packet {
	if c == nil {
		return nil
	}
	return wire.Lying(c.Packets)
}

// packet returns the packet of a number, or nil. A nil Cable has none.
func (c *Cable) packet(number int) *wire.Packet {
	if c == nil {
		return nil
	}
	i := slices.IndexFunc(c.Packets, func(p wire.Packet) bool { return p.Number == number })
	if i < 0 {
		return nil
	}
	return &c.Packets[i]
}

// since returns the packets that lie on a cable and did not before, and those that have
// left it since, also where they came since.
func (c *Cable) since(before *Cable) (came, left []int) {
	if c == nil {
		return nil, nil
	}
	for _, p := range c.Packets {
		was := before.packet(p.Number)
		switch {
		case p.Fate == wire.Held && was == nil:
			came = append(came, p.Number)
		case p.Fate != wire.Held && (was == nil || was.Fate == wire.Held):
			left = append(left, p.Number)
		}
	}
	return came, left
}
