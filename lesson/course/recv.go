package course

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var recvPractice = practice{
	experiments: map[string]experiment{
		"joined": recvJoined,
		"parts":  recvParts,
		"empty":  recvEmpty,
		"end":    recvEnd,
		"post":   recvPost,
	},
	exercises: map[string]exercise{"pieces": recvPieces},
}

func recvJoined(l *Lab) map[string]func() {
	pieces := []string{"first ", "second"}
	whole := strings.Join(pieces, "")
	var conn, c int
	return map[string]func(){
		"connect": func() { _, conn, c = l.connection() },
		"send": func() {
			for _, piece := range pieces {
				l.must(l.send(client, c, piece))
			}
		},
		"look": func() {
			x := l.arrived(conn, len(whole))
			l.show(lesson.Evidence{Fact: "arrived at the server", Value: lesson.Counted(x.Unread, "byte") + ", in " + lesson.Counted(x.TCP.Data_segs_in, "packet"), Source: "ioctl(2) SIOCINQ, getsockopt(2) TCP_INFO",
				Command: fmt.Sprintf("ss -tin 'sport = :%d'", x.Local.Port()), Note: "data_segs_in in the output of `ss`."})
			l.note("packets", x.TCP.Data_segs_in)
		},
		"recv": func() {
			call := l.must(l.recv(server, conn, 100))
			l.note("sends", len(pieces))
			l.note("got", call.Ret)
			switch string(call.Data) {
			case pieces[0]:
				l.answer("first")
			case whole:
				l.answer("both")
			}
		},
	}
}

// arrived waits until so many bytes are there for a socket of the server to read.
func (l *Lab) arrived(conn, n int) stage.Socket {
	var x stage.Socket
	l.until(lesson.Counted(n, "byte"), func() bool {
		x = l.asked(server, conn)
		return x.Unread >= n
	})
	return x
}

func recvParts(l *Lab) map[string]func() {
	const said, room = "abcdefghijkl", 5
	var conn, c int
	var sizes []string
	return map[string]func(){
		"send": func() {
			_, conn, c = l.connection()
			l.must(l.send(client, c, said))
			l.arrived(conn, len(said))
		},
		"recv": func() {
			for range (len(said) + room - 1) / room {
				call := l.must(l.recv(server, conn, room))
				sizes = append(sizes, fmt.Sprint(call.Ret))
				left := l.asked(server, conn).Unread
				l.show(lesson.Evidence{Fact: "left in the kernel", Value: lesson.Counted(left, "byte"), Source: "ioctl(2) SIOCINQ", Have: int64(left), Full: int64(len(said))})
			}
			l.note("said", len(said))
			l.note("room", room)
			l.note("calls", len(sizes))
			l.note("sizes", strings.Join(sizes, ", "))
		},
	}
}

func recvEmpty(l *Lab) map[string]func() {
	var conn, c int
	var p *pending
	return map[string]func(){
		"recv": func() {
			_, conn, c = l.connection()
			p = l.begin(server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: 100})
			task := p.blocks()
			l.note("where", task.Wchan)
			l.note("doing", task.StateName)
			l.answer("waits")
		},
		"send": func() {
			l.must(l.send(client, c, "at last"))
			l.note("woken", l.must(p.wait()).Ret)
		},
		"dontwait": func() { l.note("dontwait", outcome(l.recvNow(conn, 100))) },
	}
}

// recvNow is recv with MSG_DONTWAIT: it never blocks.
func (l *Lab) recvNow(conn, size int) sockets.Call {
	return l.do(server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: size, Flags: unix.MSG_DONTWAIT})
}

