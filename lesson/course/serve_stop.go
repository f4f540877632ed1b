package course

import (
	"fmt"
	"slices"
	"strings"

	web "fd3/httpmini/server"
	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

func serveStop(l *Lab) map[string]func() {
	var own *serveOwn
	var c, silent int
	// row shows the server's end of the silent client's connection.
	row := func() string {
		end := l.endsOf(own.addr.AddrPort(), l.asked(client, silent).Local.AddrPort())[server]
		l.show(lesson.Evidence{Fact: "of them, the silent client's", Value: fmt.Sprintf("%s, peer %s", end.State, end.Remote), Source: "sock_diag(7)", Command: clientsCommand(own.addr)})
		return end.State.String()
	}
	return map[string]func(){
		"half": func() {
			own = l.serve(web.Config{Loop: web.Threads})
			l.serveTold(own, web.Threads)
			l.setup(func() { c, silent = l.connect(own.addr), l.connect(own.addr) })
			l.must(l.send(client, c, serveGet11[:20]))
			l.until("the server to read it", func() bool { return own.Stats()[0].Open == 2 && l.serveUnread(own) == 0 })
			l.note("rows_before", l.serveRows(own))
			l.note("idle_before", row())
		},
		"stop": func() {
			own.Drain()
			l.until("the listener to be closed", func() bool {
				_, listens := kernel.FindListener(l.tcp(), own.addr.AddrPort())
				return !listens && len(l.rowsAt(own.addr, kernel.Established)) < 2 && len(l.rowsAt(own.addr, kernel.FinWait1)) == 0
			})
			l.note("rows", l.serveRows(own))
			l.note("idle", row())
		},
		"late": func() {
			var late int
			l.setup(func() { late = l.stream(client) })
			l.note("late", said(l.do(client, stage.Order{Do: "connect", FD: late, Addr: own.addr})))
		},
		"rest": func() {
			l.must(l.send(client, c, serveGet11[20:]))
			l.note("answer", len(l.serveAnswer(c)))
			l.close(client, c)
			l.until("the server to end", func() bool {
				select {
				case <-own.ran:
					return true
				default:
					return false
				}
			})
		},
	}
}

// serveRows shows the states of the server's sockets.
func (l *Lab) serveRows(own *serveOwn) string {
	var states []string
	for _, row := range l.tcp() {
		if row.Local == own.addr.AddrPort() {
			states = append(states, row.State.String())
		}
	}
	slices.Sort(states)
	value := strings.Join(states, " and ")
	l.show(lesson.Evidence{Fact: "the server's sockets", Value: value, Source: "sock_diag(7)", Command: fmt.Sprintf("ss -tan 'sport = :%d'", own.addr.Port())})
	return value
}

// serveUnread is how many bytes the server has not read yet.
func (l *Lab) serveUnread(own *serveOwn) (unread int) {
	for _, row := range l.rowsAt(own.addr, kernel.Established) {
		unread += int(row.RQueue)
	}
	return unread
}
