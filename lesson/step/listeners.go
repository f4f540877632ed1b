package step

import (
	"net/netip"

	"fd3/sockets"
	"fd3/sockets/kernel"
)

// listeners are the addresses that listen on the port that a connect goes to,
// whether a connection to its address would reach them or not.
func (s *scene) listeners() []netip.AddrPort {
	var at []netip.AddrPort
	for _, row := range s.after.net(s.role).tcp {
		if row.State == kernel.Listen && row.Local.Port() == s.order.Addr.Port() {
			at = append(at, row.Local)
		}
	}
	return at
}

// receivers are the addresses that UDP sockets have on a port.
func (s *scene) receivers(port uint16) []netip.AddrPort {
	var at []netip.AddrPort
	for _, row := range s.after.net(s.role).udp {
		if row.Local.Port() == port {
			at = append(at, row.Local)
		}
	}
	return at
}

// receiver is the address that a datagram socket sends to: the one that the call
// names, else its peer's.
func (s *scene) receiver() sockets.Sockaddr {
	if len(s.order.Addr) > 0 {
		return s.order.Addr
	}
	return s.was().Peer
}
