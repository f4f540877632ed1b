package bind

import (
	"bufio"
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed bind.md
var markdown string

// Lesson is the lesson bind.
var Lesson = lab.Lesson{
	ID:    "bind",
	Words: markdown,
	Experiments: lab.Experiments{
		"length":     length,
		"privileged": privileged,
		"two":        two,
		"reach":      reach,
		"localhost":  localhost,
		"without":    without,
	},
	Exercises: lab.Exercises{"share": sharePort},
}

func length(l *lab.Lab) []lab.Step {
	const said = 8
	return []lab.Step{
		{Name: "whole", Do: func() {
			fd := l.Unbound(lab.Server)
			l.Must(l.Bind(lab.Server, fd, lab.Loopback(0)))
			addr := l.Ask(lab.Server, fd).Local
			l.ShowAddress(lab.StructTitle(addr), addr)
			l.Note("size", len(addr))
			l.Note("port", addr.Port())
		}},
		{Name: "short", Do: func() {
			call := l.Bind(lab.Server, l.Unbound(lab.Server), lab.Loopback(0)[:said])
			l.Note("said", said)
			l.Note("error", lab.Outcome(call))
			switch call.Errno {
			case 0:
				l.Answer("binds")
			case unix.EINVAL:
				l.Answer("refuses")
			case unix.EFAULT:
				l.Answer("fault")
			}
		}},
		{Name: "family", Do: func() {
			path := sockets.UnixSockaddr("/tmp/fd3/talk") // as long as a struct sockaddr_in, and never made
			l.Note("family", lab.Outcome(l.Bind(lab.Server, l.Unbound(lab.Server), path)))
		}},
	}
}

func privileged(l *lab.Lab) []lab.Step {
	const wanted = 80
	return []lab.Step{
		{Name: "limit", Do: func() {
			limit, err := l.Net().SysctlInt("net.ipv4.ip_unprivileged_port_start")
			if err != nil {
				l.Fatalf("net.ipv4.ip_unprivileged_port_start: %w", err)
			}
			l.Show(facts.Sysctl("net.ipv4.ip_unprivileged_port_start", fmt.Sprint(limit)))
			l.Note("limit", limit)
			l.Note("right", showRight(l))
		}},
		{Name: "bind", Do: func() {
			call := l.Bind(lab.Server, l.Unbound(lab.Server), lab.Loopback(wanted))
			l.Note("wanted", wanted)
			l.Note("outcome", lab.Outcome(call))
		}},
	}
}

// showRight shows whether the server may take a privileged port.
func showRight(l *lab.Lab) string {
	path := fmt.Sprintf("/proc/%d/status", l.PID(lab.Server))
	text, err := os.ReadFile(path)
	if err != nil {
		l.Fatalf("%w", err)
	}
	var rights uint64
	_, after, _ := strings.Cut(string(text), "\nCapEff:")
	if _, err := fmt.Sscanf(after, "%x", &rights); err != nil {
		l.Fatalf("%s: CapEff: %w", path, err)
	}
	e := facts.CanBindPrivileged(l.PID(lab.Server), rights)
	l.Show(e)
	return e.Value
}

func two(l *lab.Lab) []lab.Step {
	var port uint16
	var held int // by sockets of ours
	take := func(typ int, addr sockets.Sockaddr) sockets.Call {
		var fd int
		l.Setup(func() { fd = l.Socket(lab.Server, unix.AF_INET, typ) })
		call := l.Bind(lab.Server, fd, addr)
		if call.Errno == 0 {
			held++
		}
		return call
	}
	var udp, other bool
	return []lab.Step{
		{Name: "first", Do: func() {
			fd := l.Unbound(lab.Server)
			l.Must(l.Bind(lab.Server, fd, lab.Loopback(0)))
			held++
			port = l.Ask(lab.Server, fd).Local.Port()
		}},
		{Name: "again", Do: func() { l.Note("again", lab.Outcome(take(unix.SOCK_STREAM, lab.Loopback(port)))) }},
		{Name: "udp", Do: func() { udp = take(unix.SOCK_DGRAM, lab.Loopback(port)).Errno == 0 }},
		{Name: "other", Do: func() { other = take(unix.SOCK_STREAM, lab.LoopbackAt(2, port)).Errno == 0 }},
		{Name: "look", Do: func() {
			for _, x := range l.State(lab.Server).Sockets {
				if x.Local.Port() == port {
					l.Show(facts.ProtocolAddress(x))
				}
			}
			l.Note("port", port)
			l.Note("held", held)
			switch {
			case udp && other:
				l.Answer("more")
			case udp:
				l.Answer("protocols")
			case held == 1:
				l.Answer("one")
			}
		}},
	}
}

func reach(l *lab.Lab) []lab.Step {
	var addr sockets.Sockaddr
	return []lab.Step{
		{Name: "listen", Do: func() { _, addr = l.Listener(8) }},
		{Name: "connect", Do: func() {
			call := l.ConnectFD(l.Unbound(lab.Client), lab.LoopbackAt(2, addr.Port()))
			l.Note("two", lab.Outcome(call))
			switch call.Errno {
			case unix.ECONNREFUSED:
				l.Answer("refused")
			case 0:
				l.Answer("reached")
			case unix.ETIMEDOUT:
				l.Answer("hangs")
			}
		}},
		{Name: "wildcard", Do: func() {
			every := sockets.InetSockaddr(netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port()))
			l.Note("wildcard", lab.Outcome(l.Bind(lab.Server, l.Unbound(lab.Server), every)))
		}},
	}
}

