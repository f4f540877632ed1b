package goodbye

import (
	_ "embed"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

//go:embed goodbye.md
var markdown string

// Lesson is the lesson goodbye.
var Lesson = lab.Lesson{
	ID:    "goodbye",
	Words: markdown,
	Experiments: lab.Experiments{
		"ends":   ends,
		"last":   last,
		"both":   both,
		"unread": unread,
	},
	Exercises: lab.Exercises{"closing": closing},
}

// port is the server's: nobody else is on its host.
const port = 8080

// by says which segments a host sends that are what is knows.
func by(role stage.Role, is func(wire.Segment) bool) func(wire.Segment) bool {
	return func(s wire.Segment) bool { return lab.FromServer(s) == (role == lab.Server) && is(s) }
}

func isFIN(s wire.Segment) bool    { return s.Has(wire.FIN) }
func isRST(s wire.Segment) bool    { return s.Has(wire.RST) }
func isEnd(s wire.Segment) bool    { return isFIN(s) || isRST(s) }
func hasBytes(s wire.Segment) bool { return s.Length > 0 }
func isACK(s wire.Segment) bool {
	return s.Length == 0 && s.Has(wire.ACK) && s.Flags&(wire.SYN|wire.FIN|wire.RST) == 0
}

// ends ends a connection as TCP is meant to be ended: one direction after the other. It is
// long for its steps, which share what each leaves for the next.
func ends(l *lab.Lab) []lab.Step {
	const answer = "hello"
	var n *lab.Network
	var c lab.Connection
	var lies wire.Packet
	states := func() (client, server kernel.State) {
		both := n.ShowEnds(c.At, c.From)
		return both[lab.Client].State, both[lab.Server].State
	}
	return []lab.Step{
		{Name: "shutdown", Do: func() {
			n = l.Network()
			c = n.Connection(port, nil)
			l.Must(l.Shutdown(lab.Client, c.FD, unix.SHUT_WR))
			lies = n.Lies("the FIN", by(lab.Client, isFIN))
			n.Show(lies)
			client, _ := states()
			l.Note("client_first", client)
		}},
		{Name: "fin", Do: func() {
			n.Pass(lies)
			lies = n.Lies("the ACK of the FIN", by(lab.Server, isACK))
			n.Show(lies)
			_, server := states()
			l.Note("server_half", server)
		}},
		{Name: "answer", Do: func() {
			n.Pass(lies)
			l.Must(l.Send(lab.Server, c.Conn, answer))
			n.Pass(n.Lies("the answer", by(lab.Server, hasBytes)))
			n.ShowUnread(lab.Client, c.FD, c)
			l.Note("got", l.Ask(lab.Client, c.FD).Unread)
			n.Pass(n.Lies("the ACK of the answer", by(lab.Client, isACK)))
		}},
		{Name: "close", Do: func() {
			l.Must(l.Close(lab.Server, c.Conn))
			lies = n.Lies("the server's FIN", by(lab.Server, isFIN))
			n.Show(lies)
			states()
		}},
		{Name: "last", Do: func() {
			n.Pass(lies)
			lies = n.Lies("the last ACK", by(lab.Client, isACK))
			n.Show(lies)
			client, server := states()
			l.Note("client_last", client)
			l.Note("server_last", server)
		}},
		{Name: "gone", Do: func() {
			n.Pass(lies)
			states()
			packets := farewell(n.Packets())
			l.Note("packets", packets)
			switch packets {
			case 1:
				l.Answer("one")
			case 2:
				l.Answer("two")
			case 4:
				l.Answer("four")
			}
			n.ShowLadder()
		}},
	}
}

// farewell counts the packets that end a connection: the FINs, and for each the first that
// acknowledges it. A FIN that a kernel has sent again is left out.
func farewell(packets []wire.Packet) int {
	saying := make(map[int]bool)  // by their numbers
	fins := make(map[uint32]bool) // by their sequence numbers
	for i, p := range packets {
		s, ok := p.Segment()
		if !ok || !s.Has(wire.FIN) || fins[s.Seq] {
			continue
		}
		fins[s.Seq] = true
		saying[p.Number] = true
		answer := slices.IndexFunc(packets[i:], func(q wire.Packet) bool {
			a, ok := q.Segment()
			return ok && q.From != p.From && a.Ack == s.Next()
		})
		if answer >= 0 {
			saying[packets[i+answer].Number] = true
		}
	}
	return len(saying)
}

// last loses the last ACK. Time runs as everywhere here, so all that the kernels do about
// it is one step: a learner who looks away finds nothing changed.
func last(l *lab.Lab) []lab.Step {
	var n *lab.Network
	var c lab.Connection
	return []lab.Step{
		{Name: "half", Do: func() {
			n = l.NetworkInRealTime()
			c = n.Connection(port, nil)
			n.Flow()
			l.Must(l.Shutdown(lab.Client, c.FD, unix.SHUT_WR))
			l.Until("the FIN to be acknowledged", func() bool {
				return l.EndsOf(c.At, c.From)[lab.Client].State == kernel.FinWait2
			})
			n.ShowEnds(c.At, c.From)
		}},
		{Name: "lose", Do: func() {
			l.Setup(func() { l.Must(l.Close(lab.Client, c.FD)) })
			n.Order(wire.Order{Do: "hold", When: string(lab.Client)})
			l.Must(l.Close(lab.Server, c.Conn))
			lost := n.Lies("the last ACK", by(lab.Client, isACK))
			first := n.Seen("the server's FIN", 0, by(lab.Server, isFIN))
			n.Show(first)
			n.Drop(lost)
			n.Flow()
			again := n.Seen("the FIN once more", lost.Number, func(s wire.Segment) bool { return by(lab.Server, isFIN)(s) || isRST(s) })
			n.Show(again)
			answer := n.Seen("the answer to it", again.Number, by(lab.Client, func(s wire.Segment) bool { return isACK(s) || isRST(s) }))
			n.Show(answer)
			l.Until("the server's end to be gone", func() bool { return l.EndsOf(c.At, c.From)[lab.Server].State == 0 })
			both := n.ShowEnds(c.At, c.From)
			l.Note("after", lesson.Took(again.Time.Sub(first.Time)))
			l.Note("then", first.After.To)
			l.Note("left", both[lab.Client].State)
			l.Note("length", lesson.Took(both[lab.Client].Expires.Round(time.Second)))
			said, _ := answer.Segment()
			switch {
			case again.Again == 0:
				l.Answer("stays")
			case isRST(said):
				l.Answer("reset")
			default:
				l.Answer("again")
			}
			n.ShowLadder()
		}},
	}
}

// both has the FINs of both ends on the cable at once.
func both(l *lab.Lab) []lab.Step {
	var n *lab.Network
	var c lab.Connection
	var fins, acks [2]wire.Packet // the client's, the server's
	return []lab.Step{
		{Name: "client", Do: func() {
			n = l.Network()
			c = n.Connection(port, nil)
			l.Must(l.Close(lab.Client, c.FD))
			fins[0] = n.Lies("the client's FIN", by(lab.Client, isFIN))
			n.Show(fins[0])
			n.ShowEnds(c.At, c.From)
		}},
		{Name: "server", Do: func() {
			l.Must(l.Close(lab.Server, c.Conn))
			fins[1] = n.Lies("the server's FIN", by(lab.Server, isFIN))
			n.Show(fins[1])
			n.ShowEnds(c.At, c.From)
		}},
		{Name: "cross", Do: func() {
			n.Pass(fins[0])
			n.Pass(fins[1])
			acks[0] = n.Lies("the client's ACK", by(lab.Client, isACK))
			acks[1] = n.Lies("the server's ACK", by(lab.Server, isACK))
			states := n.ShowEnds(c.At, c.From)
			l.Note("client_between", states[lab.Client].State)
			l.Note("server_between", states[lab.Server].State)
		}},
		{Name: "acks", Do: func() {
			n.Pass(acks[0])
			n.Pass(acks[1])
			states := n.ShowEnds(c.At, c.From)
			client, server := states[lab.Client].State, states[lab.Server].State
			l.Note("client_end", named(client))
			l.Note("server_end", named(server))
			switch {
			case client == kernel.TimeWait && server == kernel.TimeWait:
				l.Answer("both")
			case client == kernel.TimeWait:
				l.Answer("client")
			case server == kernel.TimeWait:
				l.Answer("server")
			default:
				l.Answer("none")
			}
			n.ShowLadder()
		}},
	}
}

// named is a state, or that there is none.
func named(s kernel.State) string {
	if s == 0 {
		return "gone"
	}
	return s.String()
}

// unread closes a connection whose request was not read to its end.
func unread(l *lab.Lab) []lab.Step {
	const request, answer = "a long request", "an answer"
	size := l.Param("read")
	var n *lab.Network
	var c lab.Connection
	var data, end wire.Packet
	return []lab.Step{
		{Name: "ask", Do: func() {
			n = l.Network()
			c = n.Connection(port, nil)
			l.Must(l.Send(lab.Client, c.FD, request))
			n.Pass(n.Lies("the request", by(lab.Client, hasBytes)))
			n.Pass(n.Lies("its ACK", by(lab.Server, isACK)))
			n.ShowUnread(lab.Server, c.Conn, c)
		}},
		{Name: "read", Do: func() {
			l.Must(l.Recv(lab.Server, c.Conn, size))
			n.ShowUnread(lab.Server, c.Conn, c)
			l.Note("unread", l.Ask(lab.Server, c.Conn).Unread)
		}},
		{Name: "answer", Do: func() {
			l.Must(l.Send(lab.Server, c.Conn, answer))
			data = n.Lies("the answer", by(lab.Server, hasBytes))
			n.Show(data)
		}},
		{Name: "close", Do: func() {
			l.Must(l.Close(lab.Server, c.Conn))
			end = n.Lies("the end", by(lab.Server, isEnd))
			n.Show(end)
			states := n.ShowEnds(c.At, c.From)
			n.ShowCounter(lab.Server, "TcpExt.TCPAbortOnClose", "Connections that this host's kernel has reset, since their program closed them with bytes unread.")
			l.Note("server_end", named(states[lab.Server].State))
			l.Note("summary", end.Summary)
			said, _ := end.Segment()
			switch {
			case isRST(said):
				l.Answer("rst")
			case isFIN(said):
				l.Answer("fin")
			}
		}},
		{Name: "pass", Do: func() {
			n.Pass(data)
			n.Pass(end)
			n.ShowUnread(lab.Client, c.FD, c)
		}},
		{Name: "recv", Do: func() {
			l.Note("got", lab.Said(l.Recv(lab.Client, c.FD, 100)))
		}},
		{Name: "end", Do: func() {
			l.Note("end", lab.Said(l.Recv(lab.Client, c.FD, 100)))
			states := n.ShowEnds(c.At, c.From)
			waits := 0
			for _, end := range states {
				if end.State == kernel.TimeWait {
					waits++
				}
			}
			l.Note("waits", waits)
			n.ShowLadder()
		}},
	}
}

// closing wants a connection of which both ends are in CLOSING. The server of the
// exercise ends its direction as soon as it has accepted.
func closing(l *lab.Lab) lab.Check {
	n := l.Network()
	listener, addr := n.Listener(port)
	l.Note("host", addr.AddrPort().Addr())
	return func() (bool, string) {
		look := l.Look(addr)
		for _, x := range l.State(lab.Server).Sockets {
			if x.State() == kernel.Close { // an earlier one
				l.Quietly(lab.Server, stage.Order{Do: "close", FD: x.FD})
			}
		}
		if look.Queue().Waiting > 0 {
			conn := l.Must(l.Quietly(lab.Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC})).Ret
			l.Quietly(lab.Server, stage.Order{Do: "shutdown", FD: int(conn), How: unix.SHUT_WR})
			return false, "the server has accepted, and ended its direction"
		}
		now := "no client has connected yet"
		for _, here := range look.Rows {
			there := look.Other(here)
			if here.Local != addr.AddrPort() || there == nil || !look.Still {
				continue
			}
			if here.State == kernel.Closing && there.State == kernel.Closing {
				return true, "both ends are in CLOSING"
			}
			now = fmt.Sprintf("the client's end is in %s, the server's in %s", there.State, here.State)
		}
		return false, now
	}
}
