package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Bind wraps bind(2).
func (t *Tracer) Bind(fd int, addr Sockaddr) Call {
	return t.withAddr("bind", unix.SYS_BIND, fd, addr)
}

// Connect wraps connect(2). On a blocking socket it returns when the handshake
// is done; on a non-blocking one at once, with EINPROGRESS.
func (t *Tracer) Connect(fd int, addr Sockaddr) Call {
	return t.withAddr("connect", unix.SYS_CONNECT, fd, addr)
}

// withAddr makes a call of the shape (sockfd, addr, addrlen), where the address
// goes in.
func (t *Tracer) withAddr(name string, number uintptr, fd int, addr Sockaddr) Call {
	c := Call{
		Name: name,
		FD:   fd,
		Addr: addr,
		Args: []Arg{inInt("sockfd", fd), in("addr", addr.strace()), inInt("addrlen", len(addr))},
		C:    fmt.Sprintf("%s(%d, (struct sockaddr *)&addr, sizeof addr);", name, fd),
		Go:   fmt.Sprintf("err := unix.%s%s(%d, %s)", string(name[0]-'a'+'A'), name[1:], fd, addr.goLiteral()),
	}
	if addr.Family() == unix.AF_UNIX || len(addr) < sizeInet {
		c.C = fmt.Sprintf("%s(%d, (struct sockaddr *)&addr, %d);", name, fd, len(addr))
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		_, _, errno := unix.Syscall(number, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(addr))), uintptr(len(addr)))
		return 0, errno
	}, nil)
}
