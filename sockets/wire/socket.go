package wire

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxFrame is more than any interface of a host sends at once: a packet has a length of 16
// bits, and a link's own header in front of it.
const maxFrame = 1<<16 + ethernetHeader

// buffers are what receive reads into, under the lock of its cable.
type buffers struct {
	vnet    vnetHeader
	frame   [maxFrame]byte
	control [64]byte
}

// receive takes one frame out of a packet socket, with the time at which the kernel got
// it from the interface (SO_TIMESTAMPNS, socket(7)), and what it says in front of it, which
// stays in vnet until the next one.
func (b *buffers) receive(socket int) (frame []byte, at time.Time, ok bool) {
	for {
		n, m, _, _, err := unix.RecvmsgBuffers(socket, [][]byte{b.vnet[:], b.frame[:]}, b.control[:], unix.MSG_DONTWAIT)
		switch err {
		case nil:
			n = max(n-len(b.vnet), 0)
			return append([]byte(nil), b.frame[:n]...), stamp(b.control[:m]), true
		case unix.EINTR, unix.ENETDOWN: // the second is told once, when the interface goes down
			continue
		case unix.EINVAL: // a frame of which a vnetHeader cannot say what is left to the device; it is gone
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

// send writes a frame, with what is left to the device.
func send(socket int, vnet *vnetHeader, frame []byte) error {
	for {
		if _, err := unix.SendmsgBuffers(socket, [][]byte{vnet[:], frame}, nil, nil, 0); err != unix.EINTR {
			return err
		}
	}
}
