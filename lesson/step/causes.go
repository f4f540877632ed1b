package step

import (
	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// causes are the cases of a call that the kernel refused, where the errno alone does
// not tell why: of what Linux returns it for, those that the state shows.
func (s *scene) causes(c *cases) {
	x, addr := s.was(), s.order.Addr
	ip := addr.AddrPort().Addr()
	inet := s.domain() != unix.AF_UNIX && ip.IsValid()
	switch s.call.Errno {
	case unix.EINVAL:
		c.add(len(addr) > 0 && addr.Family() != s.domain(), "misfit")
		c.add(s.domain() == unix.AF_INET6 && (ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast()) && ip.Zone() == "", "linklocal")
		c.add(inet && addr.Port() == 0, "port")
		c.add(inet && x.Local.AddrPort().Addr().IsLoopback() && !ip.IsLoopback(), "loopback")
		c.add(x.Conversation(), "connected")
	case unix.EACCES:
		c.add(inet && broadcast(addr), "broadcast")
		c.add(inet, "inet")
	case unix.ENETUNREACH:
		c.add(inet && broadcast(addr), "broadcast")
		c.add(inet && ip.IsMulticast(), "broadcast")
	case unix.ECONNREFUSED:
		if t, ok := s.atTarget(); ok {
			c.add(!t.socket(), "file")
			c.add(t.orphan(), "orphan")
		}
	case unix.EAGAIN, unix.EINPROGRESS:
		c.add(x.NonBlock, "nonblock")
	case unix.EPIPE:
		c.add(ownFIN(x), "shut")
	}
	c.add(x.Listening, "listener")
	c.add(x.Bound(), "bound")
}

// broadcast reports whether an IPv4 address is one of broadcast here. The kernel is
// asked: a datagram socket may have such a peer only with SO_BROADCAST (ip(7)).
// connect(2) sends nothing.
func broadcast(addr sockets.Sockaddr) bool {
	ip := addr.AddrPort().Addr().Unmap()
	if !ip.Is4() {
		return false
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	to := &unix.SockaddrInet4{Port: int(addr.Port()), Addr: ip.As4()}
	if unix.Connect(fd, to) != unix.EACCES {
		return false
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1) == nil && unix.Connect(fd, to) == nil
}

// ownFIN reports whether a TCP socket is in a state that only its own FIN leads to
// (RFC 9293 section 3.3.2).
func ownFIN(x stage.Socket) bool {
	switch x.State() {
	case kernel.FinWait1, kernel.FinWait2, kernel.Closing, kernel.LastAck:
		return true
	}
	return false
}
