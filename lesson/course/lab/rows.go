package lab

import (
	"fmt"
	"net/netip"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Net returns the network namespace that the processes of the experiment are in.
func (l *Lab) Net() kernel.Net { return kernel.Own() }

// TCP returns the TCP sockets over IPv4 and IPv6 of the network namespace.
func (l *Lab) TCP() kernel.InetTable {
	rows, err := l.Net().TCP()
	if err != nil {
		l.Fatalf("sock_diag(7): %w", err)
	}
	return rows
}

// RowsAt are the sockets of a local address in a state.
func (l *Lab) RowsAt(local sockets.Sockaddr, state kernel.State) (found []kernel.InetSocket) {
	for _, row := range l.TCP() {
		if row.Local == local.AddrPort() && row.State == state {
			found = append(found, row)
		}
	}
	return found
}

// EndsOf are the two ends of one connection, as far as there are any.
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

// Queue is the accept queue of a listener of the server: how many wait, and the
// backlog that the kernel made of the number given to listen(2).
func (l *Lab) Queue(fd int) (length, backlog int) {
	row := l.TCP().Listener(l.Ask(Server, fd).Local.AddrPort())
	if row == nil {
		l.Fatalf("no LISTEN row for descriptor %d", fd)
	}
	return int(row.RQueue), int(row.WQueue)
}

func (l *Lab) ShowQueue(fd int) (length, backlog int) {
	length, backlog = l.Queue(fd)
	e := lesson.Evidence{Fact: "LISTEN row", Value: fmt.Sprintf("Recv-Q %d, Send-Q %d", length, backlog), Source: "sock_diag(7)",
		Command: ListenerCommand(l.Ask(Server, fd).Local)}
	if length > 0 {
		e.Have, e.Full = int64(length), int64(backlog)+1
	}
	l.Show(e)
	return length, backlog
}

func (l *Lab) Counters() kernel.Counters {
	c, err := l.Net().Counters()
	if err != nil {
		l.Fatalf("/proc/net/netstat: %w", err)
	}
	return c
}

func ListenerCommand(addr sockets.Sockaddr) string {
	return fmt.Sprintf("ss -ltn 'sport = :%d'", addr.Port())
}

func ClientsCommand(server sockets.Sockaddr) string {
	return fmt.Sprintf("ss -tan 'dport = :%d'", server.Port())
}

// EndsCommand lists both ends of the connections of a port.
func EndsCommand(addr sockets.Sockaddr) string {
	return fmt.Sprintf("ss -tan '( sport = :%d or dport = :%[1]d )'", addr.Port())
}
