package timewait

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/stage"
)

func two(l *lab.Lab) []lab.Step {
	const clients = 16
	var addr sockets.Sockaddr
	var shared []int
	return []lab.Step{
		{Name: "first", Do: func() {
			fd := l.Stream(lab.Server)
			l.Must(l.ReuseAddr(lab.Server, fd))
			l.Must(l.Bind(lab.Server, fd, lab.Loopback(0)))
			l.Must(l.Listen(lab.Server, fd, clients))
			addr = l.Ask(lab.Server, fd).Local
		}},
		{Name: "second", Do: func() {
			fd := l.Stream(lab.Server)
			l.Must(l.ReuseAddr(lab.Server, fd))
			call := l.Bind(lab.Server, fd, addr)
			if call.Errno == 0 {
				call = l.Listen(lab.Server, fd, clients)
			}
			l.Note("failing", call.Name)
			l.Note("second", lab.Said(call))
			if call.Errno != 0 {
				l.Answer("error")
			}
		}},
		{Name: "port", Do: func() {
			addr = lab.Loopback(0)
			for range 2 {
				fd := l.Stream(lab.Server)
				l.SetOption(lab.Server, fd, unix.SO_REUSEPORT, 1)
				l.Must(l.Bind(lab.Server, fd, addr))
				l.Must(l.Listen(lab.Server, fd, clients))
				addr = l.Ask(lab.Server, fd).Local
				shared = append(shared, fd)
			}
		}},
		{Name: "clients", Do: func() {
			for range clients {
				c := int(l.Must(l.Quietly(lab.Client, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})).Ret)
				l.Must(l.Quietly(lab.Client, stage.Order{Do: "connect", FD: c, Addr: addr}))
			}
			var counts []string
			for _, fd := range shared {
				n := int(l.Ask(lab.Server, fd).TCP.Unacked)
				counts = append(counts, fmt.Sprint(n))
				l.Show(lesson.Evidence{Fact: fmt.Sprintf("accept queue of descriptor %d", fd), Value: fmt.Sprintf("%d of %d clients", n, clients), Source: "getsockopt(2) TCP_INFO",
					Command: facts.SS("-ltn", facts.From(addr.Port())), Have: int64(n), Full: clients})
			}
			l.Note("clients", clients)
			l.Note("counts", strings.Join(counts, " and "))
		}},
	}
}
