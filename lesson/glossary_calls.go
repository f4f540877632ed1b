package lesson

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
)

// A pair is a listener on loopback, a client connected to it and, once accepted,
// the server's end: all in this process, and only to ask the kernel about them.
type pair struct {
	sockets.Tracer
	listener, client, server int
	made                     []sockets.Call // that have returned
}

// withPair makes a pair, asks, and closes it. The client is not accepted yet.
func withPair(ask func(*pair) []Evidence) []Evidence {
	p := &pair{listener: -1, client: -1, server: -1}
	p.Observe = func(c sockets.Call) {
		if c.Returned {
			p.made = append(p.made, c)
		}
	}
	defer p.end()
	if p.open() {
		return ask(p)
	}
	return nil
}

func (p *pair) open() bool {
	p.listener = p.socket(unix.SOCK_STREAM)
	if p.listener < 0 ||
		p.SetReuseAddr(p.listener, true).Err() != nil ||
		p.Bind(p.listener, anyPort).Err() != nil ||
		p.Listen(p.listener, unix.SOMAXCONN).Err() != nil {
		return false
	}
	p.client = p.socket(unix.SOCK_STREAM)
	return p.client >= 0 && p.Connect(p.client, sockets.Sockname(p.listener)).Err() == nil
}

func (p *pair) socket(typ int) int {
	return int(p.Socket(unix.AF_INET, typ|unix.SOCK_CLOEXEC, 0).Ret)
}

// accept takes the client from the queue. It never waits: connect has returned.
func (p *pair) accept() bool {
	p.server = int(p.Accept4(p.listener, unix.SOCK_CLOEXEC).Ret)
	return p.server >= 0
}

// end closes what is open. Connections end by a RST, so that no TIME_WAIT stays.
func (p *pair) end() {
	for _, fd := range []int{p.client, p.server} {
		if fd >= 0 {
			unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		}
	}
	for _, fd := range []int{p.client, p.server, p.listener} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// row is a socket as sock_diag(7) has it.
func (p *pair) row(fd int) (kernel.InetSocket, bool) {
	all, err := kernel.InetSockets(unix.AF_INET, unix.IPPROTO_TCP, kernel.AllStates)
	if err != nil {
		return kernel.InetSocket{}, false
	}
	var peer netip.AddrPort
	if name := sockets.Peername(fd); name != nil {
		peer = name.AddrPort()
	}
	return kernel.Find(all, sockets.Sockname(fd).AddrPort(), peer)
}

// connected is withPair for what needs both ends.
func connected(ask func(*pair) []Evidence) []Evidence {
	return withPair(func(p *pair) []Evidence {
		if !p.accept() {
			return nil
		}
		return ask(p)
	})
}

// told is a call as evidence.
func told(fact, command string, c sockets.Call, note string) Evidence {
	return Evidence{Fact: fact, Value: c.Strace(), Source: "the kernel's answer", Command: command, Note: note}
}

// trace is the command that shows these calls being made for a word.
func trace(word string, calls ...string) string {
	return "strace -f -e trace=" + strings.Join(calls, ",") + " fd3 explain " + word
}

// made makes a whole short life of two sockets and shows the first call of a name.
func made(word, name string) func() []Evidence {
	return func() []Evidence {
		return withPair(func(p *pair) []Evidence {
			p.live()
			for _, c := range p.made {
				if c.Name == name {
					return []Evidence{told("made just now", trace(word, name), c, "")}
				}
			}
			return nil
		})
	}
}

// live makes the calls of the course that made shows.
func (p *pair) live() {
	watch := int(p.EpollCreate1(unix.EPOLL_CLOEXEC).Ret)
	if watch >= 0 {
		p.EpollCtl(watch, unix.EPOLL_CTL_ADD, p.listener, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(p.listener)})
		p.EpollWait(watch, make([]unix.EpollEvent, 4), 0)
		unix.Close(watch)
	}
	if !p.accept() {
		return
	}
	request := "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	p.Send(p.client, []byte(request), unix.MSG_NOSIGNAL)
	p.Recv(p.server, 4096, 0)
	if file, err := unix.MemfdCreate("page", unix.MFD_CLOEXEC); err == nil {
		if n, err := unix.Write(file, []byte("a page\n")); err == nil {
			var offset int64
			p.Sendfile(p.server, file, &offset, n)
		}
		unix.Close(file)
	}
	beneath := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH}
	if c := p.Openat2(unix.AT_FDCWD, "..", beneath); c.Err() == nil {
		unix.Close(int(c.Ret))
	}
	p.Shutdown(p.server, unix.SHUT_WR)
	unix.SetsockoptLinger(p.client, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	p.Close(p.client)
	p.client = -1
}

