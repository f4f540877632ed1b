package window

import (
	"bytes"
	_ "embed"
	"fmt"
	"strconv"
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

//go:embed window.md
var markdown string

// Lesson is the lesson window.
var Lesson = lab.Lesson{
	ID:    "window",
	Words: markdown,
	Experiments: lab.Experiments{
		"full":  full,
		"byte":  oneByte,
		"probe": probe,
	},
	Exercises: lab.Exercises{"stop": stop},
}

const (
	port    = 8080
	small   = 16384   // bytes that the server's receive buffer is asked to have
	sending = 32768   // and the client's send buffer
	much    = 200_000 // more than both have room for
	more    = 2000    // after that
)

func hasBytes(s wire.Segment) bool   { return s.Length > 0 }
func byClient(s wire.Segment) bool   { return !lab.FromServer(s) }
func isAnswer(s wire.Segment) bool   { return lab.FromServer(s) && s.Has(wire.ACK) }
func opensAgain(s wire.Segment) bool { return isAnswer(s) && s.Window > 0 }

// connection is one whose server has a small receive buffer, over a cable that lets
// everything flow.
func connection(l *lab.Lab, n *lab.Network, receive int) lab.Connection {
	c := n.Connection(port, func(listener, fd int) {
		l.SetOption(lab.Server, listener, unix.SO_RCVBUF, receive)
		l.SetOption(lab.Client, fd, unix.SO_SNDBUF, sending)
	})
	n.Flow()
	return c
}

// stuff sends as much as the client's kernel takes.
func stuff(c lab.Connection) stage.Order {
	return stage.Order{Do: "sendto", FD: c.FD, Data: bytes.Repeat([]byte("x"), much), Flags: unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL}
}

// stopped waits until the client's kernel may send nothing more, and returns its end.
func stopped(l *lab.Lab, c lab.Connection) (end kernel.InetSocket) {
	l.Until("the client's kernel to stop", func() bool {
		end = l.EndsOf(c.At, c.From)[lab.Client]
		return end.Timer == kernel.TimerPersist
	})
	return end
}

// filled returns a connection over which the client may send nothing more. The cable holds
// again. All of it is told in short.
func filled(l *lab.Lab, n *lab.Network) (c lab.Connection) {
	l.Setup(func() {
		c = connection(l, n, small)
		l.Must(l.Do(lab.Client, stuff(c)))
		stopped(l, c)
		n.Hold()
	})
	return c
}

// room is the window of a packet in bytes.
func room(p wire.Packet) int {
	f := p.Layer("TCP").Field("window")
	if f == nil {
		return 0
	}
	text, _, scaled := strings.Cut(f.Meaning, " ")
	if !scaled {
		text = f.Value
	}
	bytes, _ := strconv.Atoi(text)
	return bytes
}

// showRoom shows the window of a packet, of the largest that there was.
func showRoom(l *lab.Lab, p wire.Packet, largest int) {
	f := p.Layer("TCP").Field("window")
	if f == nil {
		return
	}
	l.Show(lesson.Evidence{Fact: fmt.Sprintf("window in packet %d", p.Number), Value: lesson.Counted(room(p), "byte"),
		Source: fmt.Sprintf("bytes %d and %d of the frame", f.Start, f.End-1), Have: int64(room(p)), Full: int64(largest)})
}

// full sends until nothing goes any more. It is long for its steps, which share what each
// leaves for the next.
func full(l *lab.Lab) []lab.Step {
	receive := l.Param("receive_buffer")
	var n *lab.Network
	var c lab.Connection
	var waiting *lab.Pending
	var offered int
	read := stage.Order{Do: "recvfrom", Type: unix.SOCK_STREAM, Size: much, Flags: unix.MSG_DONTWAIT}
	return []lab.Step{
		{Name: "connect", Do: func() {
			n = l.Network()
			c = connection(l, n, receive)
			read.FD = c.Conn
			answer := n.Seen("the SYN+ACK", 0, func(s wire.Segment) bool { return lab.FromServer(s) && s.Has(wire.SYN) })
			offered = room(answer)
			n.Show(answer)
			showRoom(l, answer, offered)
			l.Note("offered", offered)
		}},
		{Name: "send", Do: func() {
			sent := l.Must(l.Do(lab.Client, stuff(c))).Ret
			end := stopped(l, c)
			for more := true; more; { // what was acknowledged meanwhile has left room
				again := l.Quietly(lab.Client, stuff(c))
				if more = again.Errno == 0; more {
					sent += again.Ret
				}
			}
			var answers []wire.Packet
			largest, last := 0, 0
			for _, p := range n.Packets() {
				if s, ok := p.Segment(); ok && s.Src == c.At && !s.Has(wire.SYN) {
					answers = append(answers, p)
					last = room(p)
					largest = max(largest, last)
				}
			}
			for _, p := range answers {
				showRoom(l, p, largest)
			}
			server, client := l.Ask(lab.Server, c.Conn), l.Ask(lab.Client, c.FD)
			n.ShowUnread(lab.Server, c.Conn, c)
			l.Show(facts.SendBufferUse(lab.Client, client, n.On(lab.Client, facts.SS("-tn", facts.To(c.At.Port())))))
			l.Show(facts.RunningTimer(lab.Client, end.Timer, n.On(lab.Client, facts.SS("-tno", facts.To(c.At.Port())))))
			l.Note("sent", sent)
			l.Note("unread", server.Unread)
			l.Note("unsent", client.Unsent)
			l.Note("last", last)
			l.Note("again", client.TCP.Total_retrans)
			switch {
			case client.TCP.Total_retrans > 0:
				l.Answer("lost")
			case client.Unsent == 0:
				l.Answer("grow")
			case server.Unread+client.Unsent == int(sent):
				l.Answer("says")
			}
		}},
		{Name: "block", Do: func() {
			waiting = l.Begin(lab.Client, stage.Order{Do: "sendto", FD: c.FD, Data: bytes.Repeat([]byte("y"), more), Flags: unix.MSG_NOSIGNAL})
			task := waiting.Blocks()
			l.Note("wchan", task.Wchan)
		}},
		{Name: "read", Do: func() {
			l.Must(l.Do(lab.Server, read))
			reads := 1
			l.Until("send to return", func() bool {
				select {
				case <-waiting.Done():
					return true
				default:
				}
				if c := l.Quietly(lab.Server, read); c.Errno == 0 {
					reads++
				}
				return false
			})
			l.Must(waiting.Wait())
			l.Note("reads", reads)
			n.ShowLadder()
		}},
	}
}

// oneByte reads one byte of a full receive buffer, and then the rest.
func oneByte(l *lab.Lab) []lab.Step {
	size := l.Param("read")
	var n *lab.Network
	var c lab.Connection
	var update wire.Packet
	newest := 0
	said := func() (all []wire.Packet) {
		for _, p := range n.Packets() {
			if s, ok := p.Segment(); ok && p.Number > newest && lab.FromServer(s) {
				all = append(all, p)
			}
		}
		return all
	}
	recv := func(size int) sockets.Call { return l.Must(l.Recv(lab.Server, c.Conn, size)) }
	return []lab.Step{
		{Name: "fill", Do: func() {
			n = l.Network()
			c = filled(l, n)
			last := n.Packets()
			newest = last[len(last)-1].Number
			n.ShowUnread(lab.Server, c.Conn, c)
			l.Note("full", l.Ask(lab.Server, c.Conn).Unread)
		}},
		{Name: "one", Do: func() {
			l.Note("got", recv(size).Ret)
			n.Order(wire.Order{Do: "look"}) // what the call has sent is there
			all := said()
			l.Show(lesson.Evidence{Fact: "the server's packets since then", Value: fmt.Sprint(len(all)), Source: "the cable"})
			l.Note("packets", len(all))
			switch {
			case len(all) == 0:
				l.Answer("nothing")
			case room(all[0]) == 0:
				l.Answer("zero")
			default:
				l.Answer("one")
			}
			for _, p := range all {
				n.Show(p)
				showRoom(l, p, room(p))
			}
		}},
		{Name: "rest", Do: func() {
			recv(much)
			update = n.Lies("the window", opensAgain)
			n.Show(update)
			showRoom(l, update, room(update))
			l.Note("opened", room(update))
		}},
		{Name: "pass", Do: func() {
			n.Pass(update)
			n.Show(n.Lies("the next bytes", hasBytes))
			n.ShowLadder()
		}},
	}
}

// probe loses the packet that opens the window. Time runs as everywhere here, so each step
// begins with a connection of its own: the pauses between probes become longer while a
// learner thinks.
func probe(l *lab.Lab) []lab.Step {
	var n *lab.Network
	return []lab.Step{
		{Name: "ask", Do: func() {
			n = l.NetworkInRealTime()
			filled(l, n)
			question := n.Lies("the probe", byClient)
			n.Show(question)
			n.Pass(question)
			answer := n.Lies("the answer", isAnswer)
			n.Show(answer)
			showRoom(l, answer, small)
			n.Pass(answer)
			s, _ := question.Segment()
			l.Note("probe", question.Summary)
			l.Note("carried", s.Length)
			l.Note("answer", room(answer))
		}},
		{Name: "lost", Do: func() {
			c := filled(l, n)
			l.Must(l.Recv(lab.Server, c.Conn, much))
			update := n.Lies("the window", opensAgain)
			n.Show(update)
			showRoom(l, update, room(update))
			n.Drop(update)
			next := n.Seen("the next packet", update.Number, func(wire.Segment) bool { return true })
			n.Show(next)
			l.Note("next", next.From)
			l.Answer(next.From)
			n.Pass(next)
			answer := n.Lies("the answer", func(s wire.Segment) bool { return lab.FromServer(s) == (next.From == string(lab.Client)) })
			n.Pass(answer)
			showRoom(l, answer, room(update))
			n.Show(n.Lies("the next bytes", hasBytes))
			l.Note("opened", room(answer))
			n.ShowLadder()
		}},
	}
}

// stop wants a client whose kernel may send nothing more. The server of the exercise
// accepts, and reads nothing.
func stop(l *lab.Lab) lab.Check {
	n := l.NetworkInRealTime()
	n.Flow()
	listener, addr := n.Listener(port)
	l.SetOption(lab.Server, listener, unix.SO_RCVBUF, small)
	l.Note("host", addr.AddrPort().Addr())
	l.Note("unread", 0)
	l.Note("unsent", 0)
	return func() (bool, string) {
		look := l.Look(addr)
		if look.Queue().Waiting > 0 {
			l.Must(l.Quietly(lab.Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC}))
		}
		now := "no client has connected yet"
		for _, there := range append(look.There(kernel.Established), look.There(kernel.FinWait1)...) {
			here := look.Other(there)
			if here == nil {
				continue
			}
			unread, unsent := here.Unread().Bytes, there.Unsent().Bytes
			now = fmt.Sprintf("the server has %s unread, and the client's kernel has %d more to send", lesson.Counted(unread, "byte"), unsent)
			if there.Timer == kernel.TimerPersist && unread > 0 {
				l.Note("unread", unread)
				l.Note("unsent", unsent)
				return true, now + ", and may not"
			}
		}
		return false, now
	}
}
