package sockets

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// EpollCreate1 wraps epoll_create1(2): a descriptor that waits for others.
func (t *Tracer) EpollCreate1(flags int) Call {
	names := several(epollFlags, flags, "EPOLL_")
	c := Call{
		Name: "epoll_create1",
		FD:   -1,
		Args: []Arg{in("flags", names)},
		C:    fmt.Sprintf("int epfd = epoll_create1(%s);", cNames(names)),
		Go:   fmt.Sprintf("epfd, err := unix.EpollCreate1(%s)", goNames(names)),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		fd, _, errno := unix.Syscall(unix.SYS_EPOLL_CREATE1, uintptr(flags), 0, 0)
		return fd, errno
	}, nil)
}

// EpollCtl wraps epoll_ctl(2): epfd begins to watch fd, watches it for something
// else, or no more. The event may be nil for EPOLL_CTL_DEL. The kernel gives
// event's Fd and Pad back as they are; they need not be a descriptor.
func (t *Tracer) EpollCtl(epfd, op, fd int, event *unix.EpollEvent) Call {
	name := one(epollOps, op, "EPOLL_CTL_")
	shown, c, golang := "NULL", "NULL", "nil"
	switch {
	case event == nil:
	case op == unix.EPOLL_CTL_DEL: // the kernel does not look at it, nor does strace
		shown, c, golang = address(unsafe.Pointer(event)), "&event", "&event"
	default:
		names := epollEventNames(event.Events)
		shown = epollEventText(event)
		c = fmt.Sprintf("&(struct epoll_event){.events = %s, .data.fd = %d}", cNames(names), event.Fd)
		golang = fmt.Sprintf("&unix.EpollEvent{Events: %s, Fd: %d}", goNames(names), event.Fd)
		if event.Pad != 0 {
			c = fmt.Sprintf("&(struct epoll_event){.events = %s, .data.u64 = %d}", cNames(names), epollData(event))
			golang = fmt.Sprintf("&unix.EpollEvent{Events: %s, Fd: %d, Pad: %d}", goNames(names), event.Fd, event.Pad)
		}
	}
	call := Call{
		Name: "epoll_ctl",
		FD:   epfd,
		Args: []Arg{inInt("epfd", epfd), in("op", name), inInt("fd", fd), in("event", shown)},
		C:    fmt.Sprintf("epoll_ctl(%d, %s, %d, %s);", epfd, name, fd, c),
		Go:   fmt.Sprintf("err := unix.EpollCtl(%d, %s, %d, %s)", epfd, goNames(name), fd, golang),
	}
	return t.do(call, func() (uintptr, unix.Errno) {
		_, _, errno := unix.Syscall6(unix.SYS_EPOLL_CTL, uintptr(epfd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(event)), 0, 0)
		return 0, errno
	}, nil)
}

// EpollWait waits until a descriptor that epfd watches is ready, or for timeout
// milliseconds; -1 is for ever. Call.Ret of the events are filled. It makes
// epoll_pwait(2) without a signal mask, which does the same as epoll_wait(2) and
// is there on every machine; epoll_wait is not on arm64. After a signal it waits
// anew, for the whole timeout.
func (t *Tracer) EpollWait(epfd int, events []unix.EpollEvent, timeout int) Call {
	c := Call{
		Name: "epoll_pwait",
		FD:   epfd,
		Args: []Arg{inInt("epfd", epfd), out("events"), inInt("maxevents", len(events)), inInt("timeout", timeout), in("sigmask", "NULL"), inInt("sigsetsize", sigsetSize)},
		C:    fmt.Sprintf("int n = epoll_pwait(%d, events, %d, %d, NULL);", epfd, len(events), timeout),
		Go:   fmt.Sprintf("n, err := unix.EpollWait(%d, events[:%d], %d)", epfd, len(events), timeout),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(epfd),
			uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), uintptr(timeout), 0, sigsetSize)
		return n, errno
	}, func(c *Call) {
		if c.Errno != 0 {
			c.fill(1, address(unsafe.Pointer(unsafe.SliceData(events))))
			return
		}
		c.fill(1, epollEventsText(events[:c.Ret]))
	})
}

// sigsetSize is the size of a signal mask in the kernel: 64 signals, in bytes.
const sigsetSize = 8

// epollEventsText is a list of events; strace(1) cuts it where it cuts a string.
func epollEventsText(events []unix.EpollEvent) string {
	var parts []string
	for i := range events {
		if i == quoteLimit {
			parts = append(parts, "...")
			break
		}
		parts = append(parts, epollEventText(&events[i]))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// epollEventText shows the data as each member of the union that it may be:
// nothing tells which of them the program means.
func epollEventText(e *unix.EpollEvent) string {
	return fmt.Sprintf("{events=%s, data={u32=%d, u64=%d}}", epollEventNames(e.Events), uint32(e.Fd), epollData(e))
}

// epollData is what x/sys has split into Fd and Pad: epoll_data_t, 64 bits.
func epollData(e *unix.EpollEvent) uint64 {
	var b [8]byte
	binary.NativeEndian.PutUint32(b[:], uint32(e.Fd))
	binary.NativeEndian.PutUint32(b[4:], uint32(e.Pad))
	return binary.NativeEndian.Uint64(b[:])
}

func epollEventNames(events uint32) string { return several(epollEvents, int(events), "EPOLL") }