// answered brings an error about, by a call that cannot but fail so.
func answered(want unix.Errno) func() []Evidence {
	return func() []Evidence {
		return withPair(func(p *pair) []Evidence {
			c, ok := p.fail(want)
			if !ok || c.Errno != want {
				return nil
			}
			return []Evidence{told("made just now", trace(c.ErrnoName(), c.Name), c, staged[want])}
		})
	}
}

// staged says what was done to bring an error about, where the call does not.
var staged = map[unix.Errno]string{
	unix.EADDRINUSE:    "A socket that fd3 made a moment before listens there.",
	unix.EADDRNOTAVAIL: "An address from a range that is only for examples (RFC 5737, section 3).",
	unix.ECONNREFUSED:  "The port is bound, but nobody listens.",
	unix.ECONNRESET:    "The peer has closed its socket with one byte unread.",
	unix.EPIPE:         "After `shutdown` for sending. `MSG_NOSIGNAL` keeps the signal away.",
	unix.EAGAIN:        "Nothing has arrived, and the flag says not to wait.",
	unix.EINVAL:        "The socket is connected, and does not listen.",
	unix.EBADF:         "No process has a descriptor -1.",
	unix.ENOTCONN:      "The socket is new.",
	unix.EISCONN:       "The socket is connected already.",
	unix.EACCES:        "A broadcast address, and no `SO_BROADCAST`.",
	unix.EINPROGRESS:   "The socket is non-blocking.",
	unix.EALREADY:      "The first `connect` waits: the accept queue is full.",
	unix.ENOTSOCK:      "The descriptor leads to an epoll.",
	unix.EOPNOTSUPP:    "A datagram socket.",
	unix.EDESTADDRREQ:  "A datagram socket without a peer.",
}

// fail makes the call that gives an errno.
func (p *pair) fail(want unix.Errno) (sockets.Call, bool) {
	here := sockets.Sockname(p.listener)
	extra := func(typ int) (fd int) {
		fd, err := unix.Socket(unix.AF_INET, typ|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return -1
		}
		return fd
	}
	switch want {
	case unix.EBADF:
		return p.Listen(-1, 0), true
	case unix.EAFNOSUPPORT:
		return p.Socket(0x7fff, unix.SOCK_STREAM, 0), true
	case unix.EPROTONOSUPPORT:
		return p.Socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP), true
	case unix.ENOENT:
		return p.Openat(unix.AT_FDCWD, "/no/such/path", unix.O_RDONLY|unix.O_CLOEXEC, 0), true
	case unix.EISCONN:
		return p.Connect(p.client, here), true
	case unix.EINVAL:
		return p.Accept4(p.client, 0), true
	case unix.EAGAIN:
		return p.Recv(p.client, 4096, unix.MSG_DONTWAIT), true
	case unix.EPIPE:
		p.Shutdown(p.client, unix.SHUT_WR)
		return p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL), true
	case unix.ECONNRESET:
		if !p.accept() || p.Send(p.client, []byte("a"), unix.MSG_NOSIGNAL).Err() != nil {
			return sockets.Call{}, false
		}
		unix.Close(p.server)
		p.server = -1
		return p.Recv(p.client, 4096, unix.MSG_DONTWAIT), true
	case unix.ENOTSOCK:
		epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		if err != nil {
			return sockets.Call{}, false
		}
		defer unix.Close(epoll)
		return p.Listen(epoll, 0), true
	}

	typ := unix.SOCK_STREAM
	switch want {
	case unix.EOPNOTSUPP, unix.EDESTADDRREQ, unix.EMSGSIZE, unix.EACCES:
		typ = unix.SOCK_DGRAM
	case unix.EINPROGRESS, unix.EALREADY:
		typ = unix.SOCK_STREAM | unix.SOCK_NONBLOCK
	}
	fd := extra(typ)
	if fd < 0 {
		return sockets.Call{}, false
	}
	defer unix.Close(fd)
	switch want {
	case unix.EADDRINUSE:
		return p.Bind(fd, here), true
	case unix.EADDRNOTAVAIL:
		return p.Bind(fd, sockets.InetSockaddr(netip.MustParseAddrPort("203.0.113.77:0"))), true
	case unix.ENOTCONN:
		return p.Shutdown(fd, unix.SHUT_WR), true
	case unix.EOPNOTSUPP:
		return p.Listen(fd, 0), true
	case unix.EDESTADDRREQ:
		return p.Send(fd, []byte("hello"), unix.MSG_NOSIGNAL), true
	case unix.EMSGSIZE:
		return p.SendTo(fd, bytes.Repeat([]byte("long "), 1<<14), unix.MSG_NOSIGNAL, here), true
	case unix.EACCES:
		return p.Connect(fd, sockets.InetSockaddr(netip.MustParseAddrPort("127.255.255.255:9"))), true
	case unix.ECONNREFUSED:
		if p.Bind(fd, anyPort).Err() != nil {
			return sockets.Call{}, false
		}
		caller := extra(unix.SOCK_STREAM)
		if caller < 0 {
			return sockets.Call{}, false
		}
		defer unix.Close(caller)
		return p.Connect(caller, sockets.Sockname(fd)), true
	case unix.EINPROGRESS:
		return p.Connect(fd, here), true
	case unix.EALREADY:
		if p.Listen(p.listener, 0).Err() != nil { // the client waits there, and a backlog of 0 holds one
			return sockets.Call{}, false
		}
		p.Connect(fd, here)
		return p.Connect(fd, here), true
	}
	return sockets.Call{}, false
}

