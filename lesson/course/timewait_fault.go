package course

import (
	"fmt"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

func timewaitFault(l *Lab) map[string]func() {
	var conn int
	var addr, from sockets.Sockaddr
	var waits kernel.InetSocket
	return map[string]func(){
		"close": func() {
			var c int
			l.setup(func() { _, conn, c = l.connection() })
			addr, from = l.asked(client, c).Peer, l.asked(client, c).Local
			l.must(l.close(client, c))
			l.timewaitHalf(client, addr, from)
		},
		"look": func() {
			ends := l.endsOf(addr.AddrPort(), from.AddrPort())
			waits = ends[server]
			l.show(lesson.Evidence{Fact: "the client's end", Value: timewaitTimer(ends[client]), Source: "sock_diag(7)", Command: timewaitCommand(addr)})
			l.show(lesson.Evidence{Fact: "the server's end", Value: timewaitTimer(waits), Source: "sock_diag(7)", Command: timewaitCommand(addr)})
			link := fmt.Sprintf("/proc/%d/fd/%d", l.pid(server), conn)
			l.show(lesson.Evidence{Fact: "the server's descriptor", Value: fmt.Sprintf("%d is socket:[%d]", conn, l.inode(server, conn)), Source: link, Command: "readlink " + link})
			l.note("timer", timewaitTimer(waits))
			l.note("fd", conn)
			l.note("pid", l.pid(server))
		},
		"server": func() {
			l.close(server, conn)
			left, _ := l.timewaitEnds(addr, from)
			if waits.State == kernel.CloseWait && waits.Timer == kernel.TimerOff && left == "client" {
				l.answer("server")
			}
		},
	}
}

// timewaitTimer is a state, and when the kernel will end it by itself.
func timewaitTimer(row kernel.InetSocket) string {
	if row.Timer == kernel.TimerOff {
		return fmt.Sprintf("%s, no timer", row.State)
	}
	return fmt.Sprintf("%s, a timer, %s left", row.State, timewaitLeft(row))
}
