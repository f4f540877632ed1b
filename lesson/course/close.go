package course

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var closePractice = practice{
	experiments: map[string]experiment{
		"dup":    closeDup,
		"half":   closeHalf,
		"unread": closeUnread,
		"pipe":   closePipe,
	},
	exercises: map[string]exercise{"half": closeHalfOpen},
}

func closeDup(l *Lab) map[string]func() {
	var conn, other, fd int
	return map[string]func(){
		"dup": func() {
			l.setup(func() { _, conn, fd = l.connection() })
			other = int(l.must(l.do(server, stage.Order{Do: "dup", FD: conn})).Ret)
			l.note("conn", conn)
			l.note("other", other)
			l.showSame(conn, other)
		},
		"first": func() { l.must(l.close(server, conn)) },
		"look": func() {
			call := l.do(client, stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_STREAM, Size: 100, Flags: unix.MSG_DONTWAIT})
			server, client := l.closeStates(other, fd)
			l.note("after_first", server)
			switch {
			case call.Errno == unix.EAGAIN && server == kernel.Established && client == kernel.Established:
				l.answer("nothing")
			case call.Ret == 0:
				l.answer("end")
			case call.Errno == unix.ECONNRESET:
				l.answer("error")
			}
		},
		"second": func() {
			l.must(l.close(server, other))
			call := l.recv(client, fd, 100)
			l.note("got", said(call))
			l.note("after_second", l.tcpState(client, fd))
		},
	}
}

// closeStates shows the TCP states of both ends.
func (l *Lab) closeStates(conn, fd int) (atServer, atClient kernel.State) {
	from := l.asked(server, conn)
	atServer, atClient = from.State(), l.tcpState(client, fd)
	l.show(lesson.Evidence{Fact: "states", Value: fmt.Sprintf("server %s, client %s", atServer, atClient), Source: "getsockopt(2) TCP_INFO",
		Command: endsCommand(from.Local)})
	return atServer, atClient
}

func closeHalf(l *Lab) map[string]func() {
	var conn, fd int
	return map[string]func(){
		"connect": func() { l.setup(func() { _, conn, fd = l.connection() }) },
		"shutdown": func() {
			l.must(l.send(client, fd, "a question"))
			l.must(l.shutdown(client, fd, unix.SHUT_WR))
		},
		"look": func() {
			l.must(l.recv(server, conn, 100))
			l.must(l.recv(server, conn, 100))
			l.until("the FIN to be acknowledged", func() bool { return l.tcpState(client, fd) != kernel.FinWait1 })
			server, client := l.closeStates(conn, fd)
			l.note("server_state", server)
			l.note("client_state", client)
		},
		"answer": func() {
			sent := l.send(server, conn, "an answer")
			got := l.recv(client, fd, 100)
			l.note("got", said(got))
			switch {
			case sent.Errno != 0:
				l.answer("fails")
			case string(got.Data) == "an answer":
				l.answer("arrives")
			default:
				l.answer("lost")
			}
		},
		"close": func() {
			l.must(l.close(server, conn))
			l.must(l.recv(client, fd, 100))
		},
	}
}

