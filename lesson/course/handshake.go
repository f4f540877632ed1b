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

var handshakePractice = practice{
	experiments: map[string]experiment{
		"who":     handshakeWho,
		"packets": handshakePackets,
		"nobody":  handshakeNobody,
		"half":    handshakeHalf,
	},
	exercises: map[string]exercise{"asleep": connectToStopped},
}

func handshakeWho(l *Lab) map[string]func() {
	var fd int
	var addr sockets.Sockaddr
	return map[string]func(){
		"listen": func() { fd, addr = l.listener(8) },
		"connect": func() {
			before := l.counters()
			pid := l.pid(server)
			defer unix.Kill(pid, unix.SIGCONT) // within the step: nothing must leave it stopped
			l.note("asleep", l.stopServer(pid))
			c := l.stream(client)
			call := l.do(client, stage.Order{Do: "connect", FD: c, Addr: addr})
			l.note("connect", outcome(call))
			l.note("took", lesson.Took(call.Duration))
			switch call.Errno {
			case 0:
				l.answer("opens")
			case unix.ECONNREFUSED:
				l.answer("refused")
			}
			l.showEnds(addr, l.asked(client, c).Local.AddrPort())
			moved := l.counters().Sub(before)
			l.show(lesson.Evidence{Fact: "PassiveOpens", Value: fmt.Sprintf("+%d while the server was stopped", moved["Tcp.PassiveOpens"]), Source: "/proc/net/snmp",
				Command: "nstat -az TcpPassiveOpens", Note: "Connections that the kernel took in for listeners, of the whole machine or container."})
		},
		"wake": func() {
			var task kernel.Task
			l.until("the server to go on", func() bool {
				task = l.serverTask()
				return task.State != 'T'
			})
			l.show(lesson.Evidence{Fact: "the server process", Value: task.StateName, Source: fmt.Sprintf("/proc/%d/status", l.pid(server)), Command: fmt.Sprintf("grep State /proc/%d/status", l.pid(server))})
			waiting, _ := l.showQueue(fd)
			l.note("waiting", waiting)
		},
	}
}

// stopServer stops the server's process, as Ctrl-Z does, and shows it. A stopped
// process answers nobody: l.state and l.asked would wait for SIGCONT.
func (l *Lab) stopServer(pid int) (state string) {
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		l.failf("kill -STOP %d: %w", pid, err)
	}
	var task kernel.Task
	l.until("the server to stop", func() bool {
		task = l.serverTask()
		return task.State == 'T'
	})
	l.show(lesson.Evidence{Fact: "the server process", Value: task.StateName, Source: fmt.Sprintf("/proc/%d/status", pid), Command: fmt.Sprintf("grep State /proc/%d/status", pid)})
	return task.StateName
}

func (l *Lab) serverTask() kernel.Task {
	task, err := kernel.Thread(l.pid(server), l.pid(server))
	if err != nil {
		l.failf("%w", err)
	}
	return task
}

// showEnds shows both ends of a connection as the kernel's table has them.
func (l *Lab) showEnds(addr sockets.Sockaddr, peer netip.AddrPort) (clientEnd, serverEnd kernel.InetSocket) {
	ends := l.endsOf(addr.AddrPort(), peer)
	clientEnd, serverEnd = ends[client], ends[server]
	l.show(lesson.Evidence{Fact: "the client's end", Value: stateName(clientEnd), Source: "sock_diag(7)", Command: endsCommand(addr)})
	l.show(lesson.Evidence{Fact: "the server's end", Value: stateName(serverEnd), Source: "sock_diag(7)"})
	l.note("client_end", stateName(clientEnd))
	l.note("server_end", stateName(serverEnd))
	return clientEnd, serverEnd
}

func stateName(row kernel.InetSocket) string {
	if row.State == 0 {
		return "none"
	}
	return row.State.String()
}

func handshakePackets(l *Lab) map[string]func() {
	var addr sockets.Sockaddr
	var fd int
	return map[string]func(){
		"before": func() {
			_, addr = l.listener(8)
			fd = l.stream(client)
			l.note("before", l.tcpState(client, fd))
		},
		"connect": func() {
			l.must(l.do(client, stage.Order{Do: "connect", FD: fd, Addr: addr}))
		},
		"look": func() {
			x := l.asked(client, fd)
			out, in := x.TCP.Segs_out, x.TCP.Segs_in
			l.show(lesson.Evidence{Fact: "the client's packets", Value: fmt.Sprintf("%d sent, %d received", out, in), Source: "getsockopt(2) TCP_INFO",
				Command: fmt.Sprintf("ss -tin 'dport = :%d'", addr.Port()), Note: "segs_out and segs_in in the output of `ss`."})
			l.showEnds(addr, x.Local.AddrPort())
			l.note("out", out)
			l.note("in", in)
			l.note("packets", out+in)
			switch out + in {
			case 1:
				l.answer("one")
			case 2:
				l.answer("two")
			case 3:
				l.answer("three")
			}
		},
	}
}

