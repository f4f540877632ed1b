package cable

import (
	"slices"

	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// A Sight is a cable that is looked at again and again, for a Snapshot.
type Sight struct {
	Network *netlab.Network

	seen   kernel.Cable
	report wire.Report // when it was looked at last
	looked bool
}

// leftLast is how many packets a Sight tells of that have left the cable.
const leftLast = 1000

// Look returns what lies on the cable, and what has left it. As long as nothing comes and
// nothing leaves, or all passes at once, its record is not read again: that may be large.
func (s *Sight) Look() (*kernel.Cable, error) {
	now, err := s.Network.Cable(wire.Order{Do: "look"})
	if err != nil {
		return nil, err
	}
	flows := now.Holds == "" && now.Lie == 0 && s.report.Lie == 0
	still := now.Newest == s.report.Newest && now.Lie == s.report.Lie
	if !s.looked || !flows && !still {
		packets, report, err := remembered(s.Network)
		if err != nil {
			return nil, err
		}
		s.seen.Packets, s.report, s.looked = lain(packets), report, true
	}
	s.seen.Holds, s.seen.Way = now.Holds, now.Way
	for i, h := range s.Network.Hosts {
		s.seen.Ends[i] = kernel.End{Name: h.Name, Addr: h.Addr, Net: s.Network.Net(stage.Role(h.Name))}
	}
	if s.seen.Router, err = router(s.Network); err != nil {
		return nil, err
	}
	seen := s.seen // what is told stays as it is
	return &seen, nil
}

// lain returns the packets that lie on the cable, and the last ones of those that have
// lain there.
func lain(packets []wire.Packet) []wire.Packet {
	all := slices.DeleteFunc(packets, func(p wire.Packet) bool {
		return p.Fate != wire.Held && p.Arrived.IsZero() && p.Lost.IsZero()
	})
	left := 0
	for _, p := range all {
		if p.Fate != wire.Held {
			left++
		}
	}
	return slices.DeleteFunc(all, func(p wire.Packet) bool {
		if p.Fate == wire.Held || left <= leftLast {
			return false
		}
		left--
		return true
	})
}
