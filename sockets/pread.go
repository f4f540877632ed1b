package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Pread64 wraps pread(2), whose system call bears this name: at most len(buf)
// bytes of a file, from offset on. The file's own position stays where it is.
// Zero bytes mean its end. Call.Data is what was read: a view of buf, good until
// the caller writes to buf again.
func (t *Tracer) Pread64(fd int, buf []byte, offset int64) Call {
	c := Call{
		Name: "pread64",
		FD:   fd,
		Args: []Arg{inInt("fd", fd), out("buf"), inInt("count", len(buf)), in("offset", fmt.Sprint(offset))},
		C:    fmt.Sprintf("ssize_t n = pread(%d, buf, %d, %d);", fd, len(buf), offset),
		Go:   fmt.Sprintf("n, err := unix.Pread(%d, buf[:%d], %d)", fd, len(buf), offset),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		n, _, errno := unix.Syscall6(unix.SYS_PREAD64, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)), uintptr(offset), 0, 0)
		return n, errno
	}, func(c *Call) { received(c, buf) })
}
