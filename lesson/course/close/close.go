package close

import (
	"bytes"
	_ "embed"
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed close.md
var markdown string

// Lesson is the lesson close.
var Lesson = lab.Lesson{
	ID:    "close",
	Words: markdown,
	Experiments: lab.Experiments{
		"dup":    dup,
		"half":   half,
		"unread": unread,
		"pipe":   pipe,
	},
	Exercises: lab.Exercises{"half": halfOpen},
}

func dup(l *lab.Lab) []lab.Step {
	var conn, other, fd int
	return []lab.Step{
		{Name: "dup", Do: func() {
			l.Setup(func() { _, conn, fd = l.Connection() })
			other = int(l.Must(l.Do(lab.Server, stage.Order{Do: "dup", FD: conn})).Ret)
			l.Note("conn", conn)
			l.Note("other", other)
			l.ShowSame(conn, other)
		}},
		{Name: "first", Do: func() { l.Must(l.Close(lab.Server, conn)) }},
		{Name: "look", Do: func() {
			call := l.Do(lab.Client, stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_STREAM, Size: 100, Flags: unix.MSG_DONTWAIT})
			server, client := showStates(l, other, fd)
			l.Note("after_first", server)
			switch {
			case call.Errno == unix.EAGAIN && server == kernel.Established && client == kernel.Established:
				l.Answer("nothing")
			case call.Ret == 0:
				l.Answer("end")
			case call.Errno == unix.ECONNRESET:
				l.Answer("error")
			}
		}},
		{Name: "second", Do: func() { l.Must(l.Close(lab.Server, other)) }},
		{Name: "end", Do: func() {
			call := l.Recv(lab.Client, fd, 100)
			l.Note("got", lab.Said(call))
			l.Note("after_second", l.TCPState(lab.Client, fd))
		}},
	}
}

// showStates shows the TCP states of both ends.
func showStates(l *lab.Lab, conn, fd int) (atServer, atClient kernel.State) {
	from := l.Ask(lab.Server, conn)
	atServer, atClient = from.State(), l.TCPState(lab.Client, fd)
	l.Show(facts.BothStates(atServer, atClient, facts.SS("-tan", facts.With(from.Local.Port()))))
	return atServer, atClient
}

func half(l *lab.Lab) []lab.Step {
	var conn, fd int
	var sent sockets.Call
	return []lab.Step{
		{Name: "connect", Do: func() { l.Setup(func() { _, conn, fd = l.Connection() }) }},
		{Name: "ask", Do: func() { l.Must(l.Send(lab.Client, fd, "a question")) }},
		{Name: "shutdown", Do: func() { l.Must(l.Shutdown(lab.Client, fd, unix.SHUT_WR)) }},
		{Name: "read", Do: func() { l.Must(l.Recv(lab.Server, conn, 100)) }},
		{Name: "look", Do: func() {
			l.Must(l.Recv(lab.Server, conn, 100))
			l.Until("the FIN to be acknowledged", func() bool { return l.TCPState(lab.Client, fd) != kernel.FinWait1 })
			server, client := showStates(l, conn, fd)
			l.Note("server_state", server)
			l.Note("client_state", client)
		}},
		{Name: "answer", Do: func() { sent = l.Send(lab.Server, conn, "an answer") }},
		{Name: "get", Do: func() {
			got := l.Recv(lab.Client, fd, 100)
			l.Note("got", lab.Said(got))
			switch {
			case sent.Errno != 0:
				l.Answer("fails")
			case string(got.Data) == "an answer":
				l.Answer("arrives")
			default:
				l.Answer("lost")
			}
		}},
		{Name: "close", Do: func() { l.Must(l.Close(lab.Server, conn)) }},
		{Name: "end", Do: func() { l.Must(l.Recv(lab.Client, fd, 100)) }},
	}
}

