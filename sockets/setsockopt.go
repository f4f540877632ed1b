package sockets

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetReuseAddr wraps setsockopt(2) with SO_REUSEADDR (socket(7)).
func (t *Tracer) SetReuseAddr(fd int, on bool) Call {
	value := int32(0)
	if on {
		value = 1
	}
	return t.setsockopt(fd, unix.SO_REUSEADDR, unsafe.Pointer(&value), unsafe.Sizeof(value),
		fmt.Sprintf("[%d]", value),
		fmt.Sprintf("int on = %d; setsockopt(%d, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);", value, fd),
		fmt.Sprintf("err := unix.SetsockoptInt(%d, unix.SOL_SOCKET, unix.SO_REUSEADDR, %d)", fd, value))
}

// SetTimeout wraps setsockopt(2) with SO_RCVTIMEO or SO_SNDTIMEO (socket(7)):
// how long accept4 and recvfrom, or connect and sendto, may block on fd. Zero
// is for ever.
func (t *Tracer) SetTimeout(fd, option int, d time.Duration) Call {
	tv := unix.NsecToTimeval(d.Nanoseconds())
	name := "SO_RCVTIMEO"
	if option == unix.SO_SNDTIMEO {
		name = "SO_SNDTIMEO"
	}
	return t.setsockopt(fd, option, unsafe.Pointer(&tv), unsafe.Sizeof(tv),
		quote(unsafe.Slice((*byte)(unsafe.Pointer(&tv)), unsafe.Sizeof(tv))),
		fmt.Sprintf("struct timeval tv = {%d, %d}; setsockopt(%d, SOL_SOCKET, %s, &tv, sizeof tv);", tv.Sec, tv.Usec, fd, name),
		fmt.Sprintf("err := unix.SetsockoptTimeval(%d, unix.SOL_SOCKET, unix.%s, &unix.Timeval{Sec: %d, Usec: %d})", fd, name, tv.Sec, tv.Usec))
}

func (t *Tracer) setsockopt(fd, option int, value unsafe.Pointer, size uintptr, shown, c, golang string) Call {
	call := Call{
		Name: "setsockopt",
		FD:   fd,
		Args: []Arg{
			inInt("sockfd", fd),
			in("level", "SOL_SOCKET"),
			in("optname", one(socketOptions, option, "SO_")),
			in("optval", shown),
			inInt("optlen", int(size)),
		},
		C:  c,
		Go: golang,
	}
	return t.do(call, func() (uintptr, unix.Errno) {
		_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, uintptr(option), uintptr(value), size, 0)
		return 0, errno
	}, nil)
}