func closeUnread(l *Lab) map[string]func() {
	const size = 100000
	var conn, fd, sent int
	ask := func() {
		listener, addr := l.listener(8)
		fd = l.stream(client)
		l.option(client, fd, unix.SO_RCVBUF, 8192)
		l.must(l.do(client, stage.Order{Do: "connect", FD: fd, Addr: addr}))
		conn = l.accept(listener)
		l.option(server, conn, unix.SO_SNDBUF, size) // room for all of it
	}
	request := func() {
		l.must(l.send(client, fd, "a long request"))
		l.must(l.recv(server, conn, 6))
	}
	answer := func() {
		sent = int(l.must(l.do(server, stage.Order{Do: "sendto", FD: conn, Data: bytes.Repeat([]byte("x"), size), Flags: unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT})).Ret)
	}
	read := func() (got int, last sockets.Call) {
		l.until("the end of the connection", func() bool {
			last = l.quietly(client, stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_STREAM, Size: size, Flags: unix.MSG_DONTWAIT})
			got += len(last.Data)
			return last.Ret == 0 || last.Errno != 0 && last.Errno != unix.EAGAIN
		})
		l.show(lesson.Evidence{Fact: "the client", Value: fmt.Sprintf("%d bytes of %d, then %s", got, sent, last.Result()), Source: "recvfrom(2)", Have: int64(got), Full: int64(sent)})
		return got, last
	}
	return map[string]func(){
		"ask": func() {
			l.setup(ask)
			request()
			l.note("unread", l.asked(server, conn).Unread)
		},
		"answer": func() {
			answer()
			before := l.counters()
			l.must(l.close(server, conn))
			resets := l.counters().Sub(before)["TcpExt.TCPAbortOnClose"]
			l.show(lesson.Evidence{Fact: "TCPAbortOnClose", Value: fmt.Sprintf("+%d during the close", resets), Source: "/proc/net/netstat", Command: "nstat -az TcpExtTCPAbortOnClose",
				Note: "Connections reset because bytes were unread, of the whole machine or container."})
		},
		"read": func() {
			got, last := read()
			l.note("sent", sent)
			l.note("got", got)
			l.note("lost", sent-got)
			l.note("end", said(last))
			switch {
			case got == sent && last.Errno == 0:
				l.answer("all")
			case got < sent && last.Errno != 0:
				l.answer("reset")
			case got < sent:
				l.answer("cut")
			}
		},
		"safe": func() {
			l.setup(func() {
				ask()
				request()
			})
			answer()
			l.must(l.shutdown(server, conn, unix.SHUT_WR))
			l.must(l.recv(server, conn, 100)) // the rest of the request
			got, last := read()
			l.note("safe", got)
			l.note("safe_end", said(last))
			l.must(l.close(client, fd))
			l.must(l.recv(server, conn, 100))
			l.must(l.close(server, conn))
		},
	}
}

func closePipe(l *Lab) map[string]func() {
	var conn int
	// gone is a connection whose client has closed; the process takes SIGPIPE as a C
	// program does.
	gone := func(flags int) {
		l.setup(func() {
			var fd int
			_, conn, fd = l.connection()
			l.must(l.do(server, stage.Order{Do: "sigaction", Value: int(sockets.SIG_DFL)}))
			l.must(l.close(client, fd))
		})
		l.note("first", said(l.do(server, stage.Order{Do: "sendto", FD: conn, Data: []byte("first"), Flags: flags})))
		l.until("the reset", func() bool { return l.tcpState(server, conn) == kernel.Close })
	}
	return map[string]func(){
		"gone": func() { gone(0) },
		"again": func() {
			call, signal := l.lastCall(stage.Order{Do: "sendto", FD: conn, Data: []byte("second")})
			switch {
			case signal != "":
				l.note("end", "killed by "+signal)
				l.answer("killed")
			case call.Errno != 0:
				l.note("end", "alive, and the call returned "+said(call))
				l.answer("error")
			default:
				l.note("end", "alive, and the call returned "+said(call))
				l.answer("fine")
			}
			l.kill(server)
		},
		"nosignal": func() {
			gone(unix.MSG_NOSIGNAL)
			l.note("calm", said(l.send(server, conn, "second")))
		},
	}
}

// closeHalfOpen wants a client that has finished sending and still listens. It is
// told so, over its own half-closed connection.
func closeHalfOpen(l *Lab) func() (bool, string) {
	var listener int
	var addr sockets.Sockaddr
	l.setup(func() { listener, addr = l.listener(8) })
	done := false
	l.note("server_state", "not yet")
	l.note("client_state", "not yet")
	return func() (bool, string) {
		if length, _ := l.queue(listener); length > 0 {
			l.must(l.quietly(server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC}))
		}
		now := "no connection yet"
		for _, x := range l.state(server).Sockets {
			if x.Listening || done {
				continue
			}
			row, ok := kernel.Find(l.tcp(), x.With.AddrPort(), addr.AddrPort())
			if !ok || row.Inode == 0 {
				l.quietly(server, stage.Order{Do: "close", FD: x.FD})
				now = "a client was there, and its program has ended"
				continue
			}
			now = fmt.Sprintf("%s here, %s at the client", x.State(), row.State)
			if x.State() == kernel.CloseWait && row.State == kernel.FinWait2 {
				done = true
				l.note("server_state", x.State())
				l.note("client_state", row.State)
				l.quietly(server, stage.Order{Do: "sendto", FD: x.FD, Data: []byte("You are done sending. I am not.\n"), Flags: unix.MSG_NOSIGNAL})
			}
		}
		if done {
			return true, "half closed, and the server has sent something back"
		}
		return false, now
	}
}
