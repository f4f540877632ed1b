package timewait

import (
	"fmt"

	"fd3/lesson/course/lab"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// sides wants a TIME_WAIT on each side. The server closes first when it has
// been told something; else it closes when the client has.
func sides(l *lab.Lab) lab.Check {
	fd, addr := l.Listener(8)
	conns := make(map[int]bool)
	seen := map[stage.Role]bool{}
	return func() (bool, string) {
		look := l.Look(addr)
		seen[lab.Server] = seen[lab.Server] || len(look.Here(kernel.TimeWait)) > 0
		seen[lab.Client] = seen[lab.Client] || len(look.There(kernel.TimeWait)) > 0
		for conn := range conns {
			if turn(l, conn) {
				delete(conns, conn)
			}
		}
		if look.Queue().Waiting > 0 {
			conns[l.Accept(fd)] = true
		}
		word := map[bool]string{true: "seen", false: "not yet"}
		return seen[lab.Server] && seen[lab.Client], fmt.Sprintf("TIME_WAIT at the client: %s; at the server: %s", word[seen[lab.Client]], word[seen[lab.Server]])
	}
}

// turn takes the server's turn with one client, and reports whether the client is done
// with. None of its calls can block.
func turn(l *lab.Lab, conn int) (over bool) {
	x := l.Ask(lab.Server, conn)
	switch {
	case x.Unread > 0:
		l.Recv(lab.Server, conn, x.Unread)
		l.Send(lab.Server, conn, "Goodbye.\n")
	case x.State() == kernel.Established:
		return false
	}
	l.Close(lab.Server, conn)
	return true
}
