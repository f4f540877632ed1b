package course

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var acceptPractice = practice{
	experiments: map[string]experiment{
		"port":  acceptPort,
		"empty": acceptEmpty,
		"same":  acceptSamePort,
	},
	exercises: map[string]exercise{"twins": acceptTwins},
}

func acceptPort(l *Lab) map[string]func() {
	var listener, conn int
	var addr sockets.Sockaddr
	return map[string]func(){
		"connect": func() {
			listener, addr = l.listener(8)
			l.connect(addr)
		},
		"accept": func() {
			conn = l.accept(listener)
			l.note("listener", listener)
			l.note("conn", conn)
		},
		"look": func() {
			open, err := kernel.FDs(l.pid(server))
			if err != nil {
				l.failf("%w", err)
			}
			for _, fd := range open {
				if fd.Number == listener || fd.Number == conn {
					path := fmt.Sprintf("/proc/%d/fd", l.pid(server))
					l.show(lesson.Evidence{Fact: fmt.Sprintf("descriptor %d", fd.Number), Value: fd.Target, Source: path, Command: "ls -l " + path})
				}
			}
			l.showSocket(listener)
			x := l.showSocket(conn)
			l.note("local", x.Local)
			l.note("peer", x.Peer)
			if x.Local.Port() == addr.Port() {
				l.answer("same")
			} else {
				l.answer("new")
			}
		},
	}
}

// showSocket shows the addresses and the state of a socket of the server.
func (l *Lab) showSocket(fd int) stage.Socket {
	x := l.asked(server, fd)
	value := fmt.Sprintf("%s, %s", x.State(), x.Local)
	if x.Connected() {
		value += ", peer " + x.Peer.String()
	}
	l.show(lesson.Evidence{Fact: fmt.Sprintf("socket %d", fd), Value: value, Source: "getsockname(2), getpeername(2)", Command: fmt.Sprintf("ss -tanp 'sport = :%d'", x.Local.Port())})
	return x
}

func acceptEmpty(l *Lab) map[string]func() {
	var listener int
	var addr sockets.Sockaddr
	var p *pending
	return map[string]func(){
		"accept": func() {
			listener, addr = l.listener(8)
			p = l.begin(server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC})
			task := p.blocks()
			l.note("where", task.Wchan)
			l.note("doing", task.StateName)
			l.answer("waits")
		},
		"connect": func() {
			l.connect(addr)
			call := l.must(p.wait())
			l.note("took", lesson.Took(call.Duration))
			l.note("woken", call.Ret)
		},
		"nonblock": func() {
			fd := l.socket(server, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
			l.setup(func() {
				l.must(l.bind(server, fd, loopback(0)))
				l.must(l.listen(server, fd, 8))
			})
			call := l.do(server, stage.Order{Do: "accept4", FD: fd, Flags: unix.SOCK_CLOEXEC})
			l.note("nonblock", outcome(call))
		},
	}
}

func acceptSamePort(l *Lab) map[string]func() {
	var listener int
	var addr sockets.Sockaddr
	var port uint16
	connected := 0
	connect := func(from sockets.Sockaddr) (fd int, call sockets.Call) {
		fd = l.stream(client)
		l.must(l.bind(client, fd, from))
		call = l.do(client, stage.Order{Do: "connect", FD: fd, Addr: addr})
		if call.Errno == 0 {
			connected++
			l.accept(listener)
		}
		return fd, call
	}
	return map[string]func(){
		"first": func() {
			listener, addr = l.listener(8)
			fd, call := connect(loopbackAt(2, 0))
			l.must(call)
			port = l.asked(client, fd).Local.Port()
			l.note("client_port", port)
		},
		"second": func() {
			_, call := connect(loopbackAt(3, port))
			l.note("second", outcome(call))
		},
		"look": func() {
			found := 0
			for _, row := range l.rowsAt(addr, kernel.Established) {
				if row.Remote.Port() == port {
					found++
					l.show(lesson.Evidence{Fact: fmt.Sprintf("connection %d", found), Value: fmt.Sprintf("%s, peer %s", row.Local, row.Remote), Source: "sock_diag(7)", Command: fmt.Sprintf("ss -tan 'sport = :%d'", addr.Port())})
				}
			}
			var limit unix.Rlimit
			if err := unix.Prlimit(l.pid(server), unix.RLIMIT_NOFILE, nil, &limit); err != nil {
				l.failf("prlimit: %w", err)
			}
			path := fmt.Sprintf("/proc/%d/limits", l.pid(server))
			l.show(lesson.Evidence{Fact: "open files of the server, at most", Value: fmt.Sprint(limit.Cur), Source: "prlimit(2)", Command: "grep 'open files' " + path})
			l.note("found", found)
			l.note("files", limit.Cur)
			switch {
			case found == 2 && connected == 2:
				l.answer("both")
			case connected == 1:
				l.answer("one")
			}
		},
	}
}

// acceptTwins wants two connections that differ in the client's address alone. The
// server accepts what comes.
func acceptTwins(l *Lab) func() (bool, string) {
	const most = 16 // connections that it accepts
	listener, addr := l.listener(8)
	l.note("twins", "no two yet")
	accepted := 0
	return func() (bool, string) {
		if length, _ := l.queue(listener); length > 0 && accepted < most {
			l.accept(listener)
			accepted++
		}
		first := make(map[uint16]netip.Addr)
		for _, row := range l.tcp() {
			if row.Local != addr.AddrPort() || row.State != kernel.Established {
				continue
			}
			peer := row.Remote
			if other, ok := first[peer.Port()]; ok && other != peer.Addr() {
				l.note("twins", fmt.Sprintf("%s and %s", netip.AddrPortFrom(other, peer.Port()), peer))
				return true, fmt.Sprintf("two clients with port %d", peer.Port())
			}
			first[peer.Port()] = peer.Addr()
		}
		return false, fmt.Sprintf("open connections: %d, no two with the same client port", len(first))
	}
}
