package course

import (
	"fmt"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

func timewaitRestart(l *Lab) map[string]func() {
	var addr sockets.Sockaddr
	var plain, option sockets.Call
	return map[string]func(){
		"old": func() {
			addr = l.timewaitServed(false)
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
			plain = l.timewaitBind(addr, false)
			l.note("plain", said(plain))
			l.kill(server)
		},
		"option": func() {
			option = l.timewaitBind(addr, true)
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
			addr = l.timewaitServed(true)
			l.kill(server)
			l.note("both", said(l.timewaitBind(addr, true)))
		},
	}
}

// timewaitBind has the server bind a new socket, with SO_REUSEADDR or without.
func (l *Lab) timewaitBind(addr sockets.Sockaddr, reuse bool) sockets.Call {
	fd := l.stream(server)
	if reuse {
		l.must(l.reuseAddr(server, fd))
	}
	return l.bind(server, fd, addr)
}

// timewaitServed is the life of a server that accepts one client and closes first.
// It is told in short.
func (l *Lab) timewaitServed(reuse bool) (addr sockets.Sockaddr) {
	l.setup(func() {
		fd := l.stream(server)
		if reuse {
			l.must(l.reuseAddr(server, fd))
		}
		l.must(l.bind(server, fd, loopback(0)))
		l.must(l.listen(server, fd, 8))
		addr = l.asked(server, fd).Local
		c := l.connect(addr)
		conn := l.accept(fd)
		from := l.asked(client, c).Local
		l.must(l.close(server, conn))
		l.timewaitHalf(server, addr, from)
		l.must(l.close(client, c))
		l.until("TIME_WAIT", func() bool {
			return l.endsOf(addr.AddrPort(), from.AddrPort())[server].State == kernel.TimeWait
		})
	})
	return addr
}