// unread closes a connection whose request was not read to its end. It is long for
// its steps, which share what each leaves for the next.
func unread(l *lab.Lab) []lab.Step {
	const size = 100000
	var conn, fd, sent int
	ask := func() {
		listener, addr := l.Listener(8)
		fd = l.Stream(lab.Client)
		l.SetOption(lab.Client, fd, unix.SO_RCVBUF, 8192)
		l.Must(l.Do(lab.Client, stage.Order{Do: "connect", FD: fd, Addr: addr}))
		conn = l.Accept(listener)
		l.SetOption(lab.Server, conn, unix.SO_SNDBUF, size) // room for all of it
	}
	request := func() { l.Must(l.Send(lab.Client, fd, "a long request")) }
	begin := func() { l.Must(l.Recv(lab.Server, conn, 6)) }
	answer := func() {
		sent = int(l.Must(l.Do(lab.Server, stage.Order{Do: "sendto", FD: conn, Data: bytes.Repeat([]byte("x"), size), Flags: unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT})).Ret)
	}
	read := func() (got int, last sockets.Call) {
		l.Until("the end of the connection", func() bool {
			last = l.Quietly(lab.Client, stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_STREAM, Size: size, Flags: unix.MSG_DONTWAIT})
			got += len(last.Data)
			return last.Ret == 0 || last.Errno != 0 && last.Errno != unix.EAGAIN
		})
		l.Show(lesson.Evidence{Fact: "the client", Value: fmt.Sprintf("%d bytes of %d, then %s", got, sent, last.Result()), Source: "recvfrom(2)", Have: int64(got), Full: int64(sent)})
		return got, last
	}
	return []lab.Step{
		{Name: "ask", Do: func() {
			l.Setup(ask)
			request()
		}},
		{Name: "begin", Do: func() {
			begin()
			l.Note("unread", l.Ask(lab.Server, conn).Unread)
		}},
		{Name: "answer", Do: answer},
		{Name: "close", Do: func() {
			before := l.Counters()
			l.Must(l.Close(lab.Server, conn))
			resets := l.Counters().Sub(before)["TcpExt.TCPAbortOnClose"]
			l.Show(facts.Counter("TcpExt.TCPAbortOnClose", resets, "during the close", "Connections reset because bytes were unread, of the whole machine or container."))
		}},
		{Name: "read", Do: func() {
			got, last := read()
			l.Note("sent", sent)
			l.Note("got", got)
			l.Note("lost", sent-got)
			l.Note("end", lab.Said(last))
			switch {
			case got == sent && last.Errno == 0:
				l.Answer("all")
			case got < sent && last.Errno != 0:
				l.Answer("reset")
			case got < sent:
				l.Answer("cut")
			}
		}},
		{Name: "safe", Do: func() {
			l.Setup(func() {
				ask()
				request()
				begin()
			})
			answer()
		}},
		{Name: "shutdown", Do: func() { l.Must(l.Shutdown(lab.Server, conn, unix.SHUT_WR)) }},
		{Name: "rest", Do: func() { l.Must(l.Recv(lab.Server, conn, 100)) }},
		{Name: "whole", Do: func() {
			got, last := read()
			l.Note("safe", got)
			l.Note("safe_end", lab.Said(last))
		}},
		{Name: "zero", Do: func() {
			l.Setup(func() { l.Must(l.Close(lab.Client, fd)) })
			l.Must(l.Recv(lab.Server, conn, 100))
		}},
		{Name: "last", Do: func() { l.Must(l.Close(lab.Server, conn)) }},
	}
}

func pipe(l *lab.Lab) []lab.Step {
	var conn int
	// gone sends over a connection whose client has closed; the process takes SIGPIPE as a
	// C program does.
	gone := func(flags int) {
		l.Setup(func() {
			var fd int
			_, conn, fd = l.Connection()
			l.Must(l.Do(lab.Server, stage.Order{Do: "sigaction", Value: int(sockets.SIG_DFL)}))
			l.Must(l.Close(lab.Client, fd))
		})
		l.Note("first", lab.Said(l.Do(lab.Server, stage.Order{Do: "sendto", FD: conn, Data: []byte("first"), Flags: flags})))
		l.Until("the reset", func() bool { return l.TCPState(lab.Server, conn) == kernel.Close })
	}
	return []lab.Step{
		{Name: "gone", Do: func() { gone(0) }},
		{Name: "again", Do: func() {
			call, signal := l.LastCall(stage.Order{Do: "sendto", FD: conn, Data: []byte("second")})
			switch {
			case signal != "":
				l.Note("end", "killed by "+signal)
				l.Answer("killed")
			case call.Errno != 0:
				l.Note("end", "alive, and the call returned "+lab.Said(call))
				l.Answer("error")
			default:
				l.Note("end", "alive, and the call returned "+lab.Said(call))
				l.Answer("fine")
			}
		}},
		{Name: "new", Do: func() {
			l.Kill(lab.Server)
			gone(unix.MSG_NOSIGNAL)
		}},
		{Name: "nosignal", Do: func() {
			l.Note("calm", lab.Said(l.Send(lab.Server, conn, "second")))
		}},
	}
}

// halfOpen wants a client that has finished sending and still listens. It is
// told so, over its own half-closed connection.
func halfOpen(l *lab.Lab) lab.Check {
	var listener int
	var addr sockets.Sockaddr
	l.Setup(func() { listener, addr = l.Listener(8) })
	done := false
	l.Note("server_state", "not yet")
	l.Note("client_state", "not yet")
	return func() (bool, string) {
		open, look := l.State(lab.Server).Sockets, l.Look(addr)
		now := "no connection yet"
		for _, x := range open {
			if x.Listening || done {
				continue
			}
			here, there := look.Rows.Find(addr.AddrPort(), x.With.AddrPort()), look.Rows.Find(x.With.AddrPort(), addr.AddrPort())
			if here == nil || there == nil || there.Inode == 0 {
				l.Quietly(lab.Server, stage.Order{Do: "close", FD: x.FD})
				now = "a client was there, and its program has ended"
				continue
			}
			now = fmt.Sprintf("%s here, %s at the client", here.State, there.State)
			if here.State == kernel.CloseWait && there.State == kernel.FinWait2 && look.Still {
				done = true
				l.Note("server_state", here.State)
				l.Note("client_state", there.State)
				l.Quietly(lab.Server, stage.Order{Do: "sendto", FD: x.FD, Data: []byte("You are done sending. I am not.\n"), Flags: unix.MSG_NOSIGNAL})
			}
		}
		if look.Queue().Waiting > 0 {
			l.Must(l.Quietly(lab.Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC}))
		}
		if done {
			return true, "half closed, and the server has sent something back"
		}
		return false, now
	}
}
