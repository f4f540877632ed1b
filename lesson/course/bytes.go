package course

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var bytesPractice = practice{
	experiments: map[string]experiment{
		"order":     bytesOrder,
		"forgotten": bytesForgotten,
		"row":       bytesRow,
	},
	exercises: map[string]exercise{"meet": bytesMeet},
}

// bytesMeant is the port that the programs of this lesson mean, if what becomes of
// it is free.
const bytesMeant = 8080

// bytesKernel is where the kernel tells the byte order of the machine, since Linux
// 6.2.
const bytesKernel = "/sys/kernel/cpu_byteorder"

// bytesHost are the two bytes of a number as this machine keeps them in memory.
func bytesHost(n uint16) []byte { return binary.NativeEndian.AppendUint16(nil, n) }

// bytesNetwork are the same two as they travel, and what htons(3) makes.
func bytesNetwork(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

// bytesWrong is 127.0.0.1 with a port whose bytes nobody has put in network order.
func bytesWrong(port uint16) sockets.Sockaddr {
	addr := slices.Clone(loopback(port))
	copy(addr[2:4], bytesHost(port))
	return addr
}

// bytesName says how a machine puts bytes that lie in memory as these do.
func bytesName(inMemory []byte) string {
	if slices.Equal(inMemory, bytesNetwork(bytesMeant)) {
		return "big"
	}
	return "little"
}

func bytesOrder(l *Lab) map[string]func() {
	return map[string]func(){
		"memory": func() {
			own := bytesHost(bytesMeant)
			e := lesson.Evidence{Fact: fmt.Sprintf("%d in memory", bytesMeant), Value: fmt.Sprintf("% x", own), Source: "the memory of fd3",
				Command: fmt.Sprintf(`printf '\x%02x\x%02x' | od -A n -t u2`, own[0], own[1]), Note: "The command goes the other way: it reads two bytes as one number of this machine."}
			l.show(e)
			if said, err := os.ReadFile(bytesKernel); err == nil {
				l.show(lesson.Evidence{Fact: "the kernel", Value: strings.TrimSpace(string(said)), Source: bytesKernel, Command: "cat " + bytesKernel})
			}
			l.note("in_memory", fmt.Sprintf("% x", own))
			l.note("order", bytesName(own))
			l.answer(bytesName(own))
		},
		"network": func() {
			l.show(lesson.Evidence{Fact: fmt.Sprintf("htons(%d)", bytesMeant), Value: fmt.Sprintf("% x", bytesNetwork(bytesMeant)), Source: "fd3, as htons(3) does it"})
			l.note("on_the_network", fmt.Sprintf("% x", bytesNetwork(bytesMeant)))
		},
		"struct": func() {
			addr := loopback(bytesMeant)
			l.showAddress(structTitle(addr), addr)
		},
	}
}

// bytesChoose finds a number from this one on that is one port in each order, both
// free, and both for this user to bind. They are free now: somebody may be faster.
func bytesChoose(l *Lab, from int) uint16 {
	start, err := kernel.SysctlInt("net.ipv4.ip_unprivileged_port_start")
	if err != nil {
		start = 1024
	}
	for port := from; port < 1<<16; port++ {
		wrong := int(bytesWrong(uint16(port)).Port())
		palindrome := port>>8 == port&0xff
		if !palindrome && min(port, wrong) >= max(start, 1) && len(bytesTaken(l, uint16(port)))+len(bytesTaken(l, uint16(wrong))) == 0 {
			return uint16(port)
		}
	}
	l.failf("no port is free")
	return 0
}

// bytesTaken are the TCP sockets, over IPv4 or IPv6, that have this port.
func bytesTaken(l *Lab, port uint16) (found []kernel.InetSocket) {
	for _, row := range l.tcp() {
		if row.Local.Port() == port {
			found = append(found, row)
		}
	}
	return found
}

// bytesBind binds a socket of the server by an address without htons. If somebody
// takes the port first, it takes the next.
func bytesBind(l *Lab, fd int) (meant uint16) {
	for from := bytesMeant; ; from = int(meant) + 1 {
		meant = bytesChoose(l, from)
		switch call := l.bind(server, fd, bytesWrong(meant)); call.Errno {
		case 0:
			return meant
		case unix.EADDRINUSE:
		default:
			l.must(call)
		}
	}
}

func bytesForgotten(l *Lab) map[string]func() {
	var fd int
	var meant, port uint16
	connect := func(port uint16) string {
		return l.do(client, stage.Order{Do: "connect", FD: l.stream(client), Addr: loopback(port)}).Result()
	}
	return map[string]func(){
		"bind": func() {
			fd = l.stream(server)
			meant = bytesBind(l, fd)
			addr := bytesWrong(meant)
			l.showAddress(structTitle(addr), addr)
			l.must(l.listen(server, fd, 5))
		},
		"look": func() {
			local := l.asked(server, fd).Local
			port = local.Port()
			l.show(lesson.Evidence{Fact: "local address", Value: local.String(), Source: "getsockname(2)", Command: listenerCommand(local)})
			l.note("meant", meant)
			l.note("meant_hex", fmt.Sprintf("%04X", meant))
			l.note("real", port)
			l.note("real_hex", fmt.Sprintf("%04X", port))
			switch port {
			case meant:
				l.answer("meant")
			case meant>>8 | meant<<8:
				l.answer("swapped")
			default:
				l.answer("random")
			}
		},
		"connect": func() {
			l.note("to_meant", connect(meant))
			l.note("to_real", connect(port))
		},
	}
}

func bytesRow(l *Lab) map[string]func() {
	var fd int
	var addr sockets.Sockaddr
	return map[string]func(){
		"listen": func() { fd, addr = l.listener(5) },
		"look": func() {
			ip, port := bytesHex(l, fd)
			l.note("ip", ip)
			l.note("hex", port)
			l.note("bytes", fmt.Sprintf("% X", []byte(addr[4:8])))
			switch ip {
			case fmt.Sprintf("%X", []byte(addr[4:8])):
				l.answer("written")
			case fmt.Sprintf("%08X", binary.LittleEndian.Uint32(addr[4:8])):
				l.answer("turned")
			case addr.AddrPort().Addr().String():
				l.answer("words")
			}
		},
	}
}

// bytesHex shows the row of a listener of the server as the kernel prints it, and
// gives its local address and port.
func bytesHex(l *Lab, fd int) (ip, port string) {
	inode := l.inode(server, fd)
	rows, err := kernel.Table(l.pid(server), "tcp")
	if err != nil {
		l.failf("/proc/net/tcp: %w", err)
	}
	i := slices.IndexFunc(rows, func(r kernel.Row) bool { return r.Inode == inode })
	if i < 0 {
		l.failf("/proc/net/tcp has no row with inode %d", inode)
	}
	local := strings.Fields(rows[i].Raw)[1]
	l.show(lesson.Evidence{Fact: "its row", Value: local + " is " + rows[i].Local.String(), Source: "/proc/net/tcp", Command: fmt.Sprintf("grep %d /proc/net/tcp", inode)})
	ip, port, _ = strings.Cut(local, ":")
	return ip, port
}

// bytesMeet wants a listener of the learner's where a client arrives that means one
// port and forgets htons. The real one is not said before.
func bytesMeet(l *Lab) func() (bool, string) {
	meant := bytesChoose(l, bytesMeant+1+l.pid(server)%5000)
	addr := bytesWrong(meant)
	l.note("meant", meant)
	l.note("real", "(not said yet)")
	l.note("hint", addr.Port())
	l.note("order", bytesName(bytesHost(bytesMeant)))
	l.note("first_byte", map[string]string{"little": "low", "big": "high"}[bytesName(bytesHost(bytesMeant))])
	fd := -1 // of the client, on its way
	return func() (bool, string) {
		_, there := kernel.FindListener(bytesTaken(l, addr.Port()), addr.AddrPort())
		_, wrong := kernel.FindListener(bytesTaken(l, meant), loopback(meant).AddrPort())
		if there && fd < 0 {
			fd = l.socket(client, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
			l.do(client, stage.Order{Do: "connect", FD: fd, Addr: addr})
		}
		if fd >= 0 {
			switch state := l.tcpState(client, fd); state {
			case kernel.SynSent:
				return false, "the client has asked, and has no answer yet"
			case kernel.Close:
				l.close(client, fd)
				fd = -1
			default:
				l.note("real", addr.Port())
				return true, fmt.Sprintf("the client has arrived: %s", state)
			}
		}
		if wrong && !there {
			return false, fmt.Sprintf("you listen on %d: the client does not arrive there", meant)
		}
		return false, "nobody listens where the client arrives"
	}
}
