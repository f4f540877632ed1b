package wire

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxFrame is more than any interface of a host sends at once.
const maxFrame = 1 << 16

// buffers are what receive reads into, under the lock of its cable.
type buffers struct {
	frame   [maxFrame]byte
	control [64]byte
}

// receive takes one frame out of a packet socket, with the time at which the kernel got
// it from the interface (SO_TIMESTAMPNS, socket(7)).
func (b *buffers) receive(socket int) (frame []byte, at time.Time, ok bool) {
	for {
		n, m, _, _, err := unix.RecvmsgBuffers(socket, [][]byte{b.frame[:]}, b.control[:], unix.MSG_DONTWAIT)
		switch err {
		case nil:
			return append([]byte(nil), b.frame[:n]...), stamp(b.control[:m]), true
		case unix.EINTR, unix.ENETDOWN: // the second is told once, when the interface goes down
			continue
		}
		return nil, time.Time{}, false
	}
}

// stamp returns the struct timespec of a control message, or the time of now.
func stamp(control []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(control)
	if err == nil {
		for _, m := range messages {
			if m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
				ts := *(*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
				return time.Unix(ts.Unix())
			}
		}
	}
	return time.Now()
}

// send writes a frame.
func send(socket int, frame []byte) error {
	for {
		if _, err := unix.Write(socket, frame); err != unix.EINTR {
			return err
		}
	}
}
