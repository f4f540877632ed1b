package sockets

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Listen wraps listen(2). The kernel cuts the backlog down to
// net.core.somaxconn without a word.
func (t *Tracer) Listen(fd, backlog int) Call {
	c := Call{
		Name: "listen",
		FD:   fd,
		Args: []Arg{inInt("sockfd", fd), inInt("backlog", backlog)},
		C:    fmt.Sprintf("listen(%d, %d);", fd, backlog),
		Go:   fmt.Sprintf("err := unix.Listen(%d, %d)", fd, backlog),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		_, _, errno := unix.Syscall(unix.SYS_LISTEN, uintptr(fd), uintptr(backlog), 0)
		return 0, errno
	}, nil)
}
