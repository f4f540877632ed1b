package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Recv makes recvfrom(2) without asking for the sender's address, as recv(2) in
// the C library does: at most size bytes. Zero bytes mean that a stream's peer
// has finished sending. Call.Data is what arrived.
func (t *Tracer) Recv(fd, size, flags int) Call {
	return t.RecvInto(fd, make([]byte, max(size, 1))[:size], flags)
}

// RecvInto is Recv into the caller's buffer. Call.Data is a view of buf, good
// until the caller writes to buf again: an observer that keeps it takes a copy.
func (t *Tracer) RecvInto(fd int, buf []byte, flags int) Call {
	c := t.recvfrom(fd, len(buf), flags)
	c.C = fmt.Sprintf("ssize_t n = recv(%d, buf, %d, %s);", fd, len(buf), cNames(several(messageFlags, flags, "MSG_")))
	c.Args = append(c.Args, in("src_addr", "NULL"), in("addrlen", "NULL"))
	return t.do(c, func() (uintptr, unix.Errno) {
		n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)), uintptr(flags), 0, 0)
		return n, errno
	}, func(c *Call) { received(c, buf) })
}

// RecvFrom wraps recvfrom(2): one datagram, and who sent it in Call.Addr. Bytes
// of the datagram that do not fit into size are lost.
func (t *Tracer) RecvFrom(fd, size, flags int) Call {
	buf := make([]byte, max(size, 1))[:size]
	from := make(Sockaddr, sizeStorage)
	fromSize := uint32(len(from))
	c := t.recvfrom(fd, size, flags)
	c.C = fmt.Sprintf("ssize_t n = recvfrom(%d, buf, %d, %s, (struct sockaddr *)&from, &len);", fd, size, cNames(several(messageFlags, flags, "MSG_")))
	c.Args = append(c.Args, out("src_addr"), out("addrlen"))
	return t.do(c, func() (uintptr, unix.Errno) {
		n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(size), uintptr(flags),
			uintptr(unsafe.Pointer(&from[0])), uintptr(unsafe.Pointer(&fromSize)))
		return n, errno
	}, func(c *Call) {
		received(c, buf)
		if c.Errno != 0 {
			c.fill(4, fmt.Sprintf("%p", &from[0]))
			c.fill(5, fmt.Sprintf("[%d]", sizeStorage))
			return
		}
		c.Addr = from[:min(int(fromSize), len(from))]
		c.fill(4, c.Addr.strace())
		if fromSize == 0 { // a unix socket without a name, or a stream: nothing was written
			c.fill(4, fmt.Sprintf("%p", &from[0]))
		}
		c.fill(5, lengthInOut(sizeStorage, int(fromSize)))
	})
}

func (t *Tracer) recvfrom(fd, size, flags int) Call {
	return Call{
		Name: "recvfrom",
		FD:   fd,
		Args: []Arg{inInt("sockfd", fd), out("buf"), inInt("len", size), in("flags", several(messageFlags, flags, "MSG_"))},
		Go:   fmt.Sprintf("n, from, err := unix.Recvfrom(%d, buf[:%d], %s)", fd, size, goNames(several(messageFlags, flags, "MSG_"))),
	}
}

// received tells of the bytes that the kernel wrote to buf, which is argument 1.
func received(c *Call, buf []byte) {
	if c.Errno != 0 || buf == nil {
		c.fill(1, address(unsafe.Pointer(unsafe.SliceData(buf))))
		return
	}
	c.Data = buf[:min(int(c.Ret), len(buf))] // MSG_TRUNC gives the whole length of a datagram
	c.fill(1, Quote(c.Data))
}
