package accept

import (
	_ "embed"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed accept.md
var markdown string

// Lesson is the lesson accept.
var Lesson = lab.Lesson{
	ID:    "accept",
	Words: markdown,
	Experiments: lab.Experiments{
		"port":  port,
		"empty": empty,
		"same":  samePort,
		"many":  manyAddresses,
	},
	Exercises: lab.Exercises{"twins": twins},
}

func port(l *lab.Lab) []lab.Step {
	var listener, conn int
	var addr sockets.Sockaddr
	return []lab.Step{
		{Name: "connect", Do: func() {
			listener, addr = l.Listener(8)
			l.Connect(addr)
		}},
		{Name: "accept", Do: func() {
			conn = l.Accept(listener)
			l.Note("listener", listener)
			l.Note("conn", conn)
		}},
		{Name: "look", Do: func() {
			open, err := kernel.FDs(l.PID(lab.Server))
			if err != nil {
				l.Fatalf("%w", err)
			}
			for _, fd := range open {
				if fd.Number == listener || fd.Number == conn {
					l.Show(facts.Descriptor(l.PID(lab.Server), fd))
				}
			}
			showSocket(l, listener)
			x := showSocket(l, conn)
			l.Note("local", x.Local)
			l.Note("peer", x.Peer)
			if x.Local.Port() == addr.Port() {
				l.Answer("same")
			} else {
				l.Answer("new")
			}
		}},
	}
}

// showSocket shows the addresses and the state of a socket of the server.
func showSocket(l *lab.Lab, fd int) stage.Socket {
	x := l.Ask(lab.Server, fd)
	l.Show(facts.Socket(x))
	return x
}

func empty(l *lab.Lab) []lab.Step {
	var listener int
	var addr sockets.Sockaddr
	var p *lab.Pending
	return []lab.Step{
		{Name: "accept", Do: func() {
			listener, addr = l.Listener(8)
			p = l.Begin(lab.Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC})
			task := p.Blocks()
			l.Note("where", task.Wchan)
			l.Note("doing", task.StateName)
			l.Answer("waits")
		}},
		{Name: "connect", Do: func() {
			l.Connect(addr)
			call := l.Must(p.Wait())
			l.Note("took", lesson.Took(call.Duration))
			l.Note("woken", call.Ret)
		}},
		{Name: "nonblock", Do: func() {
			var fd int
			l.Setup(func() {
				fd = l.Socket(lab.Server, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
				l.Must(l.Bind(lab.Server, fd, lab.Loopback(0)))
				l.Must(l.Listen(lab.Server, fd, 8))
			})
			call := l.Do(lab.Server, stage.Order{Do: "accept4", FD: fd, Flags: unix.SOCK_CLOEXEC})
			l.Note("nonblock", lab.Outcome(call))
		}},
	}
}

func samePort(l *lab.Lab) []lab.Step {
	var listener int
	var addr sockets.Sockaddr
	var port uint16
	var first, second, connected int
	bind := func(from sockets.Sockaddr) (fd int) {
		fd = l.Unbound(lab.Client)
		l.Must(l.Bind(lab.Client, fd, from))
		return fd
	}
	connect := func(fd int) sockets.Call {
		call := l.ConnectFD(fd, addr)
		if call.Errno == 0 {
			connected++
			l.Setup(func() { l.Accept(listener) })
		}
		return call
	}
	return []lab.Step{
		{Name: "first", Do: func() {
			listener, addr = l.Listener(8)
			first = bind(lab.LoopbackAt(2, 0))
			port = l.Ask(lab.Client, first).Local.Port()
			l.Note("client_port", port)
		}},
		{Name: "connect", Do: func() { l.Must(connect(first)) }},
		{Name: "second", Do: func() { second = bind(lab.LoopbackAt(3, port)) }},
		{Name: "again", Do: func() { l.Note("second", lab.Outcome(connect(second))) }},
		{Name: "look", Do: func() {
			found := 0
			for _, row := range l.RowsAt(addr, kernel.Established) {
				if row.Remote.Port() == port {
					found++
					l.Show(facts.Connection(found, row))
				}
			}
			var limit unix.Rlimit
			if err := unix.Prlimit(l.PID(lab.Server), unix.RLIMIT_NOFILE, nil, &limit); err != nil {
				l.Fatalf("prlimit: %w", err)
			}
			l.Show(facts.DescriptorLimit(l.PID(lab.Server), limit.Cur))
			l.Note("found", found)
			l.Note("files", limit.Cur)
			switch {
			case found == 2 && connected == 2:
				l.Answer("both")
			case connected == 1:
				l.Answer("one")
			}
		}},
	}
}

// manyAddresses has many clients come from one port number, each at an address of its
// own, and one that comes from an address and a port that another has.
func manyAddresses(l *lab.Lab) []lab.Step {
	const ports = 1<<16 - 1 // no socket has port 0
	clients := l.Param("clients")
	var listener int
	var addr, first sockets.Sockaddr
	// from makes a socket of the client with an address that others may have, too.
	from := func(do func(stage.Role, stage.Order) sockets.Call, own sockets.Sockaddr) (fd int) {
		fd = int(l.Must(do(lab.Client, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})).Ret)
		l.Must(do(lab.Client, stage.Order{Do: "setsockopt", FD: fd, Level: unix.SOL_SOCKET, Option: unix.SO_REUSEADDR, Value: 1}))
		l.Must(do(lab.Client, stage.Order{Do: "bind", FD: fd, Addr: own}))
		return fd
	}
	return []lab.Step{
		{Name: "first", Do: func() {
			var fd int
			listener, addr = l.Listener(8)
			l.Setup(func() { fd = from(l.Do, lab.LoopbackAt(2, 0)) })
			l.Must(l.ConnectFD(fd, addr))
			l.Setup(func() { l.Accept(listener) })
			first = l.Ask(lab.Client, fd).Local
			l.Note("first", first)
		}},
		{Name: "again", Do: func() {
			var fd int
			l.Setup(func() { fd = from(l.Do, first) })
			l.Note("again", lab.Outcome(l.ConnectFD(fd, addr)))
		}},
		{Name: "others", Do: func() {
			for n := range byte(clients) {
				fd := from(l.Quietly, lab.LoopbackAt(3+n, first.Port()))
				l.Must(l.Quietly(lab.Client, stage.Order{Do: "connect", FD: fd, Addr: addr}))
				l.Must(l.Quietly(lab.Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC}))
			}
			found := 0
			for _, row := range l.RowsAt(addr, kernel.Established) {
				if row.Remote.Port() == first.Port() {
					found++
				}
			}
			l.Show(lesson.Evidence{Fact: "connections", Value: fmt.Sprintf("%d from port %d, each of another address, at the server's port %d", found, first.Port(), addr.Port()),
				Source: "sock_diag(7)", Command: facts.SS("-tan", facts.From(addr.Port()))})
			l.Note("many", found)
			l.Note("product", found*ports)
			if found > 1 { // each port of each address can be there
				l.Answer("more")
			} else {
				l.Answer("ports")
			}
		}},
	}
}

// twins wants two connections that differ in the client's address alone. The
// server accepts every client, up to a number.
func twins(l *lab.Lab) lab.Check {
	const most = 16 // connections that it accepts
	listener, addr := l.Listener(8)
	l.Note("twins", "no two yet")
	accepted := 0
	return func() (bool, string) {
		look := l.Look(addr)
		first := make(map[uint16]netip.Addr)
		for _, row := range look.Here(kernel.Established) {
			peer := row.Remote
			if row.Inode == 0 { // it waits for accept
				continue
			}
			if other, ok := first[peer.Port()]; ok && other != peer.Addr() && look.Still {
				l.Note("twins", fmt.Sprintf("%s and %s", netip.AddrPortFrom(other, peer.Port()), peer))
				return true, fmt.Sprintf("two clients with port %d", peer.Port())
			}
			first[peer.Port()] = peer.Addr()
		}
		if look.Queue().Waiting > 0 && accepted < most {
			l.Accept(listener)
			accepted++
		}
		return false, fmt.Sprintf("open connections: %d, no two with the same client port", len(first))
	}
}