// clamped asks for more than the kernel allows and reads back what it took.
func clamped() []Evidence {
	const tooMany = 1 << 20
	return withPair(func(p *pair) []Evidence {
		if p.Listen(p.listener, tooMany).Err() != nil {
			return nil
		}
		row, ok := p.row(p.listener)
		if !ok {
			return nil
		}
		return []Evidence{{Fact: "asked for", Value: fmt.Sprintf("%d, and the kernel made it %d", tooMany, row.WQueue), Source: "listen(2), sock_diag(7)", Command: "fd3 listen --backlog 1048576"}}
	})
}

// oneWaiting shows a listener with a connection that nobody has accepted.
func oneWaiting() []Evidence {
	return withPair(func(p *pair) []Evidence {
		row, ok := p.row(p.listener)
		if !ok {
			return nil
		}
		return []Evidence{{Fact: "a listener", Value: fmt.Sprintf("Recv-Q %d, Send-Q %d", row.RQueue, row.WQueue), Source: "sock_diag(7)", Command: "ss -ltn",
			Note: fmt.Sprintf("A new one, with a backlog of %d, to which one client has connected.", unix.SOMAXCONN)}}
	})
}

// unreadHere and unsentHere show the queues of a connection.
func unreadHere() []Evidence {
	return connected(func(p *pair) []Evidence {
		p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL)
		row, ok := p.row(p.server)
		if !ok {
			return nil
		}
		return []Evidence{{Fact: "a connection", Value: fmt.Sprintf("Recv-Q %d, Send-Q %d", row.RQueue, row.WQueue), Source: "sock_diag(7)", Command: "ss -tan",
			Note: "A new one: the peer has sent 5 bytes, and nobody has read them."}}
	})
}

