package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sendmsg wraps sendmsg(2) in its simplest form, which does what send(2) does: one
// iovec, no address and no control data. The kernel may take fewer bytes than it
// is given (Call.Ret). Call.Data is what was taken.
func (t *Tracer) Sendmsg(fd int, data []byte, flags int) Call {
	names := several(messageFlags, flags, "MSG_")
	c := Call{
		Name: "sendmsg",
		FD:   fd,
		Args: []Arg{
			inInt("sockfd", fd),
			in("msg", fmt.Sprintf("{msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=%s, iov_len=%d}], msg_iovlen=1, msg_controllen=0, msg_flags=0}",
				bytesIn(data), len(data))),
			in("flags", names),
		},
		C: fmt.Sprintf("struct iovec iov = {buf, %d}; struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1}; ssize_t n = sendmsg(%d, &msg, %s);",
			len(data), fd, cNames(names)),
		Go: fmt.Sprintf("n, err := unix.SendmsgN(%d, buf[:%d], nil, nil, %s)", fd, len(data), goNames(names)),
	}
	iov := unix.Iovec{Base: unsafe.SliceData(data)}
	iov.SetLen(len(data))
	msg := unix.Msghdr{Iov: &iov}
	msg.SetIovlen(1)
	return t.do(c, func() (uintptr, unix.Errno) {
		n, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), uintptr(flags))
		return n, errno
	}, func(c *Call) {
		if c.Errno == 0 {
			c.Data = data[:c.Ret]
		}
	})
}