// localhost asks for one port at both addresses that the name may lead to: of a server
// at one of them, and then of one at each.
func localhost(l *lab.Lab) []lab.Step {
	var first, second int
	var four, six sockets.Sockaddr
	connect := func(addr sockets.Sockaddr) sockets.Call {
		socket := newSocket(l, lab.Client, addr.Family())
		if socket.Errno != 0 {
			return socket // a kernel without IPv6
		}
		return l.ConnectFD(int(socket.Ret), addr)
	}
	return []lab.Step{
		{Name: "file", Do: func() {
			names := addressesOf("localhost")
			l.Show(lesson.Evidence{Fact: "localhost", Value: names, Source: "/etc/hosts", Command: "grep localhost /etc/hosts"})
			l.Note("localhost", names)
		}},
		{Name: "one", Do: func() {
			first, four = l.Listener(8)
			six = sockets.InetSockaddr(netip.AddrPortFrom(netip.IPv6Loopback(), four.Port()))
			call := connect(six)
			l.Note("six", lab.Outcome(call))
			switch call.Errno {
			case 0:
				l.Answer("reached")
			case unix.ECONNREFUSED:
				l.Answer("refused")
			case unix.EADDRNOTAVAIL, unix.EAFNOSUPPORT, unix.ENETUNREACH:
				l.Answer("none")
			}
		}},
		{Name: "four", Do: func() { l.Note("four", lab.Outcome(connect(four))) }},
		{Name: "bind", Do: func() {
			call := newSocket(l, lab.Server, unix.AF_INET6)
			if call.Errno == 0 {
				second = int(call.Ret)
				call = l.Bind(lab.Server, second, six)
			}
			l.Note("second", lab.Outcome(call))
			if call.Errno != 0 {
				second = 0
			}
		}},
		{Name: "listen", Do: func() {
			if second != 0 {
				l.Must(l.Listen(lab.Server, second, 8))
			}
		}},
		{Name: "again", Do: func() { l.Note("six_then", lab.Outcome(connect(six))) }},
		{Name: "both", Do: func() {
			l.Must(connect(four))
			l.Note("at_four", l.ShowQueue(first).Waiting)
			l.Note("at_six", 0)
			if second != 0 {
				l.Note("at_six", l.ShowQueue(second).Waiting)
			}
		}},
	}
}

// newSocket makes a TCP socket, told in short. It may fail.
func newSocket(l *lab.Lab, role stage.Role, domain int) (call sockets.Call) {
	l.Setup(func() {
		call = l.Do(role, stage.Order{Do: "socket", Domain: domain, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})
	})
	return call
}

// addressesOf are the addresses that hosts(5) has for a name.
func addressesOf(name string) string {
	file, err := os.Open("/etc/hosts")
	if err != nil {
		return "not to be read"
	}
	defer file.Close()
	var found []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		for _, word := range words[min(1, len(words)):] {
			if word == name {
				found = append(found, words[0])
				break
			}
		}
	}
	if len(found) == 0 {
		return "not in it"
	}
	return strings.Join(found, " and ")
}

func without(l *lab.Lab) []lab.Step {
	const lo = 1 // the index of the loopback interface, in every network namespace
	var fd int
	var addr sockets.Sockaddr
	return []lab.Step{
		{Name: "lo", Do: func() {
			fd = l.Unbound(lab.Server)
			l.Must(l.Do(lab.Server, stage.Order{Do: "setsockopt", FD: fd, Level: unix.SOL_SOCKET, Option: unix.SO_BINDTOIFINDEX, Value: lo}))
		}},
		{Name: "listen", Do: func() {
			call := l.Listen(lab.Server, fd, 8)
			l.Note("listen", lab.Outcome(call))
			addr = l.Ask(lab.Server, fd).Local
			l.Show(facts.AddressOf(lab.Server, addr, facts.SS("-ltn", facts.From(addr.Port()))))
			l.Note("server", addr)
			switch {
			case call.Errno != 0:
				l.Answer("error")
			case addr.Port() == 0:
				l.Answer("none")
			default:
				l.Answer("chosen")
			}
		}},
		{Name: "connect", Do: func() {
			c := l.Connect(lab.Loopback(addr.Port()))
			own := l.Ask(lab.Client, c).Local
			from, err := l.Net().Sysctl("net.ipv4.ip_local_port_range")
			if err != nil {
				l.Fatalf("net.ipv4.ip_local_port_range: %w", err)
			}
			ports := strings.Join(strings.Fields(from), " to ")
			l.Show(facts.AddressOf(lab.Client, own, facts.SS("-tan", facts.To(addr.Port()))))
			l.Show(facts.Sysctl("net.ipv4.ip_local_port_range", ports))
			l.Note("client", own)
			l.Note("range", ports)
		}},
		{Name: "every", Do: func() {
			call := l.ConnectFD(l.Unbound(lab.Client), lab.LoopbackAt(2, addr.Port()))
			l.Note("every", lab.Outcome(call))
		}},
	}
}

// sharePort wants a second listener on the port of ours, at another address.
func sharePort(l *lab.Lab) lab.Check {
	_, addr := l.Listener(8)
	l.Note("other", "none yet")
	return func() (bool, string) {
		for _, row := range l.TCP() {
			if row.State == kernel.Listen && row.Local.Port() == addr.Port() && row.Local != addr.AddrPort() {
				l.Note("other", row.Local)
				return true, fmt.Sprintf("%s and %s both listen", addr, row.Local)
			}
		}
		return false, fmt.Sprintf("listeners on port %d: %s alone", addr.Port(), addr)
	}
}
