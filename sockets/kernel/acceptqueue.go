package kernel

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// AcceptQueue asks how many connections wait for accept4(2) at a listening socket
// of this process, how many may, and where it was read: of TCP by TCP_INFO
// (tcp(7)), of a Unix socket by sock_diag(7).
func AcceptQueue(listener int) (waiting, backlog int, source string, err error) {
	if info, err := unix.GetsockoptTCPInfo(listener, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
		return int(info.Unacked), int(info.Sacked), "getsockopt(2) TCP_INFO", nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(listener, &st); err != nil {
		return 0, 0, "", fmt.Errorf("fstat: %w", err)
	}
	rows, err := UnixSockets()
	if err != nil {
		return 0, 0, "", err
	}
	for _, row := range rows {
		if row.Inode == st.Ino {
			return int(row.RQueue), int(row.WQueue), "sock_diag(7)", nil
		}
	}
	return 0, 0, "", fmt.Errorf("sock_diag AF_UNIX: %w", unix.ENOENT)
}