func recvEnd(l *Lab) map[string]func() {
	var conn, c int
	return map[string]func(){
		"close": func() {
			_, conn, c = l.connection()
			l.must(l.send(client, c, "bye"))
			l.must(l.close(client, c))
			l.until("the client's FIN", func() bool { return l.tcpState(server, conn) == kernel.CloseWait })
			x := l.asked(server, conn)
			l.show(lesson.Evidence{Fact: "the server's end", Value: fmt.Sprintf("%s, %s unread", x.State(), lesson.Counted(x.Unread, "byte")), Source: "getsockopt(2) TCP_INFO, ioctl(2) SIOCINQ", Command: fmt.Sprintf("ss -tan 'sport = :%d'", x.Local.Port())})
			l.note("state", x.State())
		},
		"recv": func() { l.note("first", l.must(l.recvNow(conn, 100)).Ret) },
		"more": func() {
			second, third := l.recvNow(conn, 100), l.recvNow(conn, 100)
			l.note("second", result(second))
			l.note("third", result(third))
			switch {
			case second.Errno == unix.EAGAIN:
				l.answer("waits")
			case second.Errno != 0:
				l.answer("error")
			case second.Ret == 0:
				l.answer("zero")
			}
		},
	}
}

// result is what a call returned, for the words.
func result(c sockets.Call) string {
	if c.Errno != 0 {
		return "-1 " + c.ErrnoName()
	}
	return fmt.Sprint(c.Ret)
}

func recvPost(l *Lab) map[string]func() {
	const body = "colour=blue"
	const room = 4096
	head := fmt.Sprintf("POST /paint HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", len(body))
	var conn, c int
	got := 0
	recv := func() sockets.Call {
		call := l.must(l.recv(server, conn, room))
		got += int(call.Ret)
		l.show(lesson.Evidence{Fact: "of the request", Value: fmt.Sprintf("%d of %d bytes", got, len(head)+len(body)), Source: "recvfrom(2), all calls so far", Have: int64(got), Full: int64(len(head) + len(body))})
		return call
	}
	return map[string]func(){
		"head": func() {
			_, conn, c = l.connection()
			l.must(l.send(client, c, head))
			l.arrived(conn, len(head))
		},
		"recv": func() {
			call := recv()
			l.note("room", room)
			l.note("first", call.Ret)
			l.note("head", len(head))
			if int(call.Ret) < len(head)+len(body) {
				l.answer("part")
			} else {
				l.answer("whole")
			}
		},
		"body": func() {
			l.must(l.send(client, c, body))
			l.arrived(conn, len(body))
			recv()
			l.note("body", len(body))
			l.note("whole", got)
		},
	}
}

// recvPieces wants a client that sends twice before the server reads once, and then
// closes, so that recv returns 0. The server reads when both pieces are there, and
// again when the client has closed. A client that closes too early makes room for
// the next.
func recvPieces(l *Lab) func() (bool, string) {
	const wanted = 2
	listener, _ := l.listener(8)
	l.note("got", 0)
	l.note("packets", 0)
	conn, got := -1, 0
	return func() (bool, string) {
		if conn < 0 {
			if length, _ := l.queue(listener); length == 0 {
				return false, "no client yet"
			}
			conn = l.accept(listener)
		}
		x := l.asked(server, conn)
		closed := x.State() != kernel.Established
		switch packets := int(x.TCP.Data_segs_in); {
		case got > 0 && closed && l.recvNow(conn, 4096).Ret == 0:
			return true, "recv has returned 0"
		case got > 0:
			return false, fmt.Sprintf("one recv returned %s. Now close the connection", lesson.Counted(got, "byte"))
		case packets >= wanted && x.Unread > 0:
			got = int(l.must(l.recvNow(conn, 4096)).Ret)
			l.note("got", got)
			l.note("packets", packets)
			return false, fmt.Sprintf("one recv returned %s. Now close the connection", lesson.Counted(got, "byte"))
		case closed:
			l.close(server, conn)
			conn = -1
			return false, "the client closed before there were two pieces: connect again"
		default:
			return false, fmt.Sprintf("the server has not read; packets with data: %d, bytes: %d", packets, x.Unread)
		}
	}
}
