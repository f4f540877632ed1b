package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Read wraps read(2): at most len(buf) bytes of a socket, as recv(2) without
// flags, or of a file, from its own position on. Zero bytes mean the end of
// either. Call.Data is what was read: a view of buf, good until the caller writes
// to buf again.
func (t *Tracer) Read(fd int, buf []byte) Call {
	c := Call{
		Name: "read",
		FD:   fd,
		Args: []Arg{inInt("fd", fd), out("buf"), inInt("count", len(buf))},
		C:    fmt.Sprintf("ssize_t n = read(%d, buf, %d);", fd, len(buf)),
		Go:   fmt.Sprintf("n, err := unix.Read(%d, buf[:%d])", fd, len(buf)),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		n, _, errno := unix.Syscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)))
		return n, errno
	}, func(c *Call) { received(c, buf) })
}
