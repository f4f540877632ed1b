package serve

import (
	"fmt"
	"slices"

	web "fd3/httpmini/server"
	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

func stop(l *lab.Lab) []lab.Step {
	var own *ownServer
	var c, silent int
	// row shows the server's end of the silent client's connection.
	row := func() string {
		end := l.EndsOf(own.addr.AddrPort(), l.Ask(lab.Client, silent).Local.AddrPort())[lab.Server]
		l.Show(lesson.Evidence{Fact: "of them, the silent client's", Value: fmt.Sprintf("%s, peer %s", end.State, end.Remote), Source: "sock_diag(7)", Command: facts.SS("-tan", facts.From(own.addr.Port()))})
		return end.State.String()
	}
	return []lab.Step{
		{Name: "half", Do: func() {
			own = start(l, web.Config{Loop: web.Threads})
			tellOf(l, own, web.Threads)
			l.Setup(func() { c, silent = l.Connect(own.addr), l.Connect(own.addr) })
			l.Must(l.Send(lab.Client, c, get11[:20]))
			l.Until("the server to read it", func() bool { return own.Stats()[0].Open == 2 && unreadBytes(l, own) == 0 })
			l.Note("rows_before", showRows(l, own))
			l.Note("idle_before", row())
		}},
		{Name: "stop", Do: func() {
			own.Drain()
			l.Until("the listener to be closed", func() bool {
				return l.TCP().Listener(own.addr.AddrPort()) == nil && len(l.RowsAt(own.addr, kernel.Established)) < 2 && len(l.RowsAt(own.addr, kernel.FinWait1)) == 0
			})
			l.Note("rows", showRows(l, own))
			l.Note("idle", row())
		}},
		{Name: "late", Do: func() {
			var late int
			l.Setup(func() { late = l.Stream(lab.Client) })
			l.Note("late", lab.Said(l.Do(lab.Client, stage.Order{Do: "connect", FD: late, Addr: own.addr})))
		}},
		{Name: "rest", Do: func() {
			l.Must(l.Send(lab.Client, c, get11[20:]))
			l.Note("answer", len(readAnswer(l, c)))
			l.Setup(func() { l.Close(lab.Client, c) })
			l.Until("the server to end", func() bool {
				select {
				case <-own.ran:
					return true
				default:
					return false
				}
			})
		}},
	}
}

// showRows shows the states of the server's sockets.
func showRows(l *lab.Lab, own *ownServer) string {
	var states []string
	for _, row := range l.TCP() {
		if row.Local == own.addr.AddrPort() {
			states = append(states, row.State.String())
		}
	}
	slices.Sort(states)
	e := facts.StatesOfPort(states, own.addr.Port())
	l.Show(e)
	return e.Value
}

// unreadBytes is how many bytes the server has not read yet.
func unreadBytes(l *lab.Lab, own *ownServer) (unread int) {
	for _, row := range l.RowsAt(own.addr, kernel.Established) {
		unread += int(row.RQueue)
	}
	return unread
}
