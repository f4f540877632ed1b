package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetLinger wraps setsockopt(2) with SO_LINGER (socket(7)): close(2) waits so many
// seconds for what is still unsent. With 0 it waits for nothing, throws the unsent
// bytes away and resets the connection.
func (t *Tracer) SetLinger(fd, seconds int) Call {
	l := unix.Linger{Onoff: 1, Linger: int32(seconds)}
	shown := fmt.Sprintf("{l_onoff=%d, l_linger=%d}", l.Onoff, l.Linger)
	return t.setsockopt(unix.SOL_SOCKET, unix.SO_LINGER, unsafe.Pointer(&l), unsafe.Sizeof(l), shown, Call{
		FD: fd,
		C:  fmt.Sprintf("struct linger l = {%d, %d}; setsockopt(%d, SOL_SOCKET, SO_LINGER, &l, sizeof l);", l.Onoff, l.Linger, fd),
		Go: fmt.Sprintf("err := unix.SetsockoptLinger(%d, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: %d, Linger: %d})", fd, l.Onoff, l.Linger),
	})
}
