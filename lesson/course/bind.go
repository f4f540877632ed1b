package course

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var bindPractice = practice{
	experiments: map[string]experiment{
		"length":     bindLength,
		"privileged": bindPrivileged,
		"two":        bindTwo,
		"reach":      bindReach,
		"without":    bindWithout,
	},
	exercises: map[string]exercise{"share": sharePort},
}

func bindLength(l *Lab) map[string]func() {
	const said = 8
	return map[string]func(){
		"whole": func() {
			fd := l.stream(server)
			l.must(l.bind(server, fd, loopback(0)))
			addr := l.asked(server, fd).Local
			l.showAddress(structTitle(addr), addr)
			l.note("size", len(addr))
			l.note("port", addr.Port())
		},
		"short": func() {
			call := l.bind(server, l.stream(server), loopback(0)[:said])
			l.note("said", said)
			l.note("error", outcome(call))
			switch call.Errno {
			case 0:
				l.answer("binds")
			case unix.EINVAL:
				l.answer("refuses")
			case unix.EFAULT:
				l.answer("fault")
			}
		},
		"family": func() {
			path := sockets.UnixSockaddr("/tmp/fd3/talk") // as long as a struct sockaddr_in, and never made
			l.note("family", outcome(l.bind(server, l.stream(server), path)))
		},
	}
}

// outcome is what became of a call, as a verb of it: "`bind` {outcome}".
func outcome(c sockets.Call) string {
	if c.Errno != 0 {
		return "failed with " + c.ErrnoName()
	}
	return "succeeded"
}

func bindPrivileged(l *Lab) map[string]func() {
	const wanted = 80
	return map[string]func(){
		"limit": func() {
			limit, err := kernel.SysctlInt("net.ipv4.ip_unprivileged_port_start")
			if err != nil {
				l.failf("net.ipv4.ip_unprivileged_port_start: %w", err)
			}
			l.show(lesson.Evidence{Fact: "ip_unprivileged_port_start", Value: fmt.Sprint(limit), Source: "/proc/sys/net/ipv4/ip_unprivileged_port_start", Command: "sysctl net.ipv4.ip_unprivileged_port_start"})
			l.note("limit", limit)
			l.note("right", l.showRight())
		},
		"bind": func() {
			call := l.bind(server, l.stream(server), loopback(wanted))
			l.note("wanted", wanted)
			l.note("outcome", outcome(call))
		},
	}
}

// showRight shows whether the server may take a privileged port.
func (l *Lab) showRight() string {
	path := fmt.Sprintf("/proc/%d/status", l.pid(server))
	text, err := os.ReadFile(path)
	if err != nil {
		l.failf("%w", err)
	}
	var rights uint64
	_, after, _ := strings.Cut(string(text), "\nCapEff:")
	if _, err := fmt.Sscanf(after, "%x", &rights); err != nil {
		l.failf("%s: CapEff: %w", path, err)
	}
	has := "no"
	if rights&(1<<unix.CAP_NET_BIND_SERVICE) != 0 {
		has = "yes"
	}
	l.show(lesson.Evidence{Fact: "CAP_NET_BIND_SERVICE", Value: has, Source: path, Command: "grep CapEff " + path,
		Note: fmt.Sprintf("CapEff is %016x, one bit for each right. This one is bit %d.", rights, unix.CAP_NET_BIND_SERVICE)})
	return has
}

func bindTwo(l *Lab) map[string]func() {
	var port uint16
	var held int // by sockets of ours
	take := func(typ int, addr sockets.Sockaddr) sockets.Call {
		call := l.bind(server, l.socket(server, unix.AF_INET, typ), addr)
		if call.Errno == 0 {
			held++
		}
		return call
	}
	var udp, other bool
	return map[string]func(){
		"first": func() {
			fd := l.stream(server)
			l.must(l.bind(server, fd, loopback(0)))
			held++
			port = l.asked(server, fd).Local.Port()
		},
		"again": func() { l.note("again", outcome(take(unix.SOCK_STREAM, loopback(port)))) },
		"udp":   func() { udp = take(unix.SOCK_DGRAM, loopback(port)).Errno == 0 },
		"other": func() { other = take(unix.SOCK_STREAM, loopbackAt(2, port)).Errno == 0 },
		"look": func() {
			for _, x := range l.state(server).Sockets {
				if x.Local.Port() == port {
					l.show(lesson.Evidence{Fact: fmt.Sprintf("socket %d", x.FD), Value: fmt.Sprintf("%s %s", sockets.ProtocolName(x.Domain, x.Protocol), x.Local), Source: "getsockname(2)"})
				}
			}
			l.note("port", port)
			l.note("held", held)
			switch {
			case udp && other:
				l.answer("more")
			case udp:
				l.answer("protocols")
			case held == 1:
				l.answer("one")
			}
		},
	}
}

