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

// two has several sockets listen on one port. It is long for its steps, which share what
// each leaves for the next.
func two(l *lab.Lab) []lab.Step {
	clients := l.Param("clients")
	var addr sockets.Sockaddr
	var shared []int
	// share has a socket bind the port with SO_REUSEPORT.
	share := func() (fd int) {
		l.Setup(func() {
			fd = l.Stream(lab.Server)
			l.SetOption(lab.Server, fd, unix.SO_REUSEPORT, 1)
		})
		l.Must(l.Bind(lab.Server, fd, addr))
		shared = append(shared, fd)
		return fd
	}
	return []lab.Step{
		{Name: "first", Do: func() {
			var fd int
			l.Setup(func() {
				fd = l.Stream(lab.Server)
				l.Must(l.ReuseAddr(lab.Server, fd))
				l.Must(l.Bind(lab.Server, fd, lab.Loopback(0)))
			})
			l.Must(l.Listen(lab.Server, fd, clients))
			addr = l.Ask(lab.Server, fd).Local
		}},
		{Name: "second", Do: func() {
			fd, call := l.BindAgain(addr, true)
			if call.Errno == 0 { // not on Linux
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
			l.Setup(func() {
				fd := share()
				addr = l.Ask(lab.Server, fd).Local
				l.Must(l.Listen(lab.Server, fd, clients))
			})
		}},
		{Name: "beside", Do: func() { share() }},
		{Name: "both", Do: func() { l.Must(l.Listen(lab.Server, shared[1], clients)) }},
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
					Command: facts.SS("-ltn", facts.From(addr.Port())), Have: int64(n), Full: int64(clients)})
			}
			l.Note("clients", clients)
			l.Note("counts", strings.Join(counts, " and "))
		}},
	}
}
