package sockets

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Shutdown wraps shutdown(2): it ends one direction, or both, of a connection
// for every descriptor that refers to it, and keeps the descriptor.
func (t *Tracer) Shutdown(fd, how int) Call {
	name := one(hows, how, "SHUT_")
	c := Call{
		Name: "shutdown",
		FD:   fd,
		Args: []Arg{inInt("sockfd", fd), in("how", name)},
		C:    fmt.Sprintf("shutdown(%d, %s);", fd, name),
		Go:   fmt.Sprintf("err := unix.Shutdown(%d, unix.%s)", fd, name),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		_, _, errno := unix.Syscall(unix.SYS_SHUTDOWN, uintptr(fd), uintptr(how), 0)
		return 0, errno
	}, nil)
}
