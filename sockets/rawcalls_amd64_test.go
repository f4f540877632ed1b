package sockets

import "golang.org/x/sys/unix"

// rawOldWaits are the waits that arm64 does not have.
func rawOldWaits(m *maker, fds, zero, in, out uint64, fill func()) {
	for _, n := range []uint64{0, 1, 20, 32, 33, 60} {
		m.call(unix.SYS_POLL, fds, n, 0)
	}
	m.each(1, []uint64{1, 1 << 31, minus}, unix.SYS_POLL, 1, 0, 0)
	for _, n := range []uint64{0, 64} {
		fill()
		m.call(unix.SYS_SELECT, n, in, out, 0, zero)
		fill()
		m.call(unix.SYS_SELECT, n, in, 0, out, m.words(1, 5))
	}
	m.each(4, []uint64{1, m.last(8), m.words(minus, minus)}, unix.SYS_SELECT, 64, in, out, 0, 0)
	m.call(unix.SYS_EPOLL_WAIT, 99, fds, 7, minus)
	m.call(unix.SYS_DUP2, 99, 5)
	m.call(unix.SYS_EPOLL_CREATE, minus)
	m.call(unix.SYS_PIPE, 1)
}
