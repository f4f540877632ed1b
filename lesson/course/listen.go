package course

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var listenPractice = practice{
	experiments: map[string]experiment{
		"wait":    listenReturns,
		"full":    listenFull,
		"clamp":   listenClamp,
		"columns": listenColumns,
	},
	exercises: map[string]exercise{"fill": fillQueue},
}

func listenReturns(l *Lab) map[string]func() {
	var fd int
	return map[string]func(){
		"bind": func() {
			fd = l.stream(server)
			l.must(l.bind(server, fd, loopback(0)))
		},
		"listen": func() {
			call := l.must(l.listen(server, fd, 5))
			l.note("took", lesson.Took(call.Duration))
			l.answer("returns")
		},
		"look": func() {
			x := l.asked(server, fd)
			l.show(lesson.Evidence{Fact: "state", Value: x.State().String(), Source: "getsockopt(2) TCP_INFO", Command: listenerCommand(x.Local)})
			passive := 0
			if x.Listening {
				passive = 1
			}
			l.show(lesson.Evidence{Fact: "SO_ACCEPTCONN", Value: fmt.Sprint(passive), Source: "getsockopt(2)", Note: "1 means a passive socket: it takes connections, and carries none."})
			l.note("state", x.State())
		},
	}
}

func listenFull(l *Lab) map[string]func() {
	const clients = 5
	var fd int
	var addr sockets.Sockaddr
	var before kernel.Counters
	var refused int
	return map[string]func(){
		"listen": func() {
			fd, addr = l.bound()
			l.must(l.listen(server, fd, 1))
			before = l.counters()
		},
		"connect": func() {
			var fds [clients]int
			l.setup(func() {
				for i := range fds {
					fds[i] = l.socket(client, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
				}
			})
			for _, c := range fds {
				call := l.do(client, stage.Order{Do: "connect", FD: c, Addr: addr})
				switch call.Errno {
				case 0, unix.EINPROGRESS, unix.ECONNREFUSED:
				default:
					l.must(call)
				}
			}
			refused = l.clientsIn(kernel.Close) // at once: later it may have given up
		},
		"look": func() {
			open, trying := l.clientsIn(kernel.Established), l.clientsIn(kernel.SynSent)
			value := fmt.Sprintf("%d ESTABLISHED, %d SYN_SENT, %d refused", open, trying, refused)
			if tired := l.clientsIn(kernel.Close) - refused; tired > 0 { // the step was made minutes later
				value += fmt.Sprintf(", %d have given up", tired)
				trying += tired
			}
			l.show(lesson.Evidence{Fact: "the clients", Value: value,
				Source: "getsockopt(2) TCP_INFO", Command: clientsCommand(addr)})
			l.showWaiting(fd)
			moved := l.counters().Sub(before)
			l.show(lesson.Evidence{Fact: "ListenOverflows", Value: fmt.Sprintf("+%d since the experiment began", moved["TcpExt.ListenOverflows"]),
				Source: "/proc/net/netstat", Command: "nstat -az TcpExtListenOverflows", Note: "The counter belongs to the whole machine, or container."})
			l.note("clients", clients)
			l.note("open", open)
			l.note("trying", trying)
			l.note("refused", refused)
			switch {
			case refused > 0:
				l.answer("refused")
			case open == 1:
				l.answer("one")
			case open == clients:
				l.answer("all")
			case open == 2:
				l.answer("two")
			}
		},
	}
}

// showWaiting shows what showQueue does, without the names of the columns: a later
// prediction is about these.
func (l *Lab) showWaiting(fd int) (backlog int) {
	length, backlog := l.queue(fd)
	e := lesson.Evidence{Fact: "the listener", Value: fmt.Sprintf("%d waiting, backlog %d", length, backlog), Source: "sock_diag(7)",
		Command: listenerCommand(l.asked(server, fd).Local)}
	if length > 0 {
		e.Have, e.Full = int64(length), int64(backlog)+1
	}
	l.show(e)
	return backlog
}

// clientsIn are how many sockets of the client are in this state.
func (l *Lab) clientsIn(state kernel.State) (n int) {
	for _, x := range l.state(client).Sockets {
		if x.State() == state {
			n++
		}
	}
	return n
}

func listenClamp(l *Lab) map[string]func() {
	const asked = 100000
	var fd int
	return map[string]func(){
		"listen": func() {
			fd, _ = l.bound()
			if call := l.listen(server, fd, asked); call.Errno != 0 {
				l.answer("error")
			}
		},
		"look": func() {
			backlog := l.showWaiting(fd)
			limit, err := kernel.SysctlInt("net.core.somaxconn")
			if err != nil {
				l.failf("net.core.somaxconn: %w", err)
			}
			l.show(lesson.Evidence{Fact: "somaxconn", Value: fmt.Sprint(limit), Source: "/proc/sys/net/core/somaxconn", Command: "sysctl net.core.somaxconn"})
			l.note("asked", asked)
			l.note("backlog", backlog)
			switch {
			case backlog == asked:
				l.answer("asked")
			case backlog < asked:
				l.answer("less")
			}
		},
	}
}

func listenColumns(l *Lab) map[string]func() {
	const said = 100
	var fd int
	var addr sockets.Sockaddr
	return map[string]func(){
		"listen": func() { fd, addr = l.listener(5) },
		"send": func() {
			var fds [2]int
			l.setup(func() {
				for i := range fds {
					fds[i] = l.connect(addr)
				}
			})
			for _, c := range fds {
				l.must(l.send(client, c, strings.Repeat("x", said)))
			}
		},
		"look": func() {
			length, _ := l.showQueue(fd)
			unread := 0
			for _, row := range l.rowsAt(addr, kernel.Established) {
				unread += int(row.RQueue)
			}
			l.show(lesson.Evidence{Fact: "unread", Value: lesson.Counted(unread, "byte") + ", in connections that nobody has accepted", Source: "sock_diag(7)", Command: fmt.Sprintf("ss -tan 'sport = :%d'", addr.Port())})
			l.note("length", length)
			l.note("unread", unread)
			switch length {
			case 2:
				l.answer("connections")
			case unread:
				l.answer("bytes")
			}
		},
	}
}

// fillQueue wants clients that connect until the queue is full and one more hangs.
func fillQueue(l *Lab) func() (bool, string) {
	fd, addr := l.listener(1)
	return func() (bool, string) {
		length, backlog := l.queue(fd)
		hanging := 0
		for _, row := range l.tcp() {
			if row.Remote == addr.AddrPort() && row.State == kernel.SynSent {
				hanging++
			}
		}
		l.note("length", length)
		l.note("hanging", hanging)
		return length > backlog && hanging > 0, fmt.Sprintf("waiting in the queue: %d, backlog %d, clients in SYN_SENT: %d", length, backlog, hanging)
	}
}
