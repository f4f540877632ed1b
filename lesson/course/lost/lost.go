package lost

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

//go:embed lost.md
var markdown string

// Lesson is the lesson lost.
var Lesson = lab.Lesson{
	ID:    "lost",
	Words: markdown,
	Experiments: lab.Experiments{
		"third": third,
		"half":  half,
		"timer": timer,
		"gone":  gone,
	},
	Exercises: lab.Exercises{"mend": mend},
}

// port is the server's: nobody else is on its host.
const port = 8080

func hasBytes(s wire.Segment) bool { return s.Length > 0 }
func isACK(s wire.Segment) bool    { return s.Length == 0 } // the server sends nothing else here

// lying returns what lies on the cable: segments with bytes, and others, which acknowledge.
func lying(n *lab.Network) (data, acks []wire.Packet) {
	for _, p := range n.Held() {
		if s, ok := p.Segment(); ok && hasBytes(s) {
			data = append(data, p)
		} else {
			acks = append(acks, p)
		}
	}
	return data, acks
}

// reno has the client's socket use a congestion control that every kernel has, and whose
// rule is in RFC 5681.
func reno(l *lab.Lab) func(listener, fd int) {
	return func(_, fd int) { l.Must(l.Congestion(lab.Client, fd, "reno")) }
}

// steady makes again what was made before a step, on another connection, if the client's
// retransmission timer has fired meanwhile: a learner may think for longer than it waits.
func steady(l *lab.Lab, n *lab.Network, made ...func()) {
	if n.TimedOut() {
		l.Setup(func() {
			for _, again := range made {
				again()
			}
		})
	}
}

// third loses the third of eight segments. It is long for its steps, which share what each
// leaves for the next.
func third(l *lab.Lab) []lab.Step {
	const segments = 8
	var n *lab.Network
	var c lab.Connection
	var sent sockets.Call
	var data, acks []wire.Packet
	var again wire.Packet
	send := func() {
		c = n.Connection(port, reno(l))
		mss := int(l.Ask(lab.Client, c.FD).TCP.Snd_mss)
		sent = l.Must(l.Send(lab.Client, c.FD, strings.Repeat("x", segments*mss)))
		l.Until("the segments on the cable", func() bool {
			data, _ = lying(n)
			return len(data) == segments
		})
	}
	lose := func() {
		n.Pass(data[0])
		n.Pass(data[1])
		n.Drop(data[2])
		_, acks = lying(n)
		for _, p := range acks {
			n.Pass(p)
		}
	}
	rest := func() {
		for _, p := range data[3:] {
			n.Pass(p)
		}
		_, acks = lying(n)
	}
	passed := 0
	repair := func() {
		data = nil
		for passed = 0; passed < len(acks) && len(data) == 0; passed++ {
			n.Pass(acks[passed])
			data, _ = lying(n)
		}
		again = n.Lies("the segment once more", hasBytes)
	}
	return []lab.Step{
		{Name: "send", Do: func() {
			n = l.Network()
			send()
			for _, p := range data {
				n.Show(p)
			}
			n.ShowSending(c)
			n.ShowUnread(lab.Server, c.Conn, c)
			l.Note("sent", sent.Ret)
			l.Note("took", lesson.Took(sent.Duration))
			l.Note("segments", len(data))
			l.Note("arrived", l.Ask(lab.Server, c.Conn).Unread)
		}},
		{Name: "lose", Do: func() {
			steady(l, n, send)
			lose()
			l.Note("before", n.ShowSending(c).Snd_cwnd)
		}},
		{Name: "rest", Do: func() {
			steady(l, n, send, lose)
			rest()
			for _, p := range acks {
				n.Show(p)
			}
			n.ShowUnread(lab.Server, c.Conn, c)
			n.ShowOutOfOrder(c)
			l.Note("unread", l.Ask(lab.Server, c.Conn).Unread)
			l.Note("kept", l.Ask(lab.Server, c.Conn).TCP.Rcv_ooopack)
			if len(acks) > 0 {
				l.Note("said", acks[len(acks)-1].Summary)
			}
		}},
		{Name: "acks", Do: func() {
			steady(l, n, send, lose, rest)
			repair()
			n.Show(again)
			n.ShowSending(c)
			l.Note("acks", passed)
		}},
		{Name: "again", Do: func() {
			steady(l, n, send, lose, rest, repair)
			n.Let(acks[passed:])
			n.Pass(again)
			n.Pass(n.Lies("the ACK of all", isACK))
			n.ShowUnread(lab.Server, c.Conn, c)
			info := n.ShowSending(c)
			l.Note("whole", l.Ask(lab.Server, c.Conn).Unread)
			l.Note("after", info.Snd_cwnd)
			l.Note("again", info.Total_retrans)
			switch info.Total_retrans {
			case 0:
				l.Answer("none")
			case 1:
				l.Answer("one")
			default:
				l.Answer("all")
			}
			n.ShowLadder()
		}},
	}
}

