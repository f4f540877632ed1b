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

var socketPractice = practice{
	experiments: map[string]experiment{
		"zero":  socketZero,
		"wrong": socketWrong,
		"other": socketOther,
	},
	exercises: map[string]exercise{"udp": socketUDP},
}

// socketMake makes a socket of the server, with all three arguments.
func socketMake(l *Lab, domain, typ, protocol int) sockets.Call {
	return l.do(server, stage.Order{Do: "socket", Domain: domain, Type: typ | unix.SOCK_CLOEXEC, Protocol: protocol})
}

// socketShow asks a socket what it is.
func socketShow(l *Lab, fd int) (protocol int) {
	x := l.asked(server, fd)
	value := fmt.Sprint(x.Protocol)
	if x.Domain != unix.AF_UNIX && x.Protocol != 0 {
		value += ", " + sockets.ProtocolName(x.Domain, x.Protocol)
	}
	l.show(lesson.Evidence{Fact: fmt.Sprintf("SO_PROTOCOL of %d", fd), Value: value, Source: "getsockopt(2)"})
	return x.Protocol
}

func socketZero(l *Lab) map[string]func() {
	var protocol int
	make := func(domain, typ int) int {
		return socketShow(l, int(l.must(socketMake(l, domain, typ, 0)).Ret))
	}
	return map[string]func(){
		"stream": func() {
			protocol = make(unix.AF_INET, unix.SOCK_STREAM)
			l.note("stream", protocol)
			switch protocol {
			case 0:
				l.answer("none")
			case unix.IPPROTO_TCP:
				l.answer("tcp")
			}
		},
		"datagram": func() { l.note("datagram", make(unix.AF_INET, unix.SOCK_DGRAM)) },
		"unix":     func() { l.note("local", make(unix.AF_UNIX, unix.SOCK_STREAM)) },
	}
}

func socketWrong(l *Lab) map[string]func() {
	return map[string]func(){
		"udp": func() {
			call := socketMake(l, unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP)
			l.note("result", call.Result())
			if call.Errno != 0 {
				l.answer("error")
				return
			}
			switch x := l.asked(server, int(call.Ret)); x.Protocol {
			case unix.IPPROTO_UDP:
				l.answer("udp")
			case unix.IPPROTO_TCP:
				l.answer("tcp")
			}
		},
		"tcp": func() {
			socketShow(l, int(l.must(socketMake(l, unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP)).Ret))
		},
		"dgram": func() { socketMake(l, unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_TCP) },
	}
}

func socketOther(l *Lab) map[string]func() {
	return map[string]func(){
		"setting": func() {
			const name = "net.mptcp.enabled"
			value, err := kernel.Sysctl(name)
			if err != nil {
				value = "no such setting: this kernel has no MPTCP"
			}
			l.show(lesson.Evidence{Fact: name, Value: value, Source: "/proc/sys/" + strings.ReplaceAll(name, ".", "/"), Command: "sysctl " + name})
		},
		"make": func() {
			call := socketMake(l, unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
			l.note("result", call.Result())
			if call.Errno != 0 {
				l.answer("refused")
				l.note("became", "The kernel was built without it, or it is switched off")
				return
			}
			if socketShow(l, int(call.Ret)) == unix.IPPROTO_MPTCP {
				l.answer("made")
			}
			l.note("became", "So there is more than one protocol for a stream here")
		},
	}
}

// socketUDP wants a UDP socket of the learner's on a port that is free now.
func socketUDP(l *Lab) func() (bool, string) {
	port := socketFreePort(l)
	l.note("port", port)
	l.note("owner", "(nobody)")
	return func() (bool, string) {
		tcp := len(socketRows(l, port, unix.IPPROTO_TCP))
		l.note("tcp", tcp)
		rows := socketRows(l, port, unix.IPPROTO_UDP)
		if len(rows) == 0 {
			return false, fmt.Sprintf("sockets with port %d: UDP 0, TCP %d", port, tcp)
		}
		owners, _, err := kernel.Owners(rows[0].Inode)
		if err != nil {
			l.failf("/proc: %w", err)
		}
		if len(owners) > 0 {
			l.note("owner", owners[0].Comm)
		}
		return true, fmt.Sprintf("a UDP socket has port %d", port)
	}
}

// socketFreePort is a UDP port that was free a moment ago: one below those that the
// kernel gives to clients by itself, so that no other program comes upon it.
func socketFreePort(l *Lab) uint16 {
	fd := int(l.must(l.quietly(server, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_DGRAM | unix.SOCK_CLOEXEC})).Ret)
	defer l.quietly(server, stage.Order{Do: "close", FD: fd})
	const tries = 100
	first := 20000 + l.pid(server)%10000
	for port := first; port < first+tries; port++ {
		if l.quietly(server, stage.Order{Do: "bind", FD: fd, Addr: loopback(uint16(port))}).Errno == 0 {
			return uint16(port)
		}
	}
	l.failf("no UDP port is free from %d on", first)
	return 0
}

// socketRows are the sockets of a protocol, over IPv4 or IPv6, that a process has
// and whose own port is this one.
func socketRows(l *Lab, port uint16, protocol int) (found []kernel.InetSocket) {
	rows, err := kernel.InetSockets(unix.AF_UNSPEC, protocol, kernel.AllStates)
	if err != nil {
		l.failf("sock_diag(7): %w", err)
	}
	for _, row := range rows {
		if row.Local.Port() == port && row.Inode != 0 {
			found = append(found, row)
		}
	}
	return found
}
