package socket

import (
	_ "embed"
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed socket.md
var markdown string

// Lesson is the lesson socket.
var Lesson = lab.Lesson{
	ID:    "socket",
	Words: markdown,
	Experiments: lab.Experiments{
		"zero":  zero,
		"wrong": wrong,
		"other": other,
	},
	Exercises: lab.Exercises{"udp": udp},
}

// create makes a socket of the server, with all three arguments.
func create(l *lab.Lab, domain, typ, protocol int) sockets.Call {
	return l.Do(lab.Server, stage.Order{Do: "socket", Domain: domain, Type: typ | unix.SOCK_CLOEXEC, Protocol: protocol})
}

// show asks a socket what it is.
func show(l *lab.Lab, fd int) (protocol int) {
	x := l.Ask(lab.Server, fd)
	value := fmt.Sprint(x.Protocol)
	if x.Domain != unix.AF_UNIX && x.Protocol != 0 {
		value += ", " + sockets.ProtocolName(x.Domain, x.Protocol)
	}
	l.Show(lesson.Evidence{Fact: fmt.Sprintf("SO_PROTOCOL of %d", fd), Value: value, Source: "getsockopt(2)"})
	return x.Protocol
}

func zero(l *lab.Lab) []lab.Step {
	var protocol int
	made := func(domain, typ int) int {
		return show(l, int(l.Must(create(l, domain, typ, 0)).Ret))
	}
	return []lab.Step{
		{Name: "stream", Do: func() {
			protocol = made(unix.AF_INET, unix.SOCK_STREAM)
			l.Note("stream", protocol)
			switch protocol {
			case 0:
				l.Answer("none")
			case unix.IPPROTO_TCP:
				l.Answer("tcp")
			}
		}},
		{Name: "datagram", Do: func() { l.Note("datagram", made(unix.AF_INET, unix.SOCK_DGRAM)) }},
		{Name: "unix", Do: func() { l.Note("local", made(unix.AF_UNIX, unix.SOCK_STREAM)) }},
	}
}

func wrong(l *lab.Lab) []lab.Step {
	return []lab.Step{
		{Name: "udp", Do: func() {
			call := create(l, unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP)
			l.Note("result", call.Result())
			if call.Errno != 0 {
				l.Answer("error")
				return
			}
			switch x := l.Ask(lab.Server, int(call.Ret)); x.Protocol {
			case unix.IPPROTO_UDP:
				l.Answer("udp")
			case unix.IPPROTO_TCP:
				l.Answer("tcp")
			}
		}},
		{Name: "tcp", Do: func() {
			show(l, int(l.Must(create(l, unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP)).Ret))
		}},
		{Name: "dgram", Do: func() { create(l, unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_TCP) }},
	}
}

func other(l *lab.Lab) []lab.Step {
	return []lab.Step{
		{Name: "setting", Do: func() {
			const name = "net.mptcp.enabled"
			value, err := l.Net().Sysctl(name)
			if err != nil {
				value = "no such setting: this kernel has no MPTCP"
			}
			e := facts.Sysctl(name, value)
			e.Fact = name // its last word alone says nothing
			l.Show(e)
		}},
		{Name: "make", Do: func() {
			call := create(l, unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
			l.Note("result", call.Result())
			if call.Errno != 0 {
				l.Answer("refused")
				l.Note("became", "The kernel was built without it, or it is switched off")
				return
			}
			if show(l, int(call.Ret)) == unix.IPPROTO_MPTCP {
				l.Answer("made")
			}
			l.Note("became", "So there is more than one protocol for a stream here")
		}},
	}
}

// udp wants a UDP socket of the learner's on a port that is free now.
func udp(l *lab.Lab) lab.Check {
	port := freePort(l)
	l.Note("port", port)
	l.Note("owner", "(nobody)")
	return func() (bool, string) {
		tcp := len(held(l.TCP(), port)) // only said; the row of UDP decides
		l.Note("tcp", tcp)
		udp, err := l.Net().UDP()
		if err != nil {
			l.Fatalf("sock_diag(7): %w", err)
		}
		rows := held(udp, port)
		if len(rows) == 0 {
			return false, fmt.Sprintf("sockets with port %d: UDP 0, TCP %d", port, tcp)
		}
		owners, hidden, err := kernel.Owners(rows[0].Inode)
		switch {
		case err != nil:
			l.Fatalf("/proc: %w", err)
		case len(owners) > 0:
			l.Note("owner", owners[0].Comm)
		case hidden > 0:
			l.Note("owner", "another user's program")
		default:
			return false, fmt.Sprintf("a UDP socket had port %d, and is gone", port)
		}
		return true, fmt.Sprintf("a UDP socket has port %d", port)
	}
}

// freePort is a UDP port that was free a moment ago: one below those that the
// kernel gives to clients by itself, so that no other program comes upon it.
func freePort(l *lab.Lab) uint16 {
	fd := int(l.Must(l.Quietly(lab.Server, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_DGRAM | unix.SOCK_CLOEXEC})).Ret)
	defer l.Quietly(lab.Server, stage.Order{Do: "close", FD: fd})
	const tries = 100
	first := 20000 + l.PID(lab.Server)%10000
	for port := first; port < first+tries; port++ {
		if l.Quietly(lab.Server, stage.Order{Do: "bind", FD: fd, Addr: lab.Loopback(uint16(port))}).Errno == 0 {
			return uint16(port)
		}
	}
	l.Fatalf("no UDP port is free from %d on", first)
	return 0
}

// held are those of the sockets that a process has and whose own port is this one.
func held(all kernel.InetTable, port uint16) (found kernel.InetTable) {
	for _, row := range all {
		if row.Local.Port() == port && row.Inode != 0 {
			found = append(found, row)
		}
	}
	return found
}