// half lets one round trip pass after the other, and loses segments of one.
func half(l *lab.Lab) []lab.Step {
	lose := l.Param("lost")
	const room = 200_000 // bytes, in either buffer: of many round trips
	var n *lab.Network
	var c lab.Connection
	var data []wire.Packet
	var before uint32
	// offer fills the client's send buffer, and empties the server's receive buffer.
	offer := func() {
		l.Quietly(lab.Server, stage.Order{Do: "recvfrom", FD: c.Conn, Type: unix.SOCK_STREAM, Size: room, Flags: unix.MSG_DONTWAIT})
		l.Quietly(lab.Client, stage.Order{Do: "sendto", FD: c.FD, Data: bytes.Repeat([]byte("x"), room), Flags: unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL})
	}
	// round shows what the client's kernel has sent.
	round := func(note string) {
		l.Show(lesson.Evidence{Fact: "on the cable", Value: lesson.Counted(len(data), "segment"), Source: "the cable"})
		info := n.ShowSending(c)
		before = info.Snd_cwnd
		l.Note(note, before)
	}
	// sent waits until all is on the cable that the client's kernel has sent.
	sent := func() {
		l.Until("what was sent on the cable", func() bool {
			data, _ = lying(n)
			return len(data) > 0 && len(data) == int(l.Ask(lab.Client, c.FD).TCP.Unacked)
		})
	}
	// trip lets all segments pass, and what they are answered.
	trip := func() {
		last, _ := data[len(data)-1].Segment()
		n.Let(data)
		var acks []wire.Packet
		l.Until("the ACK of all", func() bool {
			_, acks = lying(n)
			return slices.ContainsFunc(acks, func(p wire.Packet) bool {
				s, _ := p.Segment()
				return s.Ack == last.Seq+uint32(last.Length)
			})
		})
		n.Let(acks)
		offer()
		sent()
	}
	begin := func() {
		c = n.Connection(port, func(listener, fd int) {
			reno(l)(listener, fd)
			l.SetOption(lab.Server, listener, unix.SO_RCVBUF, room)
			l.SetOption(lab.Client, fd, unix.SO_SNDBUF, room)
		})
		offer()
		sent()
	}
	return []lab.Step{
		{Name: "first", Do: func() {
			n = l.Network()
			begin()
			round("first")
		}},
		{Name: "second", Do: func() {
			steady(l, n, begin)
			trip()
			round("second")
		}},
		{Name: "third", Do: func() {
			steady(l, n, begin, trip)
			trip()
			round("third")
		}},
		{Name: "loss", Do: func() {
			steady(l, n, begin, trip, trip)
			all := l.Ask(lab.Client, c.FD).TCP.Bytes_acked // when it is all acknowledged
			for _, p := range data {
				s, _ := p.Segment()
				all += uint64(s.Length)
			}
			lose = min(lose, len(data)-1)
			for _, p := range data[:lose] {
				n.Drop(p)
			}
			n.Let(data[lose:])
			offer()
			// A probe of the tail may be sent meanwhile, and repairs nothing.
			repaired := func() bool {
				info := l.Ask(lab.Client, c.FD).TCP
				return info.Bytes_acked >= all && info.Ca_state == caOpen
			}
			l.Until("the end of the repair", func() bool {
				data, acks := lying(n)
				for _, p := range acks { // it ends with one of them
					if repaired() {
						return true
					}
					n.Let([]wire.Packet{p})
				}
				if repaired() {
					return true
				}
				n.Let(data)
				return false
			})
			info := n.ShowSending(c)
			n.ShowCounter(lab.Client, "TcpExt.TCPFastRetrans", "Segments that were sent again since others had arrived, and not by the timer.")
			l.Note("after", info.Snd_cwnd)
			l.Note("again", info.Total_retrans)
			switch after := info.Snd_cwnd; {
			case after <= 2:
				l.Answer("one")
			case after < before*2/3:
				l.Answer("half")
			default:
				l.Answer("same")
			}
		}},
	}
}

