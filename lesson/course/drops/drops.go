package drops

import (
	_ "embed"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets"
	"fd3/sockets/hooks"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

//go:embed drops.md
var markdown string

// Lesson is the lesson drops.
var Lesson = lab.Lesson{
	ID:    "drops",
	Words: markdown,
	Experiments: lab.Experiments{
		"socket": socket,
		"way":    way,
		"queue":  queue,
	},
	Exercises: lab.Exercises{"two": two},
}

// The ports of the server's host: nobody is bound to the second.
const port, nobody = 8080, 9999

func at(port uint16) sockets.Sockaddr {
	return sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 2}), port))
}

// receiver returns a bound socket of the server. Its calls are told in short.
func receiver(l *lab.Lab) (fd int) {
	l.Setup(func() {
		fd = l.Socket(lab.Server, unix.AF_INET, unix.SOCK_DGRAM)
		l.Must(l.Bind(lab.Server, fd, at(port)))
	})
	return fd
}

// sender returns a socket of the client that is connected to a port, so that it hears of
// errors (udp(7)). Its calls are told in short.
func sender(l *lab.Lab, to uint16) (fd int) {
	l.Setup(func() {
		fd = l.Socket(lab.Client, unix.AF_INET, unix.SOCK_DGRAM)
		l.Must(l.ConnectFD(fd, at(to)))
	})
	return fd
}

func hello(fd int) stage.Order { return stage.Order{Do: "sendto", FD: fd, Data: []byte("hello")} }

// take takes what waits for a receiver, or EAGAIN.
func take(fd int) stage.Order {
	return stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_DGRAM, Size: 64, Flags: unix.MSG_DONTWAIT}
}

// moved waits until a counter of a host has moved, and shows it.
func moved(l *lab.Lab, n *lab.Network, role stage.Role, name, meaning string) int64 {
	l.Until(name+" to move", func() bool { return n.Counter(role, name) > 0 })
	n.ShowCounter(role, name, meaning)
	return n.Counter(role, name)
}

func socket(l *lab.Lab) []lab.Step {
	const many = 20
	var n *lab.Network
	var fd int
	var refused sockets.Call
	return []lab.Step{
		{Name: "closed", Do: func() {
			n = l.Network()
			n.Flow()
			fd = sender(l, nobody)
			l.Must(l.Do(lab.Client, hello(fd)))
			l.Note("nobody", nobody)
			l.Until("the answer", func() bool { return n.Counter(lab.Client, "Icmp.InDestUnreachs") > 0 })
			l.Note("no_ports", moved(l, n, lab.Server, "Udp.NoPorts", "Datagrams for a port to which no socket is bound."))
		}},
		{Name: "again", Do: func() {
			refused = l.Do(lab.Client, hello(fd))
			l.Note("refused", lab.Said(refused))
		}},
		{Name: "full", Do: func() {
			to := receiver(l)
			l.Setup(func() { l.SetOption(lab.Server, to, unix.SO_RCVBUF, 1) })
			fd := sender(l, port)
			data := strings.Repeat("x", 500)
			come := func() int64 { return n.Counter(lab.Server, "Ip.InDelivers") }
			before := come()
			var last sockets.Call
			for i := range many {
				send := l.Quietly
				if i == many-1 {
					send = l.Do
				}
				last = send(lab.Client, stage.Order{Do: "sendto", FD: fd, Data: []byte(data)})
			}
			l.Note("many", many)
			l.Until("all of them to have come", func() bool { return come()-before >= many })
			l.Note("full_said", lab.Said(last))
			l.Note("rcvbuf", moved(l, n, lab.Server, "Udp.RcvbufErrors", "Datagrams for a socket whose receive buffer was full."))
			switch {
			case refused.Errno != 0 && last.Errno != 0:
				l.Answer("both")
			case refused.Errno != 0:
				l.Answer("closed")
			case last.Errno != 0:
				l.Answer("full")
			default:
				l.Answer("neither")
			}
		}},
	}
}

