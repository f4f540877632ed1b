package sockets

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Setsockopt wraps setsockopt(2) for an option whose value is an int: those of
// socket(7) at SOL_SOCKET, of tcp(7) at SOL_TCP and of ipv6(7) at SOL_IPV6.
func (t *Tracer) Setsockopt(fd, level, option, value int) Call {
	return t.setInt(fd, level, option, int32(value), "value")
}

// SetReuseAddr wraps setsockopt(2) with SO_REUSEADDR (socket(7)).
func (t *Tracer) SetReuseAddr(fd int, on bool) Call {
	value := int32(0)
	if on {
		value = 1
	}
	return t.setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, value, "on")
}

// setInt calls the int by the given name in the C text.
func (t *Tracer) setInt(fd, level, option int, value int32, variable string) Call {
	levelName, name := levelName(level), optionName(level, option)
	return t.setsockopt(level, option, unsafe.Pointer(&value), unsafe.Sizeof(value), fmt.Sprintf("[%d]", value), Call{
		FD: fd,
		C:  fmt.Sprintf("int %s = %d; setsockopt(%d, %s, %s, &%s, sizeof %s);", variable, value, fd, levelName, name, variable, variable),
		Go: fmt.Sprintf("err := unix.SetsockoptInt(%d, %s, %s, %d)", fd, goNames(levelName), goNames(name), value),
	})
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
	shown := Quote(unsafe.Slice((*byte)(unsafe.Pointer(&tv)), unsafe.Sizeof(tv)))
	return t.setsockopt(unix.SOL_SOCKET, option, unsafe.Pointer(&tv), unsafe.Sizeof(tv), shown, Call{
		FD:      fd,
		Timeout: d,
		C:       fmt.Sprintf("struct timeval tv = {%d, %d}; setsockopt(%d, SOL_SOCKET, %s, &tv, sizeof tv);", tv.Sec, tv.Usec, fd, name),
		Go:      fmt.Sprintf("err := unix.SetsockoptTimeval(%d, unix.SOL_SOCKET, unix.%s, &unix.Timeval{Sec: %d, Usec: %d})", fd, name, tv.Sec, tv.Usec),
	})
}

// setsockopt completes the call and makes it.
func (t *Tracer) setsockopt(level, option int, value unsafe.Pointer, size uintptr, shown string, c Call) Call {
	c.Name = "setsockopt"
	c.Args = []Arg{
		inInt("sockfd", c.FD),
		in("level", levelName(level)),
		in("optname", optionName(level, option)),
		in("optval", shown),
		inInt("optlen", int(size)),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(c.FD), uintptr(level), uintptr(option), uintptr(value), size, 0)
		return 0, errno
	}, nil)
}

func levelName(level int) string { return one(levels, level, "SOL_") }

func optionName(level, option int) string {
	switch level {
	case unix.SOL_SOCKET:
		return one(socketOptions, option, "SO_")
	case unix.SOL_TCP:
		return one(tcpOptions, option, "TCP_")
	case unix.SOL_IPV6:
		return one(ipv6Options, option, "IPV6_")
	}
	return fmt.Sprint(option)
}
