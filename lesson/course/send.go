package course

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var sendPractice = practice{
	experiments: map[string]experiment{
		"return": sendReturns,
		"full":   sendFull,
		"calls":  sendCalls,
	},
	exercises: map[string]exercise{"stuff": sendStuff},
}

func sendReturns(l *Lab) map[string]func() {
	const said = 1000
	var conn, fd int
	return map[string]func(){
		"connect": func() { l.setup(func() { _, conn, fd = l.connection() }) },
		"send": func() {
			call := l.must(l.send(server, conn, strings.Repeat("x", said)))
			l.note("said", call.Ret)
			l.note("took", lesson.Took(call.Duration))
		},
		"look": func() {
			// What has come and is not acknowledged yet is at both ends.
			l.until("the acknowledgment", func() bool { return l.asked(server, conn).Unsent+l.asked(client, fd).Unread == said })
			unsent, unread := l.sendShow(conn, fd)
			segments := l.asked(server, conn).TCP.Data_segs_out
			l.show(lesson.Evidence{Fact: "segments with data", Value: fmt.Sprint(segments), Source: "getsockopt(2) TCP_INFO", Note: "Sent by the server's end, since the connection exists."})
			l.note("segments", segments)
			l.note("unsent", unsent)
			l.note("unread", unread)
			if unsent+unread == said {
				l.answer("kernel")
			}
		},
		"kill": func() {
			l.kill(client)
			l.until("the reset", func() bool { return l.tcpState(server, conn) == kernel.Close })
			call := l.recv(server, conn, 4096)
			l.note("after", call.ErrnoName())
		},
	}
}

// sendShow shows where the bytes of a connection are that the server has sent and
// the client has not read.
func (l *Lab) sendShow(conn, fd int) (unsent, unread int) {
	from, to := l.asked(server, conn), l.asked(client, fd)
	l.show(lesson.Evidence{Fact: "server's send buffer", Value: fmt.Sprintf("%d of %d bytes, not acknowledged by the client's kernel", from.Unsent, from.SendBuf), Source: "ioctl(2) SIOCOUTQ",
		Command: fmt.Sprintf("ss -tn 'sport = :%d'", from.Local.Port()), Have: int64(from.Unsent), Full: int64(from.SendBuf)})
	l.show(lesson.Evidence{Fact: "client's receive buffer", Value: fmt.Sprintf("%d of %d bytes, unread", to.Unread, to.RecvBuf), Source: "ioctl(2) SIOCINQ",
		Command: clientsCommand(from.Local), Have: int64(to.Unread), Full: int64(to.RecvBuf)})
	return from.Unsent, to.Unread
}

// sendSmall is what the buffers of the lesson are asked to be, so that they fill
// quickly.
const sendSmall = 8192

// sendTight is a connection with small buffers in the direction from the server to
// the client.
func (l *Lab) sendTight() (conn, fd int) {
	listener, addr := l.listener(8)
	fd = l.stream(client)
	l.option(client, fd, unix.SO_RCVBUF, sendSmall)
	l.must(l.do(client, stage.Order{Do: "connect", FD: fd, Addr: addr}))
	conn = l.accept(listener)
	l.option(server, conn, unix.SO_SNDBUF, sendSmall)
	return conn, fd
}

