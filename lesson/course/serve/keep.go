package serve

import (
	"bytes"
	"strconv"
	"time"

	web "fd3/httpmini/server"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
)

const (
	get10 = "GET / HTTP/1.0\r\n\r\n"
	get11 = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
)

func version(l *lab.Lab) []lab.Step {
	var own *ownServer
	var old, recent, oldAgain int
	var says string
	version := func(answer []byte) string {
		word, _, _ := bytes.Cut(answer, []byte(" "))
		return string(word)
	}
	return []lab.Step{
		{Name: "server", Do: func() {
			own = start(l, web.Config{Loop: web.Threads})
			tellOf(l, own, web.Threads)
		}},
		{Name: "old", Do: func() {
			l.Setup(func() { old = l.Connect(own.addr) })
			l.Must(l.Send(lab.Client, old, get10))
			says = version(readAnswer(l, old))
			l.Note("version", says)
		}},
		{Name: "recent", Do: func() {
			l.Setup(func() { recent = l.Connect(own.addr) })
			l.Must(l.Send(lab.Client, recent, get11))
			if other := version(readAnswer(l, recent)); other != says {
				l.Fatalf("the answers are of %s and of %s", says, other)
			}
		}},
		{Name: "look", Do: func() {
			waitForClose(l, old)
			for name, fd := range map[string]int{"old_state": old, "recent_state": recent} {
				l.Note(name, l.TCPState(lab.Client, fd))
			}
			for _, fd := range []int{old, recent} {
				l.Show(facts.StateOf(lab.Client, fd, l.TCPState(lab.Client, fd), facts.SS("-tan", facts.To(own.addr.Port()))))
			}
		}},
		{Name: "again", Do: func() {
			l.Send(lab.Client, old, get10)
			oldAgain = len(readAnswer(l, old))
			l.Note("old_bytes", oldAgain)
		}},
		{Name: "more", Do: func() {
			l.Must(l.Send(lab.Client, recent, get11))
			recentAgain := len(readAnswer(l, recent))
			l.Note("recent_bytes", recentAgain)
			switch {
			case oldAgain > 0 && recentAgain > 0:
				l.Answer("both")
			case oldAgain > 0:
				l.Answer("old")
			case recentAgain > 0:
				l.Answer("recent")
			default:
				l.Answer("none")
			}
		}},
	}
}

// waitForClose gives the server a moment to close a connection, if it does.
func waitForClose(l *lab.Lab, fd int) {
	end := time.Now().Add(brief)
	l.Until("the server to close", func() bool {
		return l.TCPState(lab.Client, fd) != kernel.Established || time.Now().After(end)
	})
}

// readAnswer has the client read one whole answer; nothing if the connection has
// ended instead. Its calls are told in short: how many there are is the kernel's choice.
func readAnswer(l *lab.Lab, fd int) (all []byte) {
	l.Setup(func() {
		for !whole(all) {
			got := l.Recv(lab.Client, fd, 1<<16)
			if got.Errno != 0 || got.Ret == 0 {
				return
			}
			all = append(all, got.Data...)
		}
	})
	return all
}

// whole reports whether this is a whole answer, by its Content-Length.
func whole(b []byte) bool {
	head, body, _ := bytes.Cut(b, []byte("\r\n\r\n"))
	_, rest, ok := bytes.Cut(head, []byte("\r\nContent-Length: "))
	number, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, err := strconv.Atoi(string(number))
	return ok && err == nil && len(body) >= length
}
