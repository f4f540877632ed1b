package course

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var timewaitPractice = practice{
	experiments: map[string]experiment{
		"who":     timewaitWho,
		"restart": timewaitRestart,
		"two":     timewaitTwo,
		"fault":   timewaitFault,
	},
	exercises: map[string]exercise{"sides": timewaitSides},
}

func timewaitWho(l *Lab) map[string]func() {
	var fd int
	var addr, from sockets.Sockaddr
	open := func() (conn, c int) {
		c = l.connect(addr)
		conn = l.accept(fd)
		from = l.asked(client, c).Local
		return conn, c
	}
	return map[string]func(){
		"client": func() {
			fd, addr = l.listener(8)
			conn, c := open()
			l.close(client, c)
			l.timewaitHalf(client, addr, from)
			l.close(server, conn)
		},
		"look": func() {
			left, kept := l.timewaitEnds(addr, from)
			l.note("first", left)
			l.note("length", kept)
			switch left {
			case "server", "client", "both", "none":
				l.answer(left)
			}
		},
		"server": func() {
			conn, c := open()
			l.close(server, conn)
			l.timewaitHalf(server, addr, from)
			l.close(client, c)
		},
		"again": func() {
			left, _ := l.timewaitEnds(addr, from)
			l.note("second", left)
		},
	}
}

// timewaitHalf waits until the FIN of the end that has closed is acknowledged. If
// the other end closed before that, a FIN that is sent again could be answered by
// an RST, which ends TIME_WAIT.
func (l *Lab) timewaitHalf(closed stage.Role, at, from sockets.Sockaddr) {
	l.until("the FIN to be acknowledged", func() bool {
		return l.timewaitRows(at.AddrPort(), from.AddrPort())[closed].State == kernel.FinWait2
	})
}

// timewaitEnds shows what is left of a connection that both ends have closed: who
// has it in TIME_WAIT, and for how long yet.
func (l *Lab) timewaitEnds(at, from sockets.Sockaddr) (who, left string) {
	var ends map[stage.Role]kernel.InetSocket
	l.until("the connection to end", func() bool {
		ends = l.timewaitRows(at.AddrPort(), from.AddrPort())
		for _, row := range ends {
			if row.State != kernel.TimeWait {
				return false
			}
		}
		return true
	})
	who = "none"
	for _, role := range []stage.Role{client, server} {
		value := "gone"
		if row, ok := ends[role]; ok {
			left = timewaitLeft(row)
			value = fmt.Sprintf("%s, %s left", row.State, left)
			who = string(role)
		}
		l.show(lesson.Evidence{Fact: fmt.Sprintf("the %s's end", role), Value: value, Source: "sock_diag(7)", Command: timewaitCommand(at)})
	}
	if len(ends) == 2 {
		who = "both"
	}
	return who, left
}

// timewaitRows are the two ends of one connection, as far as there are any.
func (l *Lab) timewaitRows(at, from netip.AddrPort) map[stage.Role]kernel.InetSocket {
	ends, rows := make(map[stage.Role]kernel.InetSocket), l.tcp()
	if row, ok := kernel.Find(rows, from, at); ok {
		ends[client] = row
	}
	if row, ok := kernel.Find(rows, at, from); ok {
		ends[server] = row
	}
	return ends
}

func timewaitLeft(row kernel.InetSocket) string { return fmt.Sprintf("%.0f s", row.Expires.Seconds()) }

// timewaitCommand shows both ends, with their timers.
func timewaitCommand(at sockets.Sockaddr) string {
	return fmt.Sprintf("ss -tano 'sport = :%d or dport = :%[1]d'", at.Port())
}

