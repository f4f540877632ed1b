package path

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// Stamps are the times at which a packet of a socket passes a few places in the kernel,
// which every user may ask for: SO_TIMESTAMPING (timestamping.rst). The socket is another
// process's; to have its descriptor here takes the right to trace that (pidfd_getfd(2)).
type Stamps struct {
	sender, receiver int // descriptors; receiver is -1 where there is none
}

// A Mark is a place that the packet has passed, and when.
type Mark struct {
	Place string // scheduled, driver, received, acknowledged
	At    time.Time
}

// sending and receiving are what is asked for. The stamps of what is sent come on the error
// queue, without the packet.
const (
	sending   = unix.SOF_TIMESTAMPING_TX_SCHED | unix.SOF_TIMESTAMPING_TX_SOFTWARE | unix.SOF_TIMESTAMPING_TX_ACK | unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_OPT_TSONLY | unix.SOF_TIMESTAMPING_OPT_ID
	receiving = unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE
)

// Stamp begins to take the times of what a socket of a process sends and, where receiver is
// not 0, of what a socket of that process receives. Close has to follow.
func Stamp(pid, fd, receiver, receiverFD int) (*Stamps, error) {
	s := &Stamps{sender: -1, receiver: -1}
	var err error
	if s.sender, err = sockets.Borrow(pid, fd); err != nil {
		return nil, err
	}
	if err := unix.SetsockoptInt(s.sender, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, sending); err != nil {
		unix.Close(s.sender)
		return nil, fmt.Errorf("SO_TIMESTAMPING: %w", err)
	}
	if receiver != 0 {
		if s.receiver, err = sockets.Borrow(receiver, receiverFD); err == nil {
			unix.SetsockoptInt(s.receiver, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, receiving)
		}
	}
	return s, nil
}

// Marks returns the places that the first packet since Stamp has passed, as soon as it is
// acknowledged; without that, those until the time is over. They stand in the order of
// their times.
func (s *Stamps) Marks(limit time.Duration) []Mark {
	var all []Mark
	seen := make(map[string]bool)
	for end := time.Now().Add(limit); !seen["acknowledged"] && time.Now().Before(end); {
		poll := []unix.PollFd{{Fd: int32(s.sender)}} // POLLERR says that something is on the error queue
		unix.Poll(poll, int(time.Until(end).Milliseconds())+1)
		if poll[0].Revents == 0 {
			continue
		}
		found := false
		for {
			m, ok := s.mark(s.sender, unix.MSG_ERRQUEUE)
			if !ok {
				break
			}
			if found = true; m.Place != "" && !seen[m.Place] {
				seen[m.Place] = true
				all = append(all, m)
			}
		}
		if !found {
			break // it hangs up for another reason
		}
	}
	if s.receiver >= 0 {
		if m, ok := s.mark(s.receiver, unix.MSG_PEEK); ok && !m.At.IsZero() {
			m.Place = "received"
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b Mark) int { return a.At.Compare(b.At) })
	return all
}

// mark reads one stamp. It reports false where there is nothing to read.
func (s *Stamps) mark(fd, flags int) (Mark, bool) {
	oob := make([]byte, 512)
	_, n, _, _, err := unix.Recvmsg(fd, make([]byte, 1), oob, flags|unix.MSG_DONTWAIT)
	if err != nil {
		return Mark{}, false
	}
	return readMark(oob[:n]), true
}

// readMark reads the stamp of control messages: SCM_TIMESTAMPING has three struct timespec,
// of which the first is the software's, and a struct sock_extended_err says what it is of.
func readMark(oob []byte) (m Mark) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return Mark{}
	}
	for _, c := range messages {
		switch {
		case c.Header.Level == unix.SOL_SOCKET && c.Header.Type == unix.SCM_TIMESTAMPING && len(c.Data) >= 16:
			seconds, nanos := int64(binary.NativeEndian.Uint64(c.Data)), int64(binary.NativeEndian.Uint64(c.Data[8:]))
			if seconds != 0 {
				m.At = time.Unix(seconds, nanos)
			}
		case (c.Header.Level == unix.SOL_IP && c.Header.Type == unix.IP_RECVERR || c.Header.Level == unix.SOL_IPV6 && c.Header.Type == unix.IPV6_RECVERR) && len(c.Data) >= 16:
			// ee_errno, ee_origin, ee_type, ee_code, ee_pad, ee_info
			if c.Data[4] == unix.SO_EE_ORIGIN_TIMESTAMPING {
				m.Place = map[uint32]string{unix.SCM_TSTAMP_SND: "driver", unix.SCM_TSTAMP_SCHED: "scheduled", unix.SCM_TSTAMP_ACK: "acknowledged"}[binary.NativeEndian.Uint32(c.Data[8:])]
			}
		}
	}
	return m
}

// Close turns the stamps off, and lets go of the sockets.
func (s *Stamps) Close() {
	for _, fd := range []int{s.sender, s.receiver} {
		if fd >= 0 {
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, 0)
			unix.Close(fd)
		}
	}
}