// loopbackAt is 127.0.0.n with a port: every such address is this machine's own.
func loopbackAt(n byte, port uint16) sockets.Sockaddr {
	return sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, n}), port))
}

func bindReach(l *Lab) map[string]func() {
	var addr sockets.Sockaddr
	return map[string]func(){
		"listen": func() { _, addr = l.listener(8) },
		"connect": func() {
			call := l.do(client, stage.Order{Do: "connect", FD: l.stream(client), Addr: loopbackAt(2, addr.Port())})
			l.note("two", outcome(call))
			switch call.Errno {
			case unix.ECONNREFUSED:
				l.answer("refused")
			case 0:
				l.answer("reached")
			case unix.ETIMEDOUT:
				l.answer("hangs")
			}
		},
		"wildcard": func() {
			every := sockets.InetSockaddr(netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port()))
			l.note("wildcard", outcome(l.bind(server, l.stream(server), every)))
		},
		"localhost": func() {
			names := addressesOf("localhost")
			l.show(lesson.Evidence{Fact: "localhost", Value: names, Source: "/etc/hosts", Command: "grep localhost /etc/hosts"})
			l.note("localhost", names)
		},
	}
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

func bindWithout(l *Lab) map[string]func() {
	const lo = 1 // the index of the loopback interface, in every network namespace
	var fd int
	var addr sockets.Sockaddr
	return map[string]func(){
		"lo": func() {
			fd = l.stream(server)
			l.must(l.do(server, stage.Order{Do: "setsockopt", FD: fd, Level: unix.SOL_SOCKET, Option: unix.SO_BINDTOIFINDEX, Value: lo}))
		},
		"listen": func() {
			call := l.listen(server, fd, 8)
			l.note("listen", outcome(call))
			addr = l.asked(server, fd).Local
			l.show(lesson.Evidence{Fact: "the server's address", Value: addr.String(), Source: "getsockname(2)", Command: listenerCommand(addr)})
			l.note("server", addr)
			switch {
			case call.Errno != 0:
				l.answer("error")
			case addr.Port() == 0:
				l.answer("none")
			default:
				l.answer("chosen")
			}
		},
		"connect": func() {
			c := l.connect(loopback(addr.Port()))
			own := l.asked(client, c).Local
			from, err := kernel.Sysctl("net.ipv4.ip_local_port_range")
			if err != nil {
				l.failf("net.ipv4.ip_local_port_range: %w", err)
			}
			ports := strings.Join(strings.Fields(from), " to ")
			l.show(lesson.Evidence{Fact: "the client's address", Value: own.String(), Source: "getsockname(2)", Command: clientsCommand(addr)})
			l.show(lesson.Evidence{Fact: "ip_local_port_range", Value: ports, Source: "/proc/sys/net/ipv4/ip_local_port_range", Command: "sysctl net.ipv4.ip_local_port_range"})
			l.note("client", own)
			l.note("range", ports)
		},
		"every": func() {
			call := l.do(client, stage.Order{Do: "connect", FD: l.stream(client), Addr: loopbackAt(2, addr.Port())})
			l.note("every", outcome(call))
		},
	}
}

// sharePort wants a second listener on the port of ours, at another address.
func sharePort(l *Lab) func() (bool, string) {
	_, addr := l.listener(8)
	l.note("other", "none yet")
	return func() (bool, string) {
		for _, row := range l.tcp() {
			if row.State == kernel.Listen && row.Local.Port() == addr.Port() && row.Local != addr.AddrPort() {
				l.note("other", row.Local)
				return true, fmt.Sprintf("%s and %s both listen", addr, row.Local)
			}
		}
		return false, fmt.Sprintf("listeners on port %d: %s alone", addr.Port(), addr)
	}
}
