package sockets

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sockname returns the address that getsockname(2) gives for fd, or nil when it
// fails. It is a question about a socket, not a step of its life, so no Tracer
// hears of it.
func Sockname(fd int) Sockaddr { return name(unix.SYS_GETSOCKNAME, fd) }

// Peername returns the address that getpeername(2) gives for fd, or nil: a socket
// that has no peer answers ENOTCONN.
func Peername(fd int) Sockaddr { return name(unix.SYS_GETPEERNAME, fd) }

func name(number uintptr, fd int) Sockaddr {
	buf := make(Sockaddr, sizeStorage)
	size := uint32(len(buf))
	_, _, errno := unix.Syscall(number, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return nil
	}
	return buf[:min(int(size), len(buf))]
}