func timewaitRestart(l *Lab) map[string]func() {
	var addr sockets.Sockaddr
	var plain, option sockets.Call
	return map[string]func(){
		"old": func() {
			addr = l.timewaitServed(l.do, false)
			l.kill(server)
		},
		"look": func() {
			for _, row := range l.tcp() {
				if row.Local == addr.AddrPort() {
					l.show(lesson.Evidence{Fact: "the server's port", Value: fmt.Sprintf("%s, %s left, inode %d", row.State, timewaitLeft(row), row.Inode), Source: "sock_diag(7)",
						Command: fmt.Sprintf("ss -tane 'sport = :%d'", addr.Port()), Note: "Inode 0 means that no process has it open."})
					l.note("left", timewaitLeft(row))
				}
			}
		},
		"plain": func() {
			_, plain = l.timewaitBind(l.do, addr, false)
			l.note("plain", said(plain))
			l.kill(server)
		},
		"option": func() {
			_, option = l.timewaitBind(l.do, addr, true)
			l.note("option", said(option))
			l.kill(server)
			switch {
			case plain.Errno == 0:
				l.answer("plain")
			case option.Errno == 0:
				l.answer("option")
			default:
				l.answer("neither")
			}
		},
		"both": func() {
			addr = l.timewaitServed(l.quietly, true)
			l.kill(server)
			_, both := l.timewaitBind(l.do, addr, true)
			l.note("both", said(both))
		},
	}
}

// A caller makes calls: Lab.do tells of them, Lab.quietly does not.
type caller func(stage.Role, stage.Order) sockets.Call

// timewaitBind has the server bind a new socket, with SO_REUSEADDR or without.
func (l *Lab) timewaitBind(do caller, addr sockets.Sockaddr, reuse bool) (fd int, bound sockets.Call) {
	fd = int(l.must(do(server, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})).Ret)
	if reuse {
		l.must(do(server, stage.Order{Do: "setsockopt", FD: fd, Option: unix.SO_REUSEADDR}))
	}
	return fd, do(server, stage.Order{Do: "bind", FD: fd, Addr: addr})
}

// timewaitServed is the life of a server that serves one client and closes first.
func (l *Lab) timewaitServed(do caller, reuse bool) (addr sockets.Sockaddr) {
	fd, bound := l.timewaitBind(do, loopback(0), reuse)
	l.must(bound)
	l.must(do(server, stage.Order{Do: "listen", FD: fd, Backlog: 8}))
	addr = l.asked(server, fd).Local
	c := int(l.must(l.quietly(client, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})).Ret)
	l.must(l.quietly(client, stage.Order{Do: "connect", FD: c, Addr: addr}))
	conn := int(l.must(do(server, stage.Order{Do: "accept4", FD: fd, Flags: unix.SOCK_CLOEXEC})).Ret)
	from := l.asked(client, c).Local
	l.must(do(server, stage.Order{Do: "close", FD: conn}))
	l.timewaitHalf(server, addr, from)
	l.must(do(client, stage.Order{Do: "close", FD: c}))
	l.until("TIME_WAIT", func() bool {
		return l.timewaitRows(addr.AddrPort(), from.AddrPort())[server].State == kernel.TimeWait
	})
	return addr
}

func timewaitTwo(l *Lab) map[string]func() {
	const clients = 16
	var addr sockets.Sockaddr
	var shared []int
	return map[string]func(){
		"first": func() {
			fd := l.stream(server)
			l.must(l.reuseAddr(server, fd))
			l.must(l.bind(server, fd, loopback(0)))
			l.must(l.listen(server, fd, clients))
			addr = l.asked(server, fd).Local
		},
		"second": func() {
			fd := l.stream(server)
			l.must(l.reuseAddr(server, fd))
			call := l.bind(server, fd, addr)
			if call.Errno == 0 {
				call = l.listen(server, fd, clients)
			}
			l.note("failing", call.Name)
			l.note("second", said(call))
			if call.Errno != 0 {
				l.answer("error")
			}
		},
		"port": func() {
			addr = loopback(0)
			for range 2 {
				fd := l.stream(server)
				l.option(server, fd, unix.SO_REUSEPORT, 1)
				l.must(l.bind(server, fd, addr))
				l.must(l.listen(server, fd, clients))
				addr = l.asked(server, fd).Local
				shared = append(shared, fd)
			}
		},
		"clients": func() {
			for range clients {
				c := int(l.must(l.quietly(client, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})).Ret)
				l.must(l.quietly(client, stage.Order{Do: "connect", FD: c, Addr: addr}))
			}
			var counts []string
			for _, fd := range shared {
				n := int(l.asked(server, fd).TCP.Unacked)
				counts = append(counts, fmt.Sprint(n))
				l.show(lesson.Evidence{Fact: fmt.Sprintf("accept queue of %d", fd), Value: fmt.Sprintf("%d of %d clients", n, clients), Source: "getsockopt(2) TCP_INFO",
					Command: listenerCommand(addr), Have: int64(n), Full: clients})
			}
			l.note("clients", clients)
			l.note("counts", strings.Join(counts, " and "))
		},
	}
}