// caOpen is TCP_CA_Open of include/uapi/linux/tcp.h: nothing is lost, as far as the kernel
// knows.
const caOpen = 0

// timer loses the only segment that is on its way. Time runs as everywhere here: while a
// learner thinks, more copies come to lie on the cable.
func timer(l *lab.Lab) []lab.Step {
	const text = "hello"
	const copies = 4 // that are waited for
	var n *lab.Network
	var c lab.Connection
	var sent sockets.Call
	var last wire.Packet
	var pauses []time.Duration
	// lose drops all copies on the cable but the last, and returns that.
	lose := func() wire.Packet {
		data, _ := lying(n)
		for _, p := range data[:len(data)-1] {
			n.Drop(p)
		}
		return data[len(data)-1]
	}
	return []lab.Step{
		{Name: "send", Do: func() {
			n = l.NetworkInRealTime()
			c = n.Connection(port, nil)
			sent = l.Must(l.Send(lab.Client, c.FD, text))
			n.Drop(n.Lies("the bytes", hasBytes))
			n.ShowUnread(lab.Server, c.Conn, c)
			l.Note("sent", sent.Ret)
			l.Note("took", lesson.Took(sent.Duration))
		}},
		{Name: "wait", Do: func() {
			l.Until("the copies", func() bool {
				data, _ := lying(n)
				return len(data) >= copies
			})
			last = lose()
			n.Show(last)
			for _, p := range n.Packets() {
				if s, ok := p.Segment(); ok && hasBytes(s) && p.Again > 0 {
					pauses = append(pauses, time.Duration(p.Again))
				}
			}
			var all []string
			for _, pause := range pauses {
				all = append(all, lesson.Took(pause))
			}
			l.Show(lesson.Evidence{Fact: "pauses", Value: strings.Join(all, ", "), Source: "the times of the packets"})
			l.Note("copies", len(pauses))
			l.Note("first_pause", all[0])
			l.Note("last_pause", all[len(all)-1])
			switch first, last := pauses[0], pauses[len(pauses)-1]; {
			case last > first*3/2:
				l.Answer("longer")
			default:
				l.Answer("same")
			}
		}},
		{Name: "pass", Do: func() {
			last = lose()
			n.Pass(last)
			n.Pass(n.Lies("the ACK", isACK))
			n.ShowUnread(lab.Server, c.Conn, c)
			arrived := last.Number
			for _, p := range n.Packets() {
				if p.Number == arrived {
					l.Note("late", lesson.Took(p.Had().Sub(sent.Start.Add(sent.Duration))))
				}
			}
			l.Note("unread", l.Ask(lab.Server, c.Conn).Unread)
			n.ShowLadder()
		}},
	}
}

