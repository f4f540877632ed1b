package sockets

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sizeEpollEvent is that of struct epoll_event { uint32_t events; epoll_data_t data; },
// which amd64 packs (epoll_ctl(2)).
const sizeEpollEvent = int(unsafe.Sizeof(unix.EpollEvent{}))

// eventIn is the event of epoll_ctl(2). The kernel does not look at that of
// EPOLL_CTL_DEL, nor does strace(1).
func eventIn(d *decoder, i int) string {
	b, ok := d.fetch(d.registers[i], sizeEpollEvent)
	if !ok || int32(d.registers[1]) == unix.EPOLL_CTL_DEL {
		d.written(i, "&event", "&event")
		if d.registers[i] == 0 {
			d.written(i, "NULL", "nil")
		}
		return d.address(i)
	}
	events, data := eventParts(b)
	names := epollEventNames(events)
	fd, pad := int32(data), int32(data>>32)
	c := fmt.Sprintf("&(struct epoll_event){.events = %s, .data.fd = %d}", cNames(names), fd)
	golang := fmt.Sprintf("&unix.EpollEvent{Events: %s, Fd: %d}", goNames(names), fd)
	if pad != 0 {
		c = fmt.Sprintf("&(struct epoll_event){.events = %s, .data.u64 = %d}", cNames(names), data)
		golang = fmt.Sprintf("&unix.EpollEvent{Events: %s, Fd: %d, Pad: %d}", goNames(names), fd, pad)
	}
	d.written(i, c, golang)
	return eventText(b)
}

// eventsOut are the events that the kernel writes for epoll_wait(2).
func eventsOut(d *decoder, i int) string {
	if !d.returned {
		return d.changes("")
	}
	n := uint64(d.call.Ret)
	return d.array(d.registers[i], n, uint64(sizeEpollEvent), eventText)
}

// eventText shows the data as each member of the union that it may be: nothing tells
// which of them the program means.
func eventText(b []byte) string {
	events, data := eventParts(b)
	return fmt.Sprintf("{events=%s, data={u32=%d, u64=%d}}", epollEventNames(events), uint32(data), data)
}

func eventParts(b []byte) (events uint32, data uint64) {
	return binary.NativeEndian.Uint32(b), binary.NativeEndian.Uint64(b[sizeEpollEvent-8:])
}

func epollEventNames(events uint32) string { return several(epollEvents, int(events), "EPOLL") }

// epollStatement is epoll_pwait(2) as source: with a mask it has no function in Go.
func epollStatement(d *decoder) (c, golang string) {
	c = "int n = epoll_pwait({epfd}, events, {maxevents}, {timeout}, {sigmask});"
	if d.registers[4] == 0 {
		golang = "n, err := unix.EpollWait({epfd}, events[:{maxevents}], {timeout})"
	}
	return c, golang
}
