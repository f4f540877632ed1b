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
		"gso":      gso,
		"router":   router,
		"hole":     hole,
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

func gso(l *lab.Lab) []lab.Step {
	const size = 3000
	var n *lab.Network
	var c lab.Connection
	var held []wire.Packet
	return []lab.Step{
		{Name: "on", Do: func() {
			n = l.Network()
			n.Offload()
			c = n.Connection(port, nil)
		}},
		{Name: "send", Do: func() {
			l.Must(l.Send(lab.Client, c.FD, strings.Repeat("x", size)))
			held = carrying(l, n, size)
			for _, p := range held {
				n.Show(p)
			}
			mtu := n.ShowMTU(lab.Client)
			first := held[0]
			s, _ := first.Segment()
			l.Note("mtu", mtu)
			l.Note("packet", inPacket(first))
			if o := first.Offload; o != nil {
				l.Show(lesson.Evidence{Fact: "work for the card", Value: o.String(), Source: fmt.Sprintf("packet %d, PACKET_VNET_HDR", first.Number)})
				l.Note("left", o)
				l.Note("gso", o.Size)
				l.Note("headers", o.Headers)
				l.Note("pieces", (s.Length+o.Size-1)/max(o.Size, 1))
			}
			switch {
			case inPacket(first) > mtu:
				l.Answer("larger")
			default:
				l.Answer("same")
			}
		}},
		{Name: "read", Do: func() {
			n.Let(held)
			got := l.Must(l.Do(lab.Server, stage.Order{Do: "recvfrom", FD: c.Conn, Type: unix.SOCK_STREAM, Size: size, Flags: unix.MSG_WAITALL}))
			l.Note("got", lesson.Counted(int(got.Ret), "byte"))
		}},
	}
}

// inPacket is how many bytes the packet in a frame has.
func inPacket(p wire.Packet) int { return len(p.Data) - p.Layer("IPv4").Start }

// carrying waits until so many bytes of data lie on the cable, and returns what does.
func carrying(l *lab.Lab, n *lab.Network, size int) (held []wire.Packet) {
	l.Until(fmt.Sprintf("%d bytes on the cable", size), func() bool {
		held = n.Held()
		bytes := 0
		for _, p := range held {
			s, _ := p.Segment()
			bytes += s.Length
		}
		return bytes >= size
	})
	return held
}

// The bytes that are sent over the router, and the most that it forwards in one packet.
const large, most = 1400, 600

// answered waits for what the router says, and returns it.
func answered(l *lab.Lab, n *lab.Network) (answer wire.Packet) {
	l.Until("the router's answer on the cable", func() bool {
		held := n.Held()
		i := slices.IndexFunc(held, func(p wire.Packet) bool { return p.Layer("ICMP") != nil })
		if i >= 0 {
			answer = held[i]
		}
		return i >= 0
	})
	return answer
}

func router(l *lab.Lab) []lab.Step {
	var n *lab.Network
	var c lab.Connection
	var first, answer wire.Packet
	return []lab.Step{
		{Name: "send", Do: func() {
			n = l.NetworkWithRouter(most)
			c = n.Connection(port, nil)
			l.Must(l.Send(lab.Client, c.FD, strings.Repeat("x", large)))
			first = settled(l, n, 1)[0]
			n.Show(first)
			n.ShowRouter()
			l.Note("before", l.Ask(lab.Client, c.FD).TCP.Snd_mss)
		}},
		{Name: "pass", Do: func() {
			n.Pass(first)
			answer = answered(l, n)
			n.Show(answer)
			l.Note("most", answer.Layer("ICMP").Field("next-hop MTU").Value)
		}},
		{Name: "icmp", Do: func() {
			n.Pass(answer)
			held := carrying(l, n, large)
			for _, p := range held {
				n.Show(p)
			}
			x := l.Ask(lab.Client, c.FD)
			l.Note("lengths", lengths(held))
			l.Note("after", x.TCP.Snd_mss)
			l.Show(lesson.Evidence{Fact: "client's connection", Value: fmt.Sprintf("mss %d, path MTU %d", x.TCP.Snd_mss, x.TCP.Pmtu), Source: "getsockopt(2) TCP_INFO",
				Command: n.On(lab.Client, facts.SS("-tin", facts.To(port)))})
			l.Note("pmtu", n.ShowPathMTU().MTU)
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

func hole(l *lab.Lab) []lab.Step {
	var n *lab.Network
	var c lab.Connection
	var first wire.Packet
	data := func(s wire.Segment) bool { return s.Length > 0 && !lab.FromServer(s) }
	// sent are the client's packets with data that pass a test.
	sent := func(is func(wire.Packet) bool) []wire.Packet {
		return slices.DeleteFunc(n.Packets(), func(p wire.Packet) bool {
			s, ok := p.Segment()
			return !ok || !data(s) || p.Number < first.Number || !is(p)
		})
	}
	lies := func(p wire.Packet) bool { return p.Fate == wire.Held }
	// lose has a packet pass, and loses what the router says to it.
	lose := func(p wire.Packet) {
		n.Pass(p)
		n.Drop(answered(l, n))
	}
	return []lab.Step{
		{Name: "send", Do: func() {
			n = l.NetworkWithRouterInRealTime(most)
			c = n.Connection(port, nil)
			l.Must(l.Send(lab.Client, c.FD, strings.Repeat("x", large)))
			first = n.Lies("the bytes", data)
			n.Show(first)
			n.ShowRouter()
			l.Note("size", large)
		}},
		{Name: "lose", Do: func() {
			lose(first)
			n.Show(n.Lies("the client's repeat", data))
		}},
		{Name: "again", Do: func() {
			repeats := sent(lies) // more than one, if the learner has taken their time
			last := repeats[len(repeats)-1]
			for _, p := range repeats[:len(repeats)-1] {
				n.Let([]wire.Packet{p})
				n.Order(wire.Order{Do: "drop", Number: answered(l, n).Number})
			}
			lose(last)
			l.Note("times", len(sent(func(p wire.Packet) bool { return p.Number <= last.Number })))
			l.Note("lengths", lengths([]wire.Packet{last}))
			s, _ := last.Segment()
			learned := n.ShowPathMTU()
			l.Note("probing", n.ShowSetting(lab.Client, "net.ipv4.tcp_mtu_probing"))
			switch {
			case l.Ask(lab.Client, c.FD).State() != kernel.Established:
				l.Answer("error")
			case s.Length < large || learned.MTU != 0:
				l.Answer("smaller")
			default:
				l.Answer("same")
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
