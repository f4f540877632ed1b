package lab

import (
	"slices"

	"fd3/sockets"
	"fd3/sockets/kernel"
)

// A Look is the TCP sockets at an address, and those that are connected to it, at
// one moment. A Check decides by one Look, and acts after that: by two readings it
// could join what was never there at the same time.
type Look struct {
	Rows  kernel.InetTable // the listener's too
	Still bool             // there was such a moment; else somebody acted meanwhile

	at sockets.Sockaddr
}

// looks is how many readings a Look takes at most. More would wait for a client that
// never stands still.
const looks = 5

// Look reads the sockets about an address until two readings agree. The kernel tells
// of one socket after the other, so the rows of one reading may never have been there
// together. Rows that two readings have were there between the two.
func (l *Lab) Look(at sockets.Sockaddr) Look {
	k := Look{at: at, Rows: l.about(at)}
	for n := 1; n < looks && !k.Still; n++ {
		again := l.about(at)
		k.Rows, k.Still = again, slices.EqualFunc(k.Rows, again, same)
	}
	return k
}

// about returns the sockets at an address, and those that are connected to it.
func (l *Lab) about(at sockets.Sockaddr) kernel.InetTable {
	return slices.DeleteFunc(l.TCP(), func(r kernel.InetSocket) bool {
		return r.Local != at.AddrPort() && r.Remote != at.AddrPort()
	})
}

// same reports whether a socket has not changed. Its timer runs all the time.
func same(a, b kernel.InetSocket) bool {
	a.Timer, a.Expires, b.Timer, b.Expires = 0, 0, 0, 0
	return a == b
}

// Queue returns the accept queue of the listener; it is empty if there is no listener.
func (k Look) Queue() kernel.Queue {
	row := k.Rows.Listener(k.at.AddrPort())
	if row == nil {
		return kernel.Queue{}
	}
	return kernel.Queue{Waiting: int(row.RQueue), Backlog: int(row.WQueue)}
}

// Here returns the sockets at the address in a state: of connections, the server's
// ends. Those that nobody has accepted have no inode.
func (k Look) Here(state kernel.State) []kernel.InetSocket {
	return k.in(state, func(r kernel.InetSocket) bool { return r.Local == k.at.AddrPort() })
}

// There returns the sockets in a state that are connected to the address: the clients'
// ends. Those whose program has closed them have no inode.
func (k Look) There(state kernel.State) []kernel.InetSocket {
	return k.in(state, func(r kernel.InetSocket) bool { return r.Remote == k.at.AddrPort() })
}

func (k Look) in(state kernel.State, side func(kernel.InetSocket) bool) (found []kernel.InetSocket) {
	for _, row := range k.Rows {
		if row.State == state && side(row) {
			found = append(found, row)
		}
	}
	return found
}

// Other returns the other end of a connection, or nil if the kernel has none any more.
func (k Look) Other(row kernel.InetSocket) *kernel.InetSocket {
	return k.Rows.Find(row.Remote, row.Local)
}