func sendFull(l *Lab) map[string]func() {
	const offered = 100000
	var conn, fd, accepted int
	var waiting *pending
	data := bytes.Repeat([]byte("x"), offered)
	// offer sends what fits, perhaps nothing.
	offer := func() int {
		c := l.do(server, stage.Order{Do: "sendto", FD: conn, Data: data, Flags: unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT})
		if c.Errno == unix.EAGAIN {
			return 0
		}
		if accepted > 10*offered {
			l.failf("the kernel took %s, and its buffers are not full", lesson.Counted(accepted, "byte"))
		}
		return int(l.must(c).Ret)
	}
	return map[string]func(){
		"connect": func() {
			l.setup(func() { conn, fd = l.sendTight() })
			got := l.asked(server, conn).SendBuf
			l.show(lesson.Evidence{Fact: "server's send buffer", Value: fmt.Sprintf("%s, where %d were asked for", lesson.Counted(got, "byte"), sendSmall), Source: "getsockopt(2) SO_SNDBUF"})
			l.note("asked", sendSmall)
			l.note("doubled", got)
		},
		"fill": func() {
			for n := offer(); n > 0; n = offer() {
				for ; n > 0; n = offer() {
					accepted += n
				}
				l.until("the acknowledgment", func() bool { return l.asked(server, conn).Unsent+l.asked(client, fd).Unread == accepted })
			}
			l.note("offered", offered)
			l.note("accepted", accepted)
		},
		"look": func() {
			unsent, unread := l.sendShow(conn, fd)
			l.note("unsent", unsent)
			l.note("unread", unread)
		},
		"block": func() {
			waiting = l.begin(server, stage.Order{Do: "sendto", FD: conn, Data: []byte(strings.Repeat("y", 1000)), Flags: unix.MSG_NOSIGNAL})
			task := waiting.blocks()
			l.note("wchan", task.Wchan)
			l.answer("waits")
		},
		"read": func() {
			read := 0
			l.until("the server's send to return", func() bool {
				call := l.quietly(client, stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_STREAM, Size: 1 << 16, Flags: unix.MSG_DONTWAIT})
				read += len(call.Data)
				select {
				case <-waiting.over:
					return true
				default:
					return false
				}
			})
			l.show(lesson.Evidence{Fact: "the client", Value: "has read " + lesson.Counted(read, "byte"), Source: "recvfrom(2)"})
			call := l.must(waiting.wait())
			l.note("waited", lesson.Took(call.Duration))
		},
	}
}

func sendCalls(l *Lab) map[string]func() {
	var conn, fd int
	calls := []stage.Order{
		{Do: "write", Data: []byte("one ")},
		{Do: "sendto", Data: []byte("two "), Flags: unix.MSG_NOSIGNAL},
		{Do: "sendmsg", Data: []byte("three"), Flags: unix.MSG_NOSIGNAL},
	}
	failed := false
	return map[string]func(){
		"connect": func() { l.setup(func() { _, conn, fd = l.connection() }) },
		"send": func() {
			for _, o := range calls {
				o.FD = conn
				failed = l.do(server, o).Errno != 0 || failed
			}
		},
		"recv": func() {
			call := l.must(l.recv(client, fd, 100))
			l.note("got", string(call.Data))
			switch {
			case failed:
				l.answer("files")
			case string(call.Data) == "one two three":
				l.answer("same")
			default:
				l.answer("messages")
			}
		},
	}
}

// sendStuff wants a client whose send buffer is not empty, since the server's
// receive buffer is full. The kernel itself says so: it probes a window of zero.
func sendStuff(l *Lab) func() (bool, string) {
	var fd int
	l.setup(func() {
		fd = l.stream(server)
		l.option(server, fd, unix.SO_RCVBUF, sendSmall)
		l.must(l.bind(server, fd, loopback(0)))
		l.must(l.listen(server, fd, 8))
	})
	addr := l.asked(server, fd).Local
	l.note("addr", addr)
	l.note("port", addr.Port())
	return func() (bool, string) {
		unsent, unread, full := l.sendQueues(addr)
		l.note("unsent", unsent)
		l.note("unread", unread)
		return full, fmt.Sprintf("unread at the server: %s, in the client's send buffer: %d", lesson.Counted(unread, "byte"), unsent)
	}
}

// sendQueues are the bytes on the way to a listener that reads nothing; full says
// that some client may not send any more.
func (l *Lab) sendQueues(addr sockets.Sockaddr) (unsent, unread int, full bool) {
	for _, row := range l.tcp() {
		switch {
		case row.State != kernel.Established:
		case row.Local == addr.AddrPort():
			unread += int(row.RQueue)
		case row.Remote == addr.AddrPort():
			unsent += int(row.WQueue)
			full = full || row.WQueue > 0 && row.Timer == kernel.TimerPersist
		}
	}
	return unsent, unread, full
}
