package step

import (
	"cmp"
	"net/netip"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// order turns a step into the system call that makes it.
func (r *Runner) order(t todo, o Options, s sight) stage.Order {
	fd := o.FD
	if fd < 0 {
		fd = pick(t.step, t.role, s)
	}
	x, _ := s.socket(t.role, fd)
	switch t.step {
	case "socket":
		return stage.Order{Do: "socket", Domain: domain(t, o, s), Type: socketType(t, o, s), Protocol: o.Proto}
	case "setsockopt":
		return stage.Order{Do: "setsockopt", FD: fd, Option: unix.SO_REUSEADDR}
	case "timeout":
		return stage.Order{Do: "setsockopt", FD: fd, Option: o.timeoutOption, Timeout: o.Timeout}
	case "bind":
		return stage.Order{Do: "bind", FD: fd, Addr: r.bindAddr(t.role, o, x)}
	case "listen":
		return stage.Order{Do: "listen", FD: fd, Backlog: o.Backlog}
	case "connect":
		return stage.Order{Do: "connect", FD: fd, Addr: r.target(o, s)}
	case "accept":
		return stage.Order{Do: "accept4", FD: fd, Flags: unix.SOCK_CLOEXEC}
	case "recv":
		return stage.Order{Do: "recvfrom", FD: fd, Type: x.Type, Size: o.Size}
	case "drain":
		return stage.Order{Do: "recvfrom", FD: fd, Type: x.Type, Size: o.Size, Flags: unix.MSG_DONTWAIT}
	case "send":
		return stage.Order{Do: "sendto", FD: fd, Flags: unix.MSG_NOSIGNAL, Data: message(t, o, x), Addr: destination(o, s, x)}
	case "shutdown":
		return stage.Order{Do: "shutdown", FD: fd, How: o.How}
	}
	return stage.Order{Do: "close", FD: fd}
}

// domain is the family of a new socket: what was asked for, else what the address
// needs, else, for a client, that of the server's socket.
func domain(t todo, o Options, s sight) int {
	if o.Domain != 0 {
		return o.Domain
	}
	if x, ok := s.listener(); ok && t.role == stage.Client && o.Addr == nil {
		return x.Domain
	}
	return domainFor(o.Addr)
}

// domainFor is the family of socket that an address needs.
func domainFor(addr sockets.Sockaddr) int {
	if f := addr.Family(); f != unix.AF_UNSPEC {
		return f
	}
	return unix.AF_INET
}

func socketType(t todo, o Options, s sight) int {
	typ := cmp.Or(o.Type, unix.SOCK_STREAM)
	if x, ok := s.listener(); ok && o.Type == 0 && t.role == stage.Client && o.Addr == nil {
		typ = x.Type
	}
	if o.Count > 1 && t.role == stage.Client {
		typ |= unix.SOCK_NONBLOCK
	}
	return typ | unix.SOCK_CLOEXEC
}

// bindAddr is what was asked for, else the usual address, with the loopback
// address of the socket's own family. A client needs no port that others know, so
// the kernel chooses one.
func (r *Runner) bindAddr(role stage.Role, o Options, x stage.Socket) sockets.Sockaddr {
	if o.Addr != nil {
		return o.Addr
	}
	if x.Domain == unix.AF_UNIX { // beside the control sockets, where only this user may connect
		return sockets.UnixSockaddr(filepath.Join(stage.Folder(), r.Name+".listener"))
	}
	usual := r.Usual.AddrPort()
	ip, port := usual.Addr(), usual.Port()
	if x.Domain == unix.AF_INET6 {
		ip = netip.IPv6Loopback()
	}
	if role == stage.Client {
		port = 0
	}
	return sockets.InetSockaddr(netip.AddrPortFrom(ip, port))
}

// target is the address that connect goes to: what was asked for, else where the
// server listens. One cannot connect to every interface at once, so the wildcard
// becomes loopback.
func (r *Runner) target(o Options, s sight) sockets.Sockaddr {
	if o.Addr != nil {
		return o.Addr
	}
	x, ok := s.listener()
	if !ok {
		return r.bindAddr(stage.Server, o, x)
	}
	if !x.Local.Wildcard() {
		return x.Local
	}
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if x.Domain == unix.AF_INET6 {
		loopback = netip.IPv6Loopback()
	}
	return sockets.InetSockaddr(netip.AddrPortFrom(loopback, x.Local.Port()))
}

// destination is where a datagram goes from a socket without a peer: where it was
// told to, else to the newest socket of the other process.
func destination(o Options, s sight, x stage.Socket) sockets.Sockaddr {
	if o.Addr != nil || x.Stream() || x.Connected() {
		return o.Addr
	}
	if other, ok := s.last(stage.Client, conversation); ok {
		return other.Local
	}
	return nil
}

// message is what send sends: the bytes that were given, else a request from the
// client and a response from the server.
func message(t todo, o Options, x stage.Socket) []byte {
	switch {
	case o.Data != nil:
		return o.Data
	case x.Type == unix.SOCK_DGRAM && t.role == stage.Client:
		return []byte("one message\n")
	case x.Type == unix.SOCK_DGRAM:
		return []byte("one answer\n")
	case t.role == stage.Client:
		return httpmini.AppendRequest(nil, o.Method, o.Target, host(x))
	}
	return httpmini.AppendResponse(nil, httpmini.Message{
		Status:      o.Status,
		Date:        time.Now(),
		ContentType: o.MediaType,
		Body:        o.Body,
		Connection:  "close",
	})
}

// host is the Host field for a connection: the peer's address and port, and
// localhost for a unix socket, as curl does it.
func host(x stage.Socket) string {
	if x.Domain == unix.AF_UNIX || !x.Connected() {
		return "localhost"
	}
	return x.Peer.String()
}
