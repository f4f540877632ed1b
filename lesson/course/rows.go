package course

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// tcp are the TCP sockets over IPv4 and IPv6 of this network namespace.
func (l *Lab) tcp() []kernel.InetSocket {
	rows, err := kernel.InetSockets(unix.AF_UNSPEC, unix.IPPROTO_TCP, kernel.AllStates)
	if err != nil {
		l.failf("sock_diag(7): %w", err)
	}
	return rows
}

// rowsAt are the sockets of a local address in a state.
func (l *Lab) rowsAt(local sockets.Sockaddr, state kernel.State) (found []kernel.InetSocket) {
	for _, row := range l.tcp() {
		if row.Local == local.AddrPort() && row.State == state {
			found = append(found, row)
		}
	}
	return found
}

// endsOf are the two ends of one connection, as far as there are any.
func (l *Lab) endsOf(at, from netip.AddrPort) map[stage.Role]kernel.InetSocket {
	ends, rows := make(map[stage.Role]kernel.InetSocket), l.tcp()
	if row, ok := kernel.Find(rows, from, at); ok {
		ends[client] = row
	}
	if row, ok := kernel.Find(rows, at, from); ok {
		ends[server] = row
	}
	return ends
}

// queue is the accept queue of a listener of the server: how many wait, and the
// backlog that the kernel made of the number given to listen(2).
func (l *Lab) queue(fd int) (length, backlog int) {
	row, ok := kernel.FindListener(l.tcp(), l.asked(server, fd).Local.AddrPort())
	if !ok {
		l.failf("no LISTEN row for descriptor %d", fd)
	}
	return int(row.RQueue), int(row.WQueue)
}

func (l *Lab) showQueue(fd int) (length, backlog int) {
	length, backlog = l.queue(fd)
	e := lesson.Evidence{Fact: "LISTEN row", Value: fmt.Sprintf("Recv-Q %d, Send-Q %d", length, backlog), Source: "sock_diag(7)",
		Command: listenerCommand(l.asked(server, fd).Local)}
	if length > 0 {
		e.Have, e.Full = int64(length), int64(backlog)+1
	}
	l.show(e)
	return length, backlog
}

func (l *Lab) counters() kernel.Counters {
	c, err := kernel.ReadCounters(l.pid(server))
	if err != nil {
		l.failf("/proc/net/netstat: %w", err)
	}
	return c
}

func listenerCommand(addr sockets.Sockaddr) string {
	return fmt.Sprintf("ss -ltn 'sport = :%d'", addr.Port())
}

func clientsCommand(server sockets.Sockaddr) string {
	return fmt.Sprintf("ss -tan 'dport = :%d'", server.Port())
}

// endsCommand lists both ends of the connections of a port.
func endsCommand(addr sockets.Sockaddr) string {
	return fmt.Sprintf("ss -tan '( sport = :%d or dport = :%[1]d )'", addr.Port())
}
