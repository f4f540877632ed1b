package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Accept4 wraps accept4(2). It blocks while the accept queue is empty. Call.Addr
// is the peer's address.
func (t *Tracer) Accept4(fd, flags int) Call {
	c := Call{
		Name: "accept4",
		FD:   fd,
		Args: []Arg{inInt("sockfd", fd), out("addr"), out("addrlen"), in("flags", several(typeFlags, flags, "SOCK_"))},
		C:    fmt.Sprintf("int conn = accept4(%d, (struct sockaddr *)&peer, &len, %s);", fd, cNames(several(typeFlags, flags, "SOCK_"))),
		Go:   fmt.Sprintf("conn, peer, err := unix.Accept4(%d, %s)", fd, goNames(several(typeFlags, flags, "SOCK_"))),
	}
	buf := make(Sockaddr, sizeStorage)
	size := uint32(len(buf))
	return t.do(c, func() (uintptr, unix.Errno) {
		conn, _, errno := unix.Syscall6(unix.SYS_ACCEPT4, uintptr(fd),
			uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&size)), uintptr(flags), 0, 0)
		return conn, errno
	}, func(c *Call) {
		if c.Errno != 0 {
			c.fill(1, fmt.Sprintf("%p", &buf[0]))
			c.fill(2, fmt.Sprintf("[%d]", sizeStorage))
			return
		}
		c.Addr = buf[:min(int(size), len(buf))]
		c.fill(1, c.Addr.strace())
		c.fill(2, lengthInOut(sizeStorage, int(size)))
	})
}

// lengthInOut is a length that the caller set and the kernel changed.
func lengthInOut(before, after int) string {
	if before == after {
		return fmt.Sprintf("[%d]", before)
	}
	return fmt.Sprintf("[%d => %d]", before, after)
}
