package step

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets"
)

// goal is the address that a connect or a send goes to. No packet can go to the
// wildcard: the kernel takes an address of this machine for it, the one that the socket
// is bound to or else loopback (ip_route_output_key_hash_rcu, tcp_v6_connect).
func (s *scene) goal() sockets.Sockaddr {
	if x, ok := s.socket(); ok && s.call.Name == "connect" && s.call.Errno == 0 && x.Connected() {
		return x.Peer
	}
	if taken := takenFor(s.order.Addr, s.was().Local); taken != nil {
		return taken
	}
	return s.order.Addr
}

// takenFor asks the kernel what it takes for the wildcard: a datagram socket, bound to the
// same address, gets it as its peer. connect(2) sends nothing. It returns nil for another
// address, and where the kernel does not tell.
func takenFor(addr, local sockets.Sockaddr) sockets.Sockaddr {
	if !addr.Wildcard() {
		return nil
	}
	fd, err := unix.Socket(addr.Family(), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var t sockets.Tracer
	if own := local.AddrPort().Addr(); own.IsValid() && t.Bind(fd, sockets.InetSockaddr(netip.AddrPortFrom(own, 0))).Errno != 0 {
		return nil // an address of another network namespace
	}
	t.Connect(fd, addr)
	return sockets.Peername(fd)
}

// wildcardTaken shows what the kernel takes for the wildcard.
func wildcardTaken(s *scene) []lesson.Evidence {
	if goal := s.goal(); s.order.Addr.Wildcard() && !goal.Wildcard() {
		return one(facts.WildcardTaken(s.order.Addr, goal))
	}
	return nil
}
