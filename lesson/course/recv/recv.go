package recv

import (
	_ "embed"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed recv.md
var markdown string

// Lesson is the lesson recv.
var Lesson = lab.Lesson{
	ID:    "recv",
	Words: markdown,
	Experiments: lab.Experiments{
		"joined": joined,
		"parts":  parts,
		"empty":  empty,
		"end":    end,
		"post":   post,
	},
	Exercises: lab.Exercises{"pieces": pieces},
}

func joined(l *lab.Lab) []lab.Step {
	pieces := []string{"first ", "second"}
	whole := strings.Join(pieces, "")
	var conn, c int
	return []lab.Step{
		{Name: "connect", Do: func() { _, conn, c = l.Connection() }},
		{Name: "send", Do: func() { l.Must(l.Send(lab.Client, c, pieces[0])) }},
		{Name: "second", Do: func() { l.Must(l.Send(lab.Client, c, pieces[1])) }},
		{Name: "look", Do: func() {
			x := arrived(l, conn, len(whole))
			l.Show(lesson.Evidence{Fact: "arrived at the server", Value: lesson.Counted(x.Unread, "byte") + ", in " + lesson.Counted(x.TCP.Data_segs_in, "packet"), Source: "ioctl(2) SIOCINQ, getsockopt(2) TCP_INFO",
				Command: facts.SS("-tin", facts.From(x.Local.Port())), Note: "data_segs_in in the output of `ss`."})
			l.Note("packets", x.TCP.Data_segs_in)
		}},
		{Name: "recv", Do: func() {
			call := l.Must(l.Recv(lab.Server, conn, 100))
			l.Note("sends", len(pieces))
			l.Note("got", call.Ret)
			switch string(call.Data) {
			case pieces[0]:
				l.Answer("first")
			case whole:
				l.Answer("both")
			}
		}},
	}
}

// arrived waits until so many bytes are there for a socket of the server to read.
func arrived(l *lab.Lab, conn, n int) stage.Socket {
	var x stage.Socket
	l.Until(lesson.Counted(n, "byte"), func() bool {
		x = l.Ask(lab.Server, conn)
		return x.Unread >= n
	})
	return x
}

func parts(l *lab.Lab) []lab.Step {
	said, room := "abcdefghijklmnopqrstuvwxyz"[:l.Param("bytes")], l.Param("room")
	var conn, c int
	var sizes []string
	left := len(said)
	recv := func() {
		if left == 0 { // a small send, or a large buffer
			return
		}
		call := l.Must(l.Recv(lab.Server, conn, room))
		sizes = append(sizes, fmt.Sprint(call.Ret))
		left = l.Ask(lab.Server, conn).Unread
		l.Show(facts.UnreadOf(left, len(said)))
	}
	return []lab.Step{
		{Name: "send", Do: func() {
			_, conn, c = l.Connection()
			l.Must(l.Send(lab.Client, c, said))
			arrived(l, conn, len(said))
		}},
		{Name: "recv", Do: recv},
		{Name: "more", Do: recv},
		{Name: "rest", Do: func() {
			for recv(); left > 0; {
				recv()
			}
			l.Note("said", len(said))
			l.Note("room", room)
			l.Note("calls", len(sizes))
			l.Note("sizes", strings.Join(sizes, ", "))
		}},
	}
}

func empty(l *lab.Lab) []lab.Step {
	var conn, c int
	var p *lab.Pending
	return []lab.Step{
		{Name: "recv", Do: func() {
			_, conn, c = l.Connection()
			p = l.Begin(lab.Server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: 100})
			task := p.Blocks()
			l.Note("where", task.Wchan)
			l.Note("doing", task.StateName)
			l.Answer("waits")
		}},
		{Name: "send", Do: func() {
			l.Must(l.Send(lab.Client, c, "at last"))
			l.Note("woken", l.Must(p.Wait()).Ret)
		}},
		{Name: "dontwait", Do: func() { l.Note("dontwait", lab.Outcome(recvNow(l, conn, 100))) }},
	}
}

// recvNow is recv with MSG_DONTWAIT: it never blocks.
func recvNow(l *lab.Lab, conn, size int) sockets.Call {
	return l.Do(lab.Server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: size, Flags: unix.MSG_DONTWAIT})
}

