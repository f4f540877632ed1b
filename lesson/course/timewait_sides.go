package course

import (
	"fmt"

	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// timewaitSides wants a TIME_WAIT on each side. The server closes first when it has
// been told something; else it closes when the client has.
func timewaitSides(l *Lab) func() (bool, string) {
	fd, addr := l.listener(8)
	conns := make(map[int]bool)
	seen := map[stage.Role]bool{}
	return func() (bool, string) {
		if length, _ := l.queue(fd); length > 0 {
			conns[l.accept(fd)] = true
		}
		for conn := range conns {
			if l.timewaitAnswer(conn) {
				delete(conns, conn)
			}
		}
		for _, row := range l.tcp() {
			switch {
			case row.State != kernel.TimeWait:
			case row.Local == addr.AddrPort():
				seen[server] = true
			case row.Remote == addr.AddrPort():
				seen[client] = true
			}
		}
		word := map[bool]string{true: "seen", false: "not yet"}
		return seen[server] && seen[client], fmt.Sprintf("TIME_WAIT at the client: %s; at the server: %s", word[seen[client]], word[seen[server]])
	}
}

// timewaitAnswer is the server's turn with one client; none of its calls can
// block. It tells whether the client is done with.
func (l *Lab) timewaitAnswer(conn int) (over bool) {
	x := l.asked(server, conn)
	switch {
	case x.Unread > 0:
		l.recv(server, conn, x.Unread)
		l.send(server, conn, "Goodbye.\n")
	case x.State() == kernel.Established:
		return false
	}
	l.close(server, conn)
	return true
}