func handshakeNobody(l *Lab) map[string]func() {
	return map[string]func(){
		"nobody": func() {
			fd := l.stream(server)
			l.must(l.bind(server, fd, loopback(0)))
			addr := l.asked(server, fd).Local
			c := l.stream(client)
			before := l.counters()
			call := l.do(client, stage.Order{Do: "connect", FD: c, Addr: addr})
			moved := l.counters().Sub(before)
			sent, resets := moved["Tcp.OutSegs"], moved["Tcp.OutRsts"]
			l.show(lesson.Evidence{Fact: "packets sent", Value: fmt.Sprintf("%d, of these %d with a no", sent, resets), Source: "/proc/net/snmp OutSegs, OutRsts",
				Command: "nstat -az TcpOutSegs TcpOutRsts", Note: "TCP packets of the whole machine or container, while `connect` ran."})
			l.note("refusal", outcome(call))
			l.note("took", lesson.Took(call.Duration))
			l.note("sent", sent)
			l.note("resets", resets)
			switch {
			case resets > 0:
				l.answer("packet")
			case sent > 0:
				l.answer("silence")
			default:
				l.answer("list")
			}
		},
		"silent": func() {
			var addr sockets.Sockaddr
			l.setup(func() {
				_, addr = l.listener(0)
				l.connect(addr) // takes the only place
			})
			fd := l.socket(client, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
			l.do(client, stage.Order{Do: "connect", FD: fd, Addr: addr})
			var x stage.Socket
			l.until("the client to try again", func() bool {
				x = l.asked(client, fd)
				return x.TCP.Total_retrans > 0 || x.State() != kernel.SynSent
			})
			l.show(lesson.Evidence{Fact: "the client", Value: fmt.Sprintf("%s, SYN sent again: %d", x.State(), x.TCP.Total_retrans), Source: "getsockopt(2) TCP_INFO", Command: fmt.Sprintf("ss -tano 'dport = :%d'", addr.Port())})
			l.note("silent", x.State())
			l.note("again", x.TCP.Total_retrans)
			handshakeRetries(l)
		},
	}
}

// handshakeRetries shows how often a SYN is sent again: since Linux 6.5 a second
// number adds to the first.
func handshakeRetries(l *Lab) {
	const first, more = "net.ipv4.tcp_syn_retries", "net.ipv4.tcp_syn_linear_timeouts"
	retries, err := kernel.SysctlInt(first)
	if err != nil {
		l.failf("%s: %w", first, err)
	}
	l.show(lesson.Evidence{Fact: "tcp_syn_retries", Value: fmt.Sprint(retries), Source: "/proc/sys/net/ipv4/tcp_syn_retries", Command: "sysctl " + first})
	l.note("syn_retries", retries)
	added, err := kernel.SysctlInt(more)
	if err != nil {
		l.note("linear", "nothing, since this kernel does not have it")
	} else {
		l.show(lesson.Evidence{Fact: "tcp_syn_linear_timeouts", Value: fmt.Sprint(added), Source: "/proc/sys/net/ipv4/tcp_syn_linear_timeouts", Command: "sysctl " + more})
		l.note("linear", added)
	}
	l.note("again_max", retries+added)
}

func handshakeHalf(l *Lab) map[string]func() {
	const seconds = 300 // long, since a learner may wait between the steps
	var fd, c int
	var addr sockets.Sockaddr
	return map[string]func(){
		"listen": func() {
			fd, addr = l.listener(8)
			l.must(l.do(server, stage.Order{Do: "setsockopt", FD: fd, Level: unix.IPPROTO_TCP, Option: unix.TCP_DEFER_ACCEPT, Value: seconds}))
		},
		"connect": func() {
			c = l.connect(addr)
			mine, its := l.showEnds(addr, l.asked(client, c).Local.AddrPort())
			l.note("client_before", stateName(mine))
			l.note("server_before", stateName(its))
			length, _ := l.showQueue(fd)
			l.note("queue_before", length)
			switch {
			case mine.State == its.State:
				l.answer("same")
			case mine.State == kernel.Established:
				l.answer("client")
			case its.State == kernel.Established:
				l.answer("server")
			}
		},
		"send": func() {
			l.must(l.send(client, c, "x"))
			l.until("the connection in the accept queue", func() bool { length, _ := l.queue(fd); return length > 0 })
			l.showEnds(addr, l.asked(client, c).Local.AddrPort())
			length, _ := l.showQueue(fd)
			l.note("queue_after", length)
		},
	}
}

// connectToStopped wants the server stopped, a new connection to it that is open
// all the same, and the server woken again.
func connectToStopped(l *Lab) func() (bool, string) {
	_, addr := l.listener(8)
	l.note("pid", l.pid(server))
	l.note("opened", 0)
	known := make(map[uint64]bool)  // connections while the server ran
	opened := make(map[uint64]bool) // and while it was stopped
	return func() (bool, string) {
		stopped := l.serverTask().State == 'T'
		for _, row := range l.tcp() {
			if row.Local != addr.AddrPort() || row.State != kernel.Established {
				continue
			}
			if !stopped && !opened[row.Cookie] {
				known[row.Cookie] = true
			} else if !known[row.Cookie] {
				opened[row.Cookie] = true
			}
		}
		l.note("opened", len(opened))
		switch {
		case stopped && len(opened) == 0:
			return false, "the server is stopped; no new connection yet"
		case stopped:
			return false, fmt.Sprintf("stopped, and new connections all the same: %d. Now wake it", len(opened))
		case len(opened) == 0:
			return false, "the server process runs"
		}
		return true, fmt.Sprintf("the server runs again; opened meanwhile: %d", len(opened))
	}
}