func unsentHere() []Evidence {
	return connected(func(p *pair) []Evidence {
		c := p.Send(p.client, make([]byte, plenty), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		row, ok := p.row(p.client)
		if !ok || c.Err() != nil {
			return nil
		}
		return []Evidence{{Fact: "a connection", Value: fmt.Sprintf("Recv-Q %d, Send-Q %d", row.RQueue, row.WQueue), Source: "sock_diag(7)", Command: "ss -tan",
			Note: fmt.Sprintf("A new one: %d bytes were written, and the peer reads none.", c.Ret)}}
	})
}

// plenty is more than the buffers of a connection take at once.
const plenty = 64 << 20

// muchAtOnce writes more than there is room for.
func muchAtOnce() []Evidence {
	return connected(func(p *pair) []Evidence {
		c := p.Send(p.client, make([]byte, plenty), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		return []Evidence{{Fact: "one send", Value: fmt.Sprintf("%d bytes of %d taken", c.Ret, plenty), Source: "sendto(2), made just now", Command: trace("partial write", "sendto"),
			Note: "The peer reads nothing, and `MSG_DONTWAIT` says not to wait for room."}}
	})
}

func fewBytes() []Evidence {
	return connected(func(p *pair) []Evidence {
		p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL)
		return []Evidence{told("asked for 4096", trace("partial read", "recvfrom"), p.Recv(p.server, 4096, 0), "Five bytes were there.")}
	})
}

func oneStream() []Evidence {
	return connected(func(p *pair) []Evidence {
		first, second := p.Send(p.client, []byte("hel"), unix.MSG_NOSIGNAL), p.Send(p.client, []byte("lo"), unix.MSG_NOSIGNAL)
		command := trace("stream", "sendto", "recvfrom")
		return []Evidence{told("first send", command, first, ""), told("second send", command, second, ""), told("one receive", command, p.Recv(p.server, 4096, 0), "Where one send ended, nothing tells any more.")}
	})
}

func twoDatagrams() []Evidence {
	return withPair(func(p *pair) []Evidence {
		reader, writer := p.socket(unix.SOCK_DGRAM), p.socket(unix.SOCK_DGRAM)
		for _, fd := range []int{reader, writer} {
			if fd < 0 {
				return nil
			}
			defer unix.Close(fd)
		}
		if p.Bind(reader, anyPort).Err() != nil || p.Connect(writer, sockets.Sockname(reader)).Err() != nil {
			return nil
		}
		p.Send(writer, []byte("hel"), unix.MSG_NOSIGNAL)
		p.Send(writer, []byte("lo"), unix.MSG_NOSIGNAL)
		command := trace("datagram", "sendto", "recvfrom")
		return []Evidence{
			told("first receive", command, p.Recv(reader, 4096, unix.MSG_DONTWAIT), ""),
			told("second receive", command, p.Recv(reader, 4096, unix.MSG_DONTWAIT), "Two sends, and each came out by itself."),
		}
	})
}

func endOfFile() []Evidence {
	return connected(func(p *pair) []Evidence {
		p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL)
		end := p.Shutdown(p.client, unix.SHUT_WR)
		command := trace("EOF", "shutdown", "recvfrom")
		return []Evidence{told("the peer", command, end, ""), told("first receive", command, p.Recv(p.server, 4096, 0), ""), told("second receive", command, p.Recv(p.server, 4096, 0), "0: the end.")}
	})
}

func halfClosed() []Evidence {
	return connected(func(p *pair) []Evidence {
		c := p.Shutdown(p.client, unix.SHUT_WR)
		own, there := p.row(p.client)
		for range 100 { // the peer's ACK may take its time
			if !there || own.State != kernel.FinWait1 {
				break
			}
			time.Sleep(time.Millisecond)
			own, there = p.row(p.client)
		}
		peer, also := p.row(p.server)
		if !there || !also {
			return nil
		}
		return []Evidence{told("this end", trace("half-close", "shutdown"), c, ""), {Fact: "states", Value: fmt.Sprintf("this end: %s, its peer: %s", own.State, peer.State), Source: "sock_diag(7)", Command: "ss -tan"}}
	})
}

func freshTuple() []Evidence {
	return connected(func(p *pair) []Evidence {
		local, peer := sockets.Sockname(p.server), sockets.Peername(p.server)
		if local == nil || peer == nil {
			return nil
		}
		return []Evidence{{Fact: "a connection", Value: fmt.Sprintf("%s, its peer %s", local, peer), Source: "getsockname(2), getpeername(2)", Command: "ss -tan",
			Note: "A new one, over loopback: the end that the server has accepted."}}
	})
}

// freshInfo reads TCP_INFO of a connection that has just been opened.
func freshInfo(fact string, say func(*unix.TCPInfo) string) func() []Evidence {
	return func() []Evidence {
		return connected(func(p *pair) []Evidence {
			a, err := kernel.Ask(p.client)
			if err != nil || a.TCP == nil {
				return nil
			}
			return []Evidence{{Fact: fact, Value: say(a.TCP), Source: "getsockopt(2) TCP_INFO", Command: "ss -tani", Note: "Of a connection that fd3 has just opened over loopback."}}
		})
	}
}

// freshBytes shows the bytes that each end has numbered and acknowledged.
func freshBytes() []Evidence {
	return connected(func(p *pair) []Evidence {
		p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL)
		a, err := kernel.Ask(p.client)
		for range 100 { // the peer's ACK may take its time
			if err != nil || a.Unsent == 0 {
				break
			}
			time.Sleep(time.Millisecond)
			a, err = kernel.Ask(p.client)
		}
		if err != nil || a.TCP == nil {
			return nil
		}
		return []Evidence{{Fact: "acknowledged", Value: fmt.Sprintf("%d numbers after 5 bytes", a.TCP.Bytes_acked), Source: "getsockopt(2) TCP_INFO", Command: "ss -tani",
			Note: "Of a connection that fd3 has just opened over loopback. The SYN counts as one."}}
	})
}
