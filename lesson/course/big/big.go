package big

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

//go:embed big.md
var markdown string

// Lesson is the lesson big.
var Lesson = lab.Lesson{
	ID:    "big",
	Words: markdown,
	Experiments: lab.Experiments{
		"segments": segments,
		"router":   router,
		"fragment": fragment,
	},
	Exercises: lab.Exercises{"small": small},
}

// port is the server's: nobody else is on its host.
const port = 8080

// settled waits until so many packets lie on the cable, and returns them.
func settled(l *lab.Lab, n *lab.Network, many int) (held []wire.Packet) {
	l.Until(fmt.Sprintf("%d packets on the cable", many), func() bool {
		held = n.Held()
		return len(held) >= many
	})
	return n.Held()
}

// lengths are the bytes of each segment, with commas between.
func lengths(packets []wire.Packet) string {
	var all []string
	for _, p := range packets {
		if s, ok := p.Segment(); ok {
			all = append(all, fmt.Sprint(s.Length))
		}
	}
	return strings.Join(all, ", ")
}

func segments(l *lab.Lab) []lab.Step {
	const size = 3000
	var n *lab.Network
	var addr sockets.Sockaddr
	var fd int
	return []lab.Step{
		{Name: "connect", Do: func() {
			n = l.Network()
			n.Flow()
			_, addr = n.Listener(port)
			fd = l.Connect(addr)
			syn := n.Seen("the SYN", 0, func(s wire.Segment) bool { return s.Has(wire.SYN) && !s.Has(wire.ACK) })
			n.Show(syn)
			s, _ := syn.Segment()
			l.Show(lesson.Evidence{Fact: "MSS in the SYN", Value: lesson.Counted(s.MSS, "byte"), Source: fmt.Sprintf("packet %d", syn.Number)})
			l.Note("mss", s.MSS)
			l.Note("mtu", n.ShowMTU(lab.Client))
		}},
		{Name: "send", Do: func() {
			n.Hold()
			l.Must(l.Send(lab.Client, fd, strings.Repeat("x", size)))
			held := settled(l, n, size/n.MTU(lab.Client)+1)
			for _, p := range held {
				n.Show(p)
			}
			l.Note("size", size)
			l.Note("count", len(held))
			l.Note("lengths", lengths(held))
			l.Note("frame", len(held[0].Data))
			switch mtu := n.MTU(lab.Client); {
			case len(held) == 1:
				l.Answer("one")
			case len(held) == (size+mtu-1)/mtu:
				l.Answer("two")
			default:
				l.Answer("three")
			}
		}},
	}
}

func router(l *lab.Lab) []lab.Step {
	const size, most = 1400, 600
	var n *lab.Network
	var c lab.Connection
	var first wire.Packet
	return []lab.Step{
		{Name: "send", Do: func() {
			n = l.Network()
			c = n.Connection(port, nil)
			l.Must(l.Send(lab.Client, c.FD, strings.Repeat("x", size)))
			first = settled(l, n, 1)[0]
			n.Show(first)
			l.Note("before", l.Ask(lab.Client, c.FD).TCP.Snd_mss)
		}},
		{Name: "icmp", Do: func() {
			did := n.Order(wire.Order{Do: "icmp", Number: first.Number, MTU: most})
			for _, p := range n.Packets() {
				if slices.Contains(did.Touched, p.Number) {
					n.Show(p)
				}
			}
		}},
		{Name: "look", Do: func() {
			var held []wire.Packet
			l.Until("all bytes on the cable again", func() bool {
				held = n.Held()
				bytes := 0
				for _, p := range held {
					if s, ok := p.Segment(); ok {
						bytes += s.Length
					}
				}
				return bytes >= size || l.Ask(lab.Client, c.FD).State() != kernel.Established
			})
			for _, p := range held {
				n.Show(p)
			}
			x := l.Ask(lab.Client, c.FD)
			l.Note("most", most)
			l.Note("lengths", lengths(held))
			l.Note("after", x.TCP.Snd_mss)
			l.Note("pmtu", x.TCP.Pmtu)
			l.Show(lesson.Evidence{Fact: "client's connection", Value: fmt.Sprintf("mss %d, path MTU %d", x.TCP.Snd_mss, x.TCP.Pmtu), Source: "getsockopt(2) TCP_INFO",
				Command: n.On(lab.Client, facts.SS("-tin", facts.To(port)))})
			switch {
			case x.State() != kernel.Established:
				l.Answer("error")
			case len(held) == 1:
				l.Answer("again")
			default:
				l.Answer("smaller")
			}
			n.ShowLadder()
		}},
	}
}

func fragment(l *lab.Lab) []lab.Step {
	const size = 4000
	var n *lab.Network
	var receiver int
	var held []wire.Packet
	return []lab.Step{
		{Name: "send", Do: func() {
			n = l.Network()
			addr := lab.ServerAt(port)
			var fd int
			l.Setup(func() {
				receiver = l.Socket(lab.Server, unix.AF_INET, unix.SOCK_DGRAM)
				l.Must(l.Bind(lab.Server, receiver, addr))
				fd = l.Socket(lab.Client, unix.AF_INET, unix.SOCK_DGRAM)
			})
			l.Must(l.Do(lab.Client, stage.Order{Do: "sendto", FD: fd, Data: make([]byte, size), Addr: addr}))
			held = settled(l, n, size/n.MTU(lab.Client)+1)
			for _, p := range held {
				n.Show(p)
			}
			l.Show(lesson.Evidence{Fact: "on the cable", Value: lesson.Counted(len(held), "fragment"), Source: "the cable"})
			l.Note("size", size)
			l.Note("count", len(held))
		}},
		{Name: "lose", Do: func() {
			for i, p := range held {
				if i == 1 {
					n.Drop(p)
				} else {
					n.Pass(p)
				}
			}
			l.Note("arrived", len(held)-1)
			n.ShowCounter(lab.Server, "Ip.ReasmReqds", "Fragments that have arrived and wait for the others.")
		}},
		{Name: "read", Do: func() {
			c := l.Do(lab.Server, stage.Order{Do: "recvfrom", FD: receiver, Type: unix.SOCK_DGRAM, Size: size, Flags: unix.MSG_DONTWAIT})
			l.Note("got", lab.Said(c))
			switch {
			case c.Errno == unix.EAGAIN:
				l.Answer("nothing")
			case c.Ret < size:
				l.Answer("rest")
			default:
				l.Answer("again")
			}
		}},
	}
}

// small wants a connection on which the server sends no segment of more than so many bytes.
func small(l *lab.Lab) lab.Check {
	const most = 500
	n := l.Network()
	_, addr := n.Listener(port)
	n.Flow()
	l.Note("host", addr.AddrPort().Addr())
	l.Note("mtu", n.ShowMTU(lab.Client))
	l.Note("mss", 0)
	return func() (bool, string) {
		least := 0
		for _, f := range n.Flows(lab.Server) {
			if f.Local.Port() == port && (least == 0 || int(f.Info.Snd_mss) < least) {
				least = int(f.Info.Snd_mss)
			}
		}
		l.Note("mss", least)
		switch {
		case least == 0:
			return false, "no client is connected"
		case least > most:
			return false, fmt.Sprintf("the server sends segments of up to %d bytes", least)
		}
		return true, fmt.Sprintf("the server sends segments of up to %d bytes", least)
	}
}
