package sockets

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Close wraps close(2). The descriptor is gone whatever it returns, so it is
// never called again after an error (close(2), NOTES).
func (t *Tracer) Close(fd int) Call {
	c := Call{
		Name: "close",
		FD:   fd,
		Args: []Arg{inInt("fd", fd)},
		C:    fmt.Sprintf("close(%d);", fd),
		Go:   fmt.Sprintf("err := unix.Close(%d)", fd),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		_, _, errno := unix.Syscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
		return 0, errno
	}, nil)
}
