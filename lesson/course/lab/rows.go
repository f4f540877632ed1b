package lab

import (
	"net/netip"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Net returns the network namespace that the processes of the experiment are in, unless
// they have a Network.
func (l *Lab) Net() kernel.Net { return kernel.Own() }

// TCP returns the TCP sockets over IPv4 and IPv6 of the network namespace. Of a Network
// it returns those of both hosts, which their addresses tell apart.
func (l *Lab) TCP() (all kernel.InetTable) {
	for _, net := range l.nets() {
		rows, err := net.TCP()
		if err != nil {
			l.Fatalf("sock_diag(7): %w", err)
		}
		all = append(all, rows...)
	}
	return all
}

// RowsAt returns the sockets of a local address in a state.
func (l *Lab) RowsAt(local sockets.Sockaddr, state kernel.State) (found []kernel.InetSocket) {
	for _, row := range l.TCP() {
		if row.Local == local.AddrPort() && row.State == state {
			found = append(found, row)
		}
	}
	return found
}

// EndsOf returns the ends of the connection between a listener's address and a
// client's, as far as the kernel has any: the Server's is at the first, the Client's
// at the second.
func (l *Lab) EndsOf(at, from netip.AddrPort) map[stage.Role]kernel.InetSocket {
	ends, rows := make(map[stage.Role]kernel.InetSocket), l.TCP()
	if row := rows.Find(from, at); row != nil {
		ends[Client] = *row
	}
	if row := rows.Find(at, from); row != nil {
		ends[Server] = *row
	}
	return ends
}

// Queue returns the accept queue of a listener of the server.
func (l *Lab) Queue(fd int) kernel.Queue {
	row := l.TCP().Listener(l.Ask(Server, fd).Local.AddrPort())
	if row == nil {
		l.Fatalf("no LISTEN row for descriptor %d", fd)
	}
	return kernel.Queue{Waiting: int(row.RQueue), Backlog: int(row.WQueue)}
}

// ShowQueue shows the row of a listener of the server, and returns its accept queue.
func (l *Lab) ShowQueue(fd int) kernel.Queue {
	q := l.Queue(fd)
	e := facts.ListenRow(q, facts.SS("-ltn", facts.From(l.Ask(Server, fd).Local.Port())))
	e.Note = "" // a lesson is about these columns
	l.Show(filled(e, q))
	return q
}

// ShowAcceptQueue shows the accept queue itself, without the columns of the row, and
// returns it.
func (l *Lab) ShowAcceptQueue(fd int) kernel.Queue {
	q := l.Queue(fd)
	e := facts.AcceptQueue(q, q.Waiting, facts.SS("-ltn", facts.From(l.Ask(Server, fd).Local.Port())))
	e.Note = "" // what full means is asked
	l.Show(filled(e, q))
	return q
}

// filled returns the fact with a bar of how full an accept queue is, if anybody
// waits. A backlog of N holds N+1.
func filled(e lesson.Evidence, q kernel.Queue) lesson.Evidence {
	if q.Waiting == 0 {
		return e
	}
	return facts.Gauge(e, int64(q.Waiting), int64(q.Backlog)+1)
}

// Counters returns the counters of the network namespace.
func (l *Lab) Counters() kernel.Counters {
	c, err := l.Net().Counters()
	if err != nil {
		l.Fatalf("/proc/net/netstat: %w", err)
	}
	return c
}
