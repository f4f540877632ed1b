package step

import (
	"net/netip"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Bind gives a socket its address.
var Bind = add(Step{
	Name:   "bind",
	Call:   "bind",
	Named:  true,
	Struct: true,
	On:     these(fresh, quiet),
	Needs: func(p plan) (todo, bool) {
		if t, missing := p.socket(); missing {
			return t, true
		}
		if x, _ := p.now.last(p.role, quiet); p.role == server && reusable(x) && fresh(x) {
			return p.first("setsockopt", p.role)
		}
		return nothing()
	},
	Order: func(s *scene) stage.Order {
		x, _ := s.socket()
		addr := s.opts.Addr
		if addr == nil {
			addr = s.usualAddr(s.role, x)
		}
		return stage.Order{FD: s.call.FD, Addr: addr}
	},
	Facts: []fact{localName, socketFile, absence},
	Cases: bindCases,
})

// reusable reports whether SO_REUSEADDR should be set before bind: on TCP, unless
// it is. On UDP it would let two sockets take the same port, which is no default.
func reusable(x stage.Socket) bool { return x.Protocol == unix.IPPROTO_TCP && !x.ReuseAddr }

// usualAddr is the usual address, with the loopback address of the socket's own
// family. A client needs no port that others know, so the kernel chooses one.
func (s *scene) usualAddr(role stage.Role, x stage.Socket) sockets.Sockaddr {
	if x.Domain == unix.AF_UNIX { // beside the control sockets, where only this user may connect
		return sockets.UnixSockaddr(filepath.Join(stage.Folder(), s.name+".listener"))
	}
	usual := s.usual.AddrPort()
	ip, port := usual.Addr(), usual.Port()
	if x.Domain == unix.AF_INET6 {
		ip = netip.IPv6Loopback()
	}
	if role == client {
		port = 0
	}
	return sockets.InetSockaddr(netip.AddrPortFrom(ip, port))
}

func bindCases(s *scene, c *cases) {
	addr := s.order.Addr
	c.add(s.opts.Localhost, "localhost")
	c.add(s.call.Errno == unix.EINVAL && s.was().Bound(), "bound")
	if s.call.Errno == unix.EADDRINUSE && s.domain() != unix.AF_UNIX {
		c.add(addr.Port() == 0, "auto")
	}
	if s.call.Errno == unix.EADDRINUSE && s.domain() != unix.AF_UNIX && s.stream() {
		listens := s.net().tcp.Listener(addr.AddrPort()) != nil
		c.add(!listens && s.net().inTimeWait(addr) > 0, "timewait")
	}
	_, held := s.pathHolder()
	c.add(held, "live")
	if t, ok := s.taken(); ok && !held {
		c.add(t.mode == 0, "vanished")
		c.add(t.mode != 0 && !t.socket(), "file")
		c.add(t.socket() && !t.orphan(), "hidden")
	}
	c.add(s.call.Errno == unix.EACCES && s.domain() != unix.AF_UNIX && !s.privileged(), "policy")
	c.add(s.abstract() && !s.stream(), "dgram abstract")
	c.add(s.abstract(), "abstract")
	c.add(!s.stream() && s.domain() == unix.AF_UNIX, "dgram unix")
	c.add(!s.stream(), "dgram")
	c.add(s.domain() == unix.AF_UNIX, "unix")
	c.add(addr.Wildcard(), "any")
	c.add(s.domain() != unix.AF_UNIX && addr.Port() == 0, "auto")
}

// privileged reports whether the port of the address needs CAP_NET_BIND_SERVICE.
func (s *scene) privileged() bool {
	first, err := s.setting("net.ipv4.ip_unprivileged_port_start")
	n, wrong := strconv.Atoi(first)
	return err != nil || wrong != nil || int(s.order.Addr.Port()) < n
}

// inTimeWait counts the connections of a local port that are in TIME_WAIT.
func (n network) inTimeWait(addr sockets.Sockaddr) int {
	count := 0
	for _, row := range n.tcp {
		if row.State == kernel.TimeWait && row.Local.Port() == addr.Port() {
			count++
		}
	}
	return count
}