func way(l *lab.Lab) []lab.Step {
	var n *lab.Network
	var to int
	var lies wire.Packet
	var sent, got sockets.Call
	var errors int64
	return []lab.Step{
		{Name: "send", Do: func() {
			n = l.Network()
			to = receiver(l)
			fd := sender(l, port)
			sent = l.Must(l.Do(lab.Client, hello(fd)))
			lies = datagram(l, n)
			n.Show(lies)
		}},
		{Name: "bit", Do: func() {
			n.Corrupt(lies, len(lies.Data)-1)
		}},
		{Name: "recv", Do: func() {
			l.Until("the datagram to arrive", func() bool { return n.Counter(lab.Server, "Ip.InDelivers") > 0 })
			got = l.Do(lab.Server, take(to))
			l.Note("recv_said", lab.Said(got))
			errors = moved(l, n, lab.Server, "Udp.InCsumErrors", "Datagrams whose bytes do not fit their checksum.")
			l.Note("csum", errors)
		}},
		{Name: "rule", Do: func() {
			t := n.Try(hooks.Order{Verb: hooks.Drop, At: "input"})
			server := t.Moved[string(lab.Server)]
			l.Note("rule_said", lab.Said(t.Sent))
			l.Note("came", server["Ip.InReceives"])
			l.Note("delivered", server["Ip.InDelivers"])
			for _, name := range []string{"Ip.InReceives", "Ip.InDelivers", "Udp.InErrors"} {
				l.Show(lesson.Evidence{Fact: name + " moved by", Value: fmt.Sprint(server[name]), Source: "/proc/net/snmp of the server's host"})
			}
			if d := t.Dropped; d != nil {
				l.Show(lesson.Evidence{Fact: "the kernel's reason", Value: d.Reason + " in " + d.Function + "()", Source: "tracepoint skb:kfree_skb"})
			}
			switch {
			case sent.Errno != 0 || t.Sent.Errno != 0:
				l.Answer("sender")
			case errors > 0 && server["Ip.InReceives"] == 1 && server["Ip.InDelivers"] == 0:
				l.Answer("counters")
			default:
				l.Answer("nothing")
			}
		}},
	}
}

// datagram waits for one that lies on the cable.
func datagram(l *lab.Lab, n *lab.Network) (lies wire.Packet) {
	l.Until("a datagram on the cable", func() bool {
		held := n.Held()
		i := slices.IndexFunc(held, func(p wire.Packet) bool { return p.Layer("UDP") != nil })
		if i >= 0 {
			lies = held[i]
		}
		return i >= 0
	})
	return lies
}

func queue(l *lab.Lab) []lab.Step {
	const many = 30
	var n *lab.Network
	failed := 0
	return []lab.Step{
		{Name: "burst", Do: func() {
			n = l.Network()
			n.Flow()
			n.Slow(100_000, 4000)
			receiver(l)
			fd := sender(l, port)
			data := strings.Repeat("x", 1000)
			for i := range many {
				send := l.Quietly
				if i == many-1 {
					send = l.Do
				}
				if send(lab.Client, stage.Order{Do: "sendto", FD: fd, Data: []byte(data)}).Errno != 0 {
					failed++
				}
			}
			l.Note("burst", many)
			l.Note("burst_failed", failed)
			l.Until("the queue to be empty again", func() bool { return n.Queue(lab.Server).Waiting == 0 })
			l.Note("qdisc", n.ShowQueue(lab.Server).Dropped)
		}},
		{Name: "connect", Do: func() {
			var listener int
			l.Setup(func() {
				n.Slow(0, 0)
				listener = l.Stream(lab.Server)
				l.Must(l.Bind(lab.Server, listener, at(port)))
				l.Must(l.Listen(lab.Server, listener, 0))
				l.Must(l.ConnectFD(l.Stream(lab.Client), at(port)))
			})
			l.Until("the queue to be full", func() bool { return l.Look(at(port)).Queue().Waiting > 0 })
			fd := l.Unbound(lab.Client)
			connect := l.Begin(lab.Client, stage.Order{Do: "connect", FD: fd, Addr: at(port)})
			l.Until("a SYN to be thrown away", func() bool { return n.Counter(lab.Server, "TcpExt.ListenOverflows") > 0 })
			n.Hold() // the kernel repeats the SYN, and each would be counted
			connect.Blocks()
			l.Note("overflows", moved(l, n, lab.Server, "TcpExt.ListenOverflows", "Connections that found the accept queue full."))
			waits := true
			select {
			case <-connect.Done():
				waits = false
			default:
			}
			switch {
			case failed == 0 && waits:
				l.Answer("neither")
			case failed > 0 && !waits:
				l.Answer("both")
			default:
				l.Answer("one")
			}
		}},
	}
}

// two wants two counters of the server's host to have moved, each for a datagram that was
// lost in its own way. The server reads what comes: it is then that a checksum is looked
// at.
func two(l *lab.Lab) lab.Check {
	n := l.Network()
	fd := receiver(l)
	l.Note("host", at(port).AddrPort().Addr())
	l.Note("port", port)
	l.Note("no_ports", 0)
	l.Note("csum", 0)
	return func() (bool, string) {
		l.Quietly(lab.Server, take(fd))
		noPorts, csum := n.Counter(lab.Server, "Udp.NoPorts"), n.Counter(lab.Server, "Udp.InCsumErrors")
		l.Note("no_ports", noPorts)
		l.Note("csum", csum)
		if noPorts > 0 && csum > 0 {
			return true, "both counters have moved"
		}
		return false, fmt.Sprintf("UdpNoPorts is %d, UdpInCsumErrors is %d", noPorts, csum)
	}
}
