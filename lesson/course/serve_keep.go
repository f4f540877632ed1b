package course

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	web "fd3/httpmini/server"
	"fd3/lesson"
	"fd3/sockets/kernel"
)

const (
	serveGet10 = "GET / HTTP/1.0\r\n\r\n"
	serveGet11 = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
)

func serveVersion(l *Lab) map[string]func() {
	var own *serveOwn
	var old, recent int
	var says string
	version := func(answer []byte) string {
		word, _, _ := bytes.Cut(answer, []byte(" "))
		return string(word)
	}
	return map[string]func(){
		"server": func() {
			own = l.serve(web.Config{Loop: web.Threads})
			l.serveTold(own, web.Threads)
		},
		"old": func() {
			l.setup(func() { old = l.connect(own.addr) })
			l.must(l.send(client, old, serveGet10))
			says = version(l.serveAnswer(old))
			l.note("version", says)
		},
		"recent": func() {
			l.setup(func() { recent = l.connect(own.addr) })
			l.must(l.send(client, recent, serveGet11))
			if other := version(l.serveAnswer(recent)); other != says {
				l.failf("the answers are of %s and of %s", says, other)
			}
		},
		"look": func() {
			l.serveCloses(old)
			for name, fd := range map[string]int{"old_state": old, "recent_state": recent} {
				l.note(name, l.tcpState(client, fd))
			}
			for _, fd := range []int{old, recent} {
				l.show(lesson.Evidence{Fact: fmt.Sprintf("the client's socket %d", fd), Value: l.tcpState(client, fd).String(), Source: "getsockopt(2) TCP_INFO", Command: clientsCommand(own.addr)})
			}
		},
		"again": func() {
			l.send(client, old, serveGet10)
			oldAgain := len(l.serveAnswer(old))
			l.must(l.send(client, recent, serveGet11))
			recentAgain := len(l.serveAnswer(recent))
			l.note("old_bytes", oldAgain)
			l.note("recent_bytes", recentAgain)
			switch {
			case oldAgain > 0 && recentAgain > 0:
				l.answer("both")
			case oldAgain > 0:
				l.answer("old")
			case recentAgain > 0:
				l.answer("recent")
			default:
				l.answer("none")
			}
		},
	}
}

// serveCloses gives the server a moment to close a connection, if it does.
func (l *Lab) serveCloses(fd int) {
	end := time.Now().Add(serveFor)
	l.until("the server to close", func() bool {
		return l.tcpState(client, fd) != kernel.Established || time.Now().After(end)
	})
}

// serveAnswer has the client read one whole answer; nothing if the connection has
// ended instead.
func (l *Lab) serveAnswer(fd int) (all []byte) {
	for !serveWhole(all) {
		got := l.recv(client, fd, 1<<16)
		if got.Errno != 0 || got.Ret == 0 {
			break
		}
		all = append(all, got.Data...)
	}
	return all
}

// serveWhole says whether this is a whole answer, by its Content-Length.
func serveWhole(b []byte) bool {
	head, body, _ := bytes.Cut(b, []byte("\r\n\r\n"))
	_, rest, ok := bytes.Cut(head, []byte("\r\nContent-Length: "))
	number, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, err := strconv.Atoi(string(number))
	return ok && err == nil && len(body) >= length
}
