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
	var c int
	return map[string]func(){
		"half": func() {
			own = l.serve(web.Config{Loop: web.Threads})
			l.serveTold(own, web.Threads)
			l.setup(func() { c = l.connect(own.addr) })
			l.must(l.send(client, c, serveGet11[:20]))
			l.until("the server to read it", func() bool { return l.serveUnread(own) == 0 })
			l.note("rows_before", l.serveRows(own))
		},
		"stop": func() {
			own.Drain()
			l.until("the listener to be closed", func() bool {
				_, listens := kernel.FindListener(l.tcp(), own.addr.AddrPort())
				return !listens
			})
			l.note("rows", l.serveRows(own))
		},
		"late": func() {
			var late int
			l.setup(func() { late = l.stream(client) })
			l.note("late", said(l.do(client, stage.Order{Do: "connect", FD: late, Addr: own.addr})))
		},
		"rest": func() {
			l.must(l.send(client, c, serveGet11[20:]))
			l.note("answer", l.serveAnswer(c))
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

// serveUnread is how many bytes the server has not read yet; -1 before it has
// accepted anybody.
func (l *Lab) serveUnread(own *serveOwn) int {
	if own.Stats()[0].Open == 0 {
		return -1
	}
	unread := 0
	for _, row := range l.rowsAt(own.addr, kernel.Established) {
		unread += int(row.RQueue)
	}
	return unread
}
