package course

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/stage"
)

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
				l.show(lesson.Evidence{Fact: fmt.Sprintf("accept queue of descriptor %d", fd), Value: fmt.Sprintf("%d of %d clients", n, clients), Source: "getsockopt(2) TCP_INFO",
					Command: listenerCommand(addr), Have: int64(n), Full: clients})
			}
			l.note("clients", clients)
			l.note("counts", strings.Join(counts, " and "))
		},
	}
}