func timewaitFault(l *Lab) map[string]func() {
	var conn int
	var addr, from sockets.Sockaddr
	var waits kernel.InetSocket
	return map[string]func(){
		"close": func() {
			var fd, c int
			fd, addr = l.listener(8)
			c = l.connect(addr)
			conn = l.accept(fd)
			from = l.asked(client, c).Local
			l.close(client, c)
			l.timewaitHalf(client, addr, from)
		},
		"look": func() {
			ends := l.timewaitRows(addr.AddrPort(), from.AddrPort())
			waits = ends[server]
			l.show(lesson.Evidence{Fact: "the client's end", Value: timewaitTimer(ends[client]), Source: "sock_diag(7)", Command: timewaitCommand(addr)})
			l.show(lesson.Evidence{Fact: "the server's end", Value: timewaitTimer(waits), Source: "sock_diag(7)", Command: timewaitCommand(addr)})
			link := fmt.Sprintf("/proc/%d/fd/%d", l.pid(server), conn)
			l.show(lesson.Evidence{Fact: "the server's descriptor", Value: fmt.Sprintf("%d is socket:[%d]", conn, l.inode(server, conn)), Source: link, Command: "readlink " + link})
			l.note("timer", timewaitTimer(waits))
			l.note("fd", conn)
			l.note("pid", l.pid(server))
		},
		"server": func() {
			l.close(server, conn)
			left, _ := l.timewaitEnds(addr, from)
			if waits.State == kernel.CloseWait && waits.Timer == kernel.TimerOff && left == "client" {
				l.answer("server")
			}
		},
	}
}

// timewaitTimer is a state, and when the kernel will end it by itself.
func timewaitTimer(row kernel.InetSocket) string {
	if row.Timer == kernel.TimerOff {
		return fmt.Sprintf("%s, no timer", row.State)
	}
	return fmt.Sprintf("%s, a timer, %s left", row.State, timewaitLeft(row))
}

// timewaitSides wants a TIME_WAIT on each side. The server closes first when it has
// been told something; else it closes when the client has.
func timewaitSides(l *Lab) func() (bool, string) {
	fd, addr := l.listener(8)
	conns := make(map[int]bool)
	seen := map[stage.Role]bool{}
	return func() (bool, string) {
		if length, _ := l.queue(fd); length > 0 {
			conns[l.accept(fd)] = true
		}
		for conn := range conns {
			if l.timewaitAnswer(conn) {
				delete(conns, conn)
			}
		}
		for _, row := range l.tcp() {
			switch {
			case row.State != kernel.TimeWait:
			case row.Local == addr.AddrPort():
				seen[server] = true
			case row.Remote == addr.AddrPort():
				seen[client] = true
			}
		}
		word := map[bool]string{true: "seen", false: "not yet"}
		return seen[server] && seen[client], fmt.Sprintf("TIME_WAIT at the client: %s; at the server: %s", word[seen[client]], word[seen[server]])
	}
}

// timewaitAnswer is the server's turn with one client; none of its calls can
// block. It tells whether the client is done with.
func (l *Lab) timewaitAnswer(conn int) (over bool) {
	x := l.asked(server, conn)
	switch {
	case x.Unread > 0:
		l.recv(server, conn, x.Unread)
		l.send(server, conn, "Goodbye.\n")
	case stateOf(x) == kernel.Established:
		return false
	}
	l.close(server, conn)
	return true
}
