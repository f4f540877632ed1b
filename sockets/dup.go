package sockets

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Dup wraps dup(2): the lowest free number becomes another name of the open file
// that fd names. The file is closed with the last of its names.
func (t *Tracer) Dup(fd int) Call {
	c := Call{
		Name: "dup",
		FD:   fd,
		Args: []Arg{inInt("oldfd", fd)},
		C:    fmt.Sprintf("int fd = dup(%d);", fd),
		Go:   fmt.Sprintf("fd, err := unix.Dup(%d)", fd),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		fd, _, errno := unix.Syscall(unix.SYS_DUP, uintptr(fd), 0, 0)
		return fd, errno
	}, nil)
}
