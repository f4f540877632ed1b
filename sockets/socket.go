package sockets

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Socket wraps socket(2). typ may carry SOCK_CLOEXEC and SOCK_NONBLOCK.
func (t *Tracer) Socket(domain, typ, protocol int) Call {
	c := Call{
		Name: "socket",
		FD:   -1,
		Args: []Arg{
			in("domain", DomainName(domain)),
			in("type", TypeName(typ)),
			in("protocol", ProtocolName(domain, protocol)),
		},
		C:  fmt.Sprintf("int fd = socket(%s, %s, %d);", DomainName(domain), cNames(TypeName(typ)), protocol),
		Go: fmt.Sprintf("fd, err := unix.Socket(%s, %s, %d)", goNames(DomainName(domain)), goNames(TypeName(typ)), protocol),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		fd, _, errno := unix.Syscall(unix.SYS_SOCKET, uintptr(domain), uintptr(typ), uintptr(protocol))
		return fd, errno
	}, nil)
}
