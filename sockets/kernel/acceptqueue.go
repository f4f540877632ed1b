package kernel

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Queue is the accept queue of a listening socket.
type Queue struct {
	Waiting int    // connections that wait for accept4(2)
	Backlog int    // the number given to listen(2), cut to net.core.somaxconn; the queue holds one more
	Source  string // the reading it is from
}

// AcceptQueue reads the accept queue of a listening socket of this process: of TCP
// by TCP_INFO (tcp(7)), of a Unix socket by sock_diag(7) in the Net that it is in. For
// a TCP listener of any process, see RQueue and WQueue of InetTable.Listener.
func (n Net) AcceptQueue(listener int) (Queue, error) {
	if info, err := unix.GetsockoptTCPInfo(listener, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
		return Queue{Waiting: int(info.Unacked), Backlog: int(info.Sacked), Source: "getsockopt(2) TCP_INFO"}, nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(listener, &st); err != nil {
		return Queue{}, fmt.Errorf("fstat: %w", err)
	}
	rows, err := n.Unix()
	if err != nil {
		return Queue{}, err
	}
	for _, row := range rows {
		if row.Inode == st.Ino {
			return Queue{Waiting: int(row.RQueue), Backlog: int(row.WQueue), Source: "sock_diag(7)"}, nil
		}
	}
	return Queue{}, fmt.Errorf("sock_diag AF_UNIX: %w", unix.ENOENT)
}
