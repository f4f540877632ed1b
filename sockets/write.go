package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Write wraps write(2). On a socket it is send(2) without flags: where nobody can
// receive any more, SIGPIPE comes with EPIPE (write(2), ERRORS). The kernel may
// take fewer bytes than it is given (Call.Ret): a partial write is the caller's to
// go on with. Call.Data is what was taken.
func (t *Tracer) Write(fd int, data []byte) Call {
	c := Call{
		Name: "write",
		FD:   fd,
		Args: []Arg{inInt("fd", fd), in("buf", bytesIn(data)), inInt("count", len(data))},
		C:    fmt.Sprintf("ssize_t n = write(%d, buf, %d);", fd, len(data)),
		Go:   fmt.Sprintf("n, err := unix.Write(%d, buf[:%d])", fd, len(data)),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		n, _, errno := unix.Syscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)))
		return n, errno
	}, func(c *Call) {
		if c.Errno == 0 {
			c.Data = data[:c.Ret]
		}
	})
}

// bytesIn is a buffer of bytes that go into the kernel.
func bytesIn(data []byte) string {
	if data == nil {
		return "NULL"
	}
	return Quote(data)
}