func end(l *lab.Lab) []lab.Step {
	var conn, c int
	var second sockets.Call
	return []lab.Step{
		{Name: "send", Do: func() {
			_, conn, c = l.Connection()
			l.Must(l.Send(lab.Client, c, "bye"))
		}},
		{Name: "close", Do: func() {
			l.Must(l.Close(lab.Client, c))
			l.Until("the client's FIN", func() bool { return l.TCPState(lab.Server, conn) == kernel.CloseWait })
			x := l.Ask(lab.Server, conn)
			l.Show(facts.EndUnread(lab.Server, x, l.TCP().Find(x.Local.AddrPort(), x.Peer.AddrPort()).Unread()))
			l.Note("state", x.State())
		}},
		{Name: "recv", Do: func() { l.Note("first", l.Must(recvNow(l, conn, 100)).Ret) }},
		{Name: "more", Do: func() {
			second = recvNow(l, conn, 100)
			l.Note("second", result(second))
		}},
		{Name: "once", Do: func() {
			l.Note("third", result(recvNow(l, conn, 100)))
			switch {
			case second.Errno == unix.EAGAIN:
				l.Answer("waits")
			case second.Errno != 0:
				l.Answer("error")
			case second.Ret == 0:
				l.Answer("zero")
			}
		}},
	}
}

// result is what a call returned, for the words.
func result(c sockets.Call) string {
	if c.Errno != 0 {
		return "-1 " + c.ErrnoName()
	}
	return fmt.Sprint(c.Ret)
}

func post(l *lab.Lab) []lab.Step {
	const body = "colour=blue"
	const room = 4096
	head := fmt.Sprintf("POST /paint HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", len(body))
	var conn, c int
	got := 0
	recv := func() sockets.Call {
		call := l.Must(l.Recv(lab.Server, conn, room))
		got += int(call.Ret)
		l.Show(lesson.Evidence{Fact: "of the request", Value: fmt.Sprintf("%d of %d bytes", got, len(head)+len(body)), Source: "recvfrom(2), all calls so far", Have: int64(got), Full: int64(len(head) + len(body))})
		return call
	}
	return []lab.Step{
		{Name: "head", Do: func() {
			_, conn, c = l.Connection()
			l.Must(l.Send(lab.Client, c, head))
			arrived(l, conn, len(head))
		}},
		{Name: "recv", Do: func() {
			call := recv()
			l.Note("room", room)
			l.Note("first", call.Ret)
			l.Note("head", len(head))
			if int(call.Ret) < len(head)+len(body) {
				l.Answer("part")
			} else {
				l.Answer("whole")
			}
		}},
		{Name: "body", Do: func() {
			l.Must(l.Send(lab.Client, c, body))
			arrived(l, conn, len(body))
		}},
		{Name: "rest", Do: func() {
			recv()
			l.Note("body", len(body))
			l.Note("whole", got)
		}},
	}
}

// pieces wants a client that sends twice before the server reads once, and then
// closes, so that recv returns 0. The server reads when both pieces are there, and
// again when the client has closed. A client that closes too early makes room for
// the next.
func pieces(l *lab.Lab) lab.Check {
	const wanted = 2
	listener, addr := l.Listener(8)
	l.Note("got", 0)
	l.Note("packets", 0)
	conn, got := -1, 0
	return func() (bool, string) {
		if conn < 0 {
			if l.Look(addr).Queue().Waiting == 0 {
				return false, "no client yet"
			}
			conn = l.Accept(listener)
		}
		x := l.Ask(lab.Server, conn)
		if again := l.Ask(lab.Server, conn); again.Unread != x.Unread || again.TCP.Data_segs_in != x.TCP.Data_segs_in {
			return false, "bytes are arriving"
		}
		closed := x.State() != kernel.Established
		switch packets := int(x.TCP.Data_segs_in); {
		case got > 0 && closed:
			last := recvNow(l, conn, 4096)
			switch {
			case last.Errno == 0 && last.Ret == 0:
				return true, "recv has returned 0"
			case last.Errno != 0:
				l.Close(lab.Server, conn)
				conn, got = -1, 0
				return false, fmt.Sprintf("recv has failed with %s, which is no orderly end: connect again", last.ErrnoName())
			}
			return false, fmt.Sprintf("recv returned %s more, and then it reads again", lesson.Counted(last.Ret, "byte"))
		case got > 0:
			return false, fmt.Sprintf("one recv returned %s. Now close the connection", lesson.Counted(got, "byte"))
		case packets >= wanted && x.Unread > 0:
			got = int(l.Must(recvNow(l, conn, x.Unread)).Ret) // what these packets brought: more may arrive now
			l.Note("got", got)
			l.Note("packets", packets)
			return false, fmt.Sprintf("one recv returned %s. Now close the connection", lesson.Counted(got, "byte"))
		case closed:
			l.Close(lab.Server, conn)
			conn = -1
			return false, "the client closed before there were two pieces: connect again"
		default:
			return false, fmt.Sprintf("the server has not read; packets with data: %d, bytes: %d", packets, x.Unread)
		}
	}
}