// gone loses everything from some moment on.
func gone(l *lab.Lab) []lab.Step {
	const text = "hello"
	patience := time.Duration(l.Param("timeout")) * time.Millisecond
	var n *lab.Network
	var c lab.Connection
	var sent sockets.Call
	return []lab.Step{
		{Name: "send", Do: func() {
			n = l.NetworkInRealTime()
			c = n.Connection(port, func(_, fd int) {
				l.Must(l.Do(lab.Client, stage.Order{Do: "setsockopt", FD: fd, Level: unix.SOL_TCP, Option: unix.TCP_USER_TIMEOUT, Value: int(patience.Milliseconds())}))
			})
			n.Order(wire.Order{Do: "flow", Lose: 1, Of: 1})
			sent = l.Must(l.Send(lab.Client, c.FD, text))
			n.Show(n.Seen("the bytes", 0, hasBytes))
			l.Note("sent", sent.Ret)
			l.Note("took", lesson.Took(sent.Duration))
		}},
		{Name: "recv", Do: func() {
			call := l.Recv(lab.Client, c.FD, 100)
			n.ShowUnread(lab.Client, c.FD, c)
			n.ShowUnread(lab.Server, c.Conn, c)
			l.Note("said", lab.Said(call))
			l.Note("after", lesson.Took(call.Start.Add(call.Duration).Sub(sent.Start)))
			l.Note("server", l.TCPState(lab.Server, c.Conn))
			l.Note("arrived", l.Ask(lab.Server, c.Conn).Unread)
			switch {
			case call.Errno != 0:
				l.Answer("later")
			case call.Ret == 0:
				l.Answer("end")
			}
			n.ShowLadder()
		}},
	}
}

// mend wants a lost segment that the client's kernel has sent again before its timer, and a
// connection that came to its end all the same. The server of the exercise reads all.
func mend(l *lab.Lab) lab.Check {
	n := l.Network()
	listener, addr := n.Listener(port)
	l.Note("host", addr.AddrPort().Addr())
	l.Note("fast", 0)
	read, ended := 0, false
	return func() (bool, string) {
		look := l.Look(addr)
		for _, x := range l.State(lab.Server).Sockets {
			for !x.Listening {
				c := l.Quietly(lab.Server, stage.Order{Do: "recvfrom", FD: x.FD, Type: unix.SOCK_STREAM, Size: 1 << 16, Flags: unix.MSG_DONTWAIT})
				read += len(c.Data)
				if c.Errno == unix.EAGAIN {
					break
				}
				if c.Errno != 0 || c.Ret == 0 {
					ended = ended || c.Errno == 0 && read > 0
					l.Quietly(lab.Server, stage.Order{Do: "close", FD: x.FD})
					break
				}
			}
		}
		if look.Queue().Waiting > 0 {
			l.Must(l.Quietly(lab.Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC}))
		}
		lost := 0
		for _, p := range n.Packets() {
			if s, ok := p.Segment(); ok && hasBytes(s) && s.Dst.Port() == port && p.Fate == wire.Dropped {
				lost++
			}
		}
		fast := n.Counter(lab.Client, "TcpExt.TCPFastRetrans")
		l.Note("fast", fast)
		now := fmt.Sprintf("lost on the cable: %d; sent again before the timer: %d; the server has read %s", lost, fast, lesson.Counted(read, "byte"))
		switch {
		case lost > 0 && fast > 0 && ended:
			return true, now + ", and the end"
		case lost > 0 && fast == 0 && waits(look) && len(n.Held()) == 0:
			return false, now + ". Nothing came behind what was lost: the client waits for its timer. Connect again"
		}
		return false, now
	}
}

// waits reports whether a client has a timer for what was not acknowledged.
func waits(k lab.Look) bool {
	return slices.ContainsFunc(append(k.There(kernel.Established), k.There(kernel.FinWait1)...), func(row kernel.InetSocket) bool {
		return row.Timer == kernel.TimerOn
	})
}
