package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Send makes sendto(2) without an address, as send(2) in the C library does. The
// kernel may take fewer bytes than it is given (Call.Ret): a partial write is
// the caller's to go on with. Call.Data is what was taken.
func (t *Tracer) Send(fd int, data []byte, flags int) Call {
	c := sendto(fd, data, flags)
	c.Args = append(c.Args, in("dest_addr", "NULL"), in("addrlen", "0"))
	c.C = fmt.Sprintf("ssize_t n = send(%d, buf, %d, %s);", fd, len(data), cNames(several(messageFlags, flags, "MSG_")))
	c.Go = fmt.Sprintf("n, err := unix.SendmsgN(%d, buf, nil, nil, %s)", fd, goNames(several(messageFlags, flags, "MSG_")))
	return t.send(c, fd, data, flags, nil)
}

// SendTo wraps sendto(2): one datagram to an address.
func (t *Tracer) SendTo(fd int, data []byte, flags int, to Sockaddr) Call {
	c := sendto(fd, data, flags)
	c.Addr = to
	c.Args = append(c.Args, in("dest_addr", to.strace()), inInt("addrlen", len(to)))
	c.C = fmt.Sprintf("ssize_t n = sendto(%d, buf, %d, %s, (struct sockaddr *)&addr, sizeof addr);", fd, len(data), cNames(several(messageFlags, flags, "MSG_")))
	c.Go = fmt.Sprintf("err := unix.Sendto(%d, buf, %s, %s)", fd, goNames(several(messageFlags, flags, "MSG_")), to.goLiteral())
	return t.send(c, fd, data, flags, to)
}

func sendto(fd int, data []byte, flags int) Call {
	return Call{
		Name: "sendto",
		FD:   fd,
		Args: []Arg{inInt("sockfd", fd), in("buf", bytesIn(data)), inInt("len", len(data)), in("flags", several(messageFlags, flags, "MSG_"))},
	}
}

func (t *Tracer) send(c Call, fd int, data []byte, flags int, to Sockaddr) Call {
	return t.do(c, func() (uintptr, unix.Errno) {
		n, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)), uintptr(flags),
			uintptr(unsafe.Pointer(unsafe.SliceData(to))), uintptr(len(to)))
		return n, errno
	}, func(c *Call) {
		if c.Errno == 0 {
			c.Data = data[:c.Ret]
		}
	})
}
