package packets

import (
	_ "embed"
	"fmt"
	"net/netip"
	"slices"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

//go:embed packets.md
var markdown string

// Lesson is the lesson packets.
var Lesson = lab.Lesson{
	ID:    "packets",
	Words: markdown,
	Experiments: lab.Experiments{
		"first":   first,
		"return":  returns,
		"late":    late,
		"numbers": numbers,
	},
	Exercises: lab.Exercises{"between": between},
}

// port is the server's: nobody else is on its host.
const port = 8080

// The packets of a handshake.
func isSYN(s wire.Segment) bool    { return s.Has(wire.SYN) && !s.Has(wire.ACK) }
func isSYNACK(s wire.Segment) bool { return s.Has(wire.SYN) && s.Has(wire.ACK) }
func isACK(s wire.Segment) bool {
	return !s.Has(wire.SYN) && !s.Has(wire.FIN) && s.Length == 0 && s.Dst.Port() == port
}

func hasBytes(s wire.Segment) bool { return s.Length > 0 }

// begin begins a connect that waits, since the cable holds its SYN. A ladder begins with it.
func begin(l *lab.Lab, n *lab.Network, addr sockets.Sockaddr) (fd int, connect *lab.Pending) {
	fd = l.Unbound(lab.Client)
	n.FromHere()
	return fd, l.Begin(lab.Client, stage.Order{Do: "connect", FD: fd, Addr: addr})
}

func returned(p *lab.Pending) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// from returns the address of a socket of the client.
func from(l *lab.Lab, fd int) netip.AddrPort { return l.Ask(lab.Client, fd).Local.AddrPort() }

func first(l *lab.Lab) []lab.Step {
	var n *lab.Network
	var addr sockets.Sockaddr
	return []lab.Step{
		{Name: "up", Do: func() {
			n = l.Network()
			n.ShowHosts()
			_, addr = n.Listener(port)
		}},
		{Name: "connect", Do: func() {
			_, connect := begin(l, n, addr)
			connect.Blocks()
			syn := n.Lies("the SYN", isSYN)
			before := slices.DeleteFunc(n.Packets(), func(p wire.Packet) bool { return p.Number >= syn.Number })
			for _, p := range append(slices.Clone(before), syn) {
				n.Show(p)
			}
			l.Note("before", len(before))
			l.Note("first", syn.Summary)
			l.Answer("syn")
			if len(before) > 0 {
				l.Note("first", before[0].Summary)
				switch {
				case before[0].From != string(lab.Client):
					l.Answer("nothing")
				case before[0].Layer("ARP") != nil:
					l.Answer("arp")
				}
			}
		}},
	}
}

func returns(l *lab.Lab) []lab.Step {
	var n *lab.Network
	var addr sockets.Sockaddr
	var fd int
	var connect *lab.Pending
	var syn, answer, last wire.Packet
	ends := func() (client, server kernel.State) {
		ends := n.ShowEnds(addr.AddrPort(), from(l, fd))
		n.ShowLadder()
		return ends[lab.Client].State, ends[lab.Server].State
	}
	return []lab.Step{
		{Name: "connect", Do: func() {
			n = l.Network()
			_, addr = n.Listener(port)
			fd, connect = begin(l, n, addr)
			connect.Blocks()
			syn = n.Lies("the SYN", isSYN)
			n.Show(syn)
			ends()
		}},
		{Name: "syn", Do: func() {
			n.Pass(syn)
			answer = n.Lies("the SYN+ACK", isSYNACK)
			n.Show(answer)
			ends()
			if returned(connect) {
				l.Answer("syn")
			}
		}},
		{Name: "answer", Do: func() {
			early := returned(connect)
			n.Pass(answer)
			last = n.Lies("the ACK", isACK)
			n.Show(last)
			l.Until("connect to return", func() bool { return returned(connect) })
			l.Must(connect.Wait())
			client, server := ends()
			lay := len(n.Held())
			l.Note("client_then", client)
			l.Note("server_then", server)
			l.Note("lay", lay)
			switch {
			case early: // said already
			case lay > 0 && server == kernel.SynRecv:
				l.Answer("answer")
			default:
				l.Answer("last")
			}
		}},
		{Name: "last", Do: func() {
			n.Pass(last)
			l.Until("the server's end to open", func() bool {
				return l.EndsOf(addr.AddrPort(), from(l, fd))[lab.Server].State == kernel.Established
			})
			_, server := ends()
			l.Note("server_end", server)
		}},
	}
}

func late(l *lab.Lab) []lab.Step {
	const text = "hello"
	var n *lab.Network
	var addr sockets.Sockaddr
	var fd int
	var data wire.Packet
	return []lab.Step{
		{Name: "lost", Do: func() {
			n = l.Network()
			_, addr = n.Listener(port)
			var connect *lab.Pending
			l.Setup(func() {
				fd, connect = begin(l, n, addr)
				n.Order(wire.Order{Do: "next", Number: n.Lies("the SYN", isSYN).Number})
				n.Order(wire.Order{Do: "next", Number: n.Lies("the SYN+ACK", isSYNACK).Number})
				l.Must(connect.Wait())
			})
			n.Drop(n.Lies("the ACK", isACK))
			ends := n.ShowEnds(addr.AddrPort(), from(l, fd))
			l.Note("half", ends[lab.Server].State)
		}},
		{Name: "send", Do: func() {
			l.Must(l.Send(lab.Client, fd, text))
			data = n.Lies("the bytes", hasBytes)
			n.Show(data)
		}},
		{Name: "arrive", Do: func() {
			n.Pass(data)
			ends := n.ShowEnds(addr.AddrPort(), from(l, fd))
			server := ends[lab.Server]
			l.Note("server_end", server.State)
			l.Note("unread", server.Unread().Bytes)
			switch {
			case server.State == kernel.Established && server.Unread().Bytes == len(text):
				l.Answer("opens")
			case ends[lab.Client].State != kernel.Established:
				l.Answer("refused")
			default:
				l.Answer("away")
			}
			n.ShowLadder()
		}},
	}
}

func numbers(l *lab.Lab) []lab.Step {
	const text = "hello"
	var n *lab.Network
	var addr sockets.Sockaddr
	var fd int
	var isn uint32
	// find waits until the cable remembers a segment behind a packet, and shows its number.
	find := func(what string, behind int, is func(wire.Segment) bool) (wire.Packet, wire.Segment) {
		p := n.Seen(what, behind, is)
		n.Show(p)
		s, _ := p.Segment()
		l.Show(number(p, "sequence number", s.Seq))
		return p, s
	}
	var last int
	return []lab.Step{
		{Name: "first", Do: func() {
			n = l.Network()
			_, addr = n.Listener(port)
			n.Order(wire.Order{Do: "flow"})
			fd = l.Connect(addr)
			p, s := find("the SYN", 0, isSYN)
			last, isn = p.Number, s.Seq
			l.Note("isn", isn)
		}},
		{Name: "second", Do: func() {
			l.Connect(addr)
			p, s := find("the second SYN", last, isSYN)
			last = p.Number
			l.Note("isn_other", s.Seq)
			switch {
			case isn == 0 && s.Seq == 0:
				l.Answer("zero")
			case isn == s.Seq:
				l.Answer("same")
			default:
				l.Answer("each")
			}
		}},
		{Name: "byte", Do: func() {
			l.Must(l.Send(lab.Client, fd, text))
			p, s := find("the bytes", last, hasBytes)
			ack := n.Seen("the ACK of the bytes", p.Number, func(s wire.Segment) bool { return s.Src.Port() == port })
			answer, _ := ack.Segment()
			n.Show(ack)
			l.Show(number(ack, "acknowledgment number", answer.Ack))
			l.Note("data", s.Seq)
			l.Note("step", s.Seq-isn)
			l.Note("expected", answer.Ack)
		}},
	}
}

// number is a number of a header, with the bytes of the frame where it stands.
func number(p wire.Packet, name string, value uint32) lesson.Evidence {
	e := lesson.Evidence{Fact: name, Value: fmt.Sprint(value), Source: fmt.Sprintf("packet %d", p.Number)}
	if f := p.Layer("TCP").Field(name); f != nil {
		e.Source = fmt.Sprintf("packet %d, bytes %d to %d of the frame", p.Number, f.Start, f.End-1)
	}
	return e
}

// between wants a connection of which the client's end is open and the server's is not:
// the packet that will open it lies on the cable. That it lies there before and after the
// kernels are asked shows that it did so when they were.
func between(l *lab.Lab) lab.Check {
	n := l.Network()
	_, addr := n.Listener(port)
	l.Note("host", addr.AddrPort().Addr())
	l.Note("lies", 0)
	return func() (bool, string) {
		lies := acks(n)
		look := l.Look(addr)
		still := acks(n)
		half := 0
		for _, row := range look.There(kernel.Established) {
			other := look.Other(row)
			switch {
			case other == nil || other.State != kernel.SynRecv:
				continue
			case lies[row.Local] != 0 && lies[row.Local] == still[row.Local]:
				l.Note("lies", lies[row.Local])
				return true, "the client's end is open, and the server's is not"
			}
			half++
		}
		switch {
		case half > 0:
			return false, "half open, but its ACK does not lie on the cable"
		case len(look.Here(kernel.Established)) > 0:
			return false, "both ends are open: one packet too many has passed. Open another connection"
		case len(look.Here(kernel.SynRecv)) > 0:
			return false, "the SYN has passed. The SYN+ACK lies on the cable"
		case len(look.There(kernel.SynSent)) > 0:
			return false, "a SYN lies on the cable"
		}
		return false, "no client has connected yet"
	}
}

// acks returns the ACKs that lie on the cable, by the address that they come from.
func acks(n *lab.Network) map[netip.AddrPort]int {
	numbers := make(map[netip.AddrPort]int)
	for _, p := range n.Held() {
		if s, ok := p.Segment(); ok && isACK(s) {
			numbers[s.Src] = p.Number
		}
	}
	return numbers
}
