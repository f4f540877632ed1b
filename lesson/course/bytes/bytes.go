package bytes

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed bytes.md
var markdown string

// Lesson is the lesson bytes.
var Lesson = lab.Lesson{
	ID:    "bytes",
	Words: markdown,
	Experiments: lab.Experiments{
		"order":     order,
		"forgotten": forgotten,
		"row":       row,
	},
	Exercises: lab.Exercises{"meet": meet},
}

// wantedPort is the port that the programs of this lesson mean, if what becomes of
// it is free.
const wantedPort = 8080

// byteOrderFile is where the kernel tells the byte order of the machine, since Linux
// 6.2.
const byteOrderFile = "/sys/kernel/cpu_byteorder"

// host are the two bytes of a number as this machine keeps them in memory.
func host(n uint16) []byte { return binary.NativeEndian.AppendUint16(nil, n) }

// network are the same two as they travel, and what htons(3) makes.
func network(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

// wrong is 127.0.0.1 with a port whose bytes nobody has put in network order.
func wrong(port uint16) sockets.Sockaddr {
	addr := slices.Clone(lab.Loopback(port))
	copy(addr[2:4], host(port))
	return addr
}

// name says how a machine puts bytes that lie in memory as these do.
func name(inMemory []byte) string {
	if slices.Equal(inMemory, network(wantedPort)) {
		return "big"
	}
	return "little"
}

func order(l *lab.Lab) []lab.Step {
	return []lab.Step{
		{Name: "memory", Do: func() {
			own := host(wantedPort)
			e := lesson.Evidence{Fact: fmt.Sprintf("%d in memory", wantedPort), Value: fmt.Sprintf("% x", own), Source: "the memory of fd3",
				Command: fmt.Sprintf(`printf '\%03o\%03o' | od -A n -t u2`, own[0], own[1]), Note: "The command goes the other way: it reads two bytes as one number of this machine."}
			l.Show(e)
			if said, err := os.ReadFile(byteOrderFile); err == nil {
				l.Show(lesson.Evidence{Fact: "the kernel", Value: strings.TrimSpace(string(said)), Source: byteOrderFile, Command: "cat " + byteOrderFile})
			}
			l.Note("in_memory", fmt.Sprintf("% x", own))
			l.Note("order", name(own))
			l.Answer(name(own))
		}},
		{Name: "network", Do: func() {
			l.Show(lesson.Evidence{Fact: fmt.Sprintf("htons(%d)", wantedPort), Value: fmt.Sprintf("% x", network(wantedPort)), Source: "fd3, as htons(3) does it"})
			l.Note("on_the_network", fmt.Sprintf("% x", network(wantedPort)))
		}},
		{Name: "struct", Do: func() {
			addr := lab.Loopback(wantedPort)
			l.ShowAddress(lab.StructTitle(addr), addr)
		}},
	}
}

// choose finds a number from this one on that is one port in each order, both
// free, and both for this user to bind. They are free now: somebody may be faster.
func choose(l *lab.Lab, from int) uint16 {
	start, err := l.Net().SysctlInt("net.ipv4.ip_unprivileged_port_start")
	if err != nil {
		start = 1024
	}
	for port := from; port < 1<<16; port++ {
		wrong := int(wrong(uint16(port)).Port())
		palindrome := port>>8 == port&0xff
		if !palindrome && min(port, wrong) >= max(start, 1) && len(taken(l, uint16(port)))+len(taken(l, uint16(wrong))) == 0 {
			return uint16(port)
		}
	}
	l.Fatalf("no port is free")
	return 0
}

// taken are the TCP sockets, over IPv4 or IPv6, that have this port.
func taken(l *lab.Lab, port uint16) (found []kernel.InetSocket) {
	for _, row := range l.TCP() {
		if row.Local.Port() == port {
			found = append(found, row)
		}
	}
	return found
}

// bind binds a socket of the server by an address without htons. If somebody
// takes the port first, it takes the next.
func bind(l *lab.Lab, fd int) (meant uint16) {
	for from := wantedPort; ; from = int(meant) + 1 {
		meant = choose(l, from)
		switch call := l.Bind(lab.Server, fd, wrong(meant)); call.Errno {
		case 0:
			return meant
		case unix.EADDRINUSE:
		default:
			l.Must(call)
		}
	}
}

func forgotten(l *lab.Lab) []lab.Step {
	var fd int
	var meant, port uint16
	connect := func(port uint16) string {
		return l.ConnectFD(l.Unbound(lab.Client), lab.Loopback(port)).Result()
	}
	return []lab.Step{
		{Name: "bind", Do: func() {
			fd = l.Unbound(lab.Server)
			meant = bind(l, fd)
			addr := wrong(meant)
			l.ShowAddress(lab.StructTitle(addr), addr)
		}},
		{Name: "listen", Do: func() { l.Must(l.Listen(lab.Server, fd, 5)) }},
		{Name: "look", Do: func() {
			local := l.Ask(lab.Server, fd).Local
			port = local.Port()
			l.Show(facts.LocalAddress(local, facts.SS("-ltn", facts.From(local.Port()))))
			l.Note("meant", meant)
			l.Note("meant_hex", fmt.Sprintf("%04X", meant))
			l.Note("real", port)
			l.Note("real_hex", fmt.Sprintf("%04X", port))
			switch port {
			case meant:
				l.Answer("meant")
			case meant>>8 | meant<<8:
				l.Answer("swapped")
			default:
				l.Answer("random")
			}
		}},
		{Name: "meant", Do: func() { l.Note("to_meant", connect(meant)) }},
		{Name: "real", Do: func() { l.Note("to_real", connect(port)) }},
	}
}

func row(l *lab.Lab) []lab.Step {
	var fd int
	var addr sockets.Sockaddr
	return []lab.Step{
		{Name: "listen", Do: func() { fd, addr = l.Listener(5) }},
		{Name: "look", Do: func() {
			ip, port := hex(l, fd)
			l.Note("ip", ip)
			l.Note("hex", port)
			l.Note("bytes", fmt.Sprintf("% X", []byte(addr[4:8])))
			switch ip {
			case fmt.Sprintf("%X", []byte(addr[4:8])):
				l.Answer("written")
			case fmt.Sprintf("%08X", binary.LittleEndian.Uint32(addr[4:8])):
				l.Answer("turned")
			case addr.AddrPort().Addr().String():
				l.Answer("words")
			}
		}},
	}
}

// hex shows the row of a listener of the server as the kernel prints it, and
// gives its local address and port.
func hex(l *lab.Lab, fd int) (ip, port string) {
	inode := l.Inode(lab.Server, fd)
	rows, err := l.Net().Table("tcp")
	if err != nil {
		l.Fatalf("/proc/net/tcp: %w", err)
	}
	i := slices.IndexFunc(rows, func(r kernel.Row) bool { return r.Inode == inode })
	if i < 0 {
		l.Fatalf("/proc/net/tcp has no row with inode %d", inode)
	}
	local := strings.Fields(rows[i].Raw)[1]
	l.Show(lesson.Evidence{Fact: "its row", Value: local + " is " + rows[i].Local.String(), Source: "/proc/net/tcp", Command: fmt.Sprintf("grep %d /proc/net/tcp", inode)})
	ip, port, _ = strings.Cut(local, ":")
	return ip, port
}

// meet wants a listener of the learner's where a client arrives that means one
// port and forgets htons. The real one is not said before.
func meet(l *lab.Lab) lab.Check {
	meant := choose(l, wantedPort+1+l.PID(lab.Server)%5000)
	addr := wrong(meant)
	l.Note("meant", meant)
	l.Note("real", "(not said yet)")
	l.Note("hint", addr.Port())
	l.Note("order", name(host(wantedPort)))
	l.Note("first_byte", map[string]string{"little": "low", "big": "high"}[name(host(wantedPort))])
	fd := -1 // of the client, on its way
	return func() (bool, string) {
		there := l.TCP().Listener(addr.AddrPort()) != nil
		wrong := l.TCP().Listener(lab.Loopback(meant).AddrPort()) != nil
		switch {
		case fd >= 0:
			done, now := arrived(l.Look(addr), l.Inode(lab.Client, fd))
			if now == "" { // refused, or who listened has ended
				l.Close(lab.Client, fd)
				fd, now = -1, "the client came, and nobody was there any more"
			}
			if done {
				l.Note("real", addr.Port())
			}
			return done, now
		case there:
			fd = l.Socket(lab.Client, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
			l.Do(lab.Client, stage.Order{Do: "connect", FD: fd, Addr: addr})
			return false, "somebody listens where the client arrives: it comes"
		case wrong:
			return false, fmt.Sprintf("you listen on %d: the client does not arrive there", meant)
		}
		return false, "nobody listens where the client arrives"
	}
}

// arrived returns how far the client whose socket has that inode has come: it is there
// when the learner's program has its connection. now is empty if it has none.
func arrived(look lab.Look, inode uint64) (done bool, now string) {
	for _, row := range look.Rows {
		if row.Inode != inode {
			continue
		}
		end := look.Other(row)
		switch {
		case row.State == kernel.SynSent:
			return false, "the client has asked, and has no answer yet"
		case row.State != kernel.Established || end == nil:
			return false, ""
		case end.Inode == 0:
			return false, "the client has arrived, and nobody has accepted it yet"
		}
		return look.Still, fmt.Sprintf("the client has arrived: %s", row.State)
	}
	return false, ""
}
