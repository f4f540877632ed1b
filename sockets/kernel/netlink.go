package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Our own netlink, these few lines, and no library: a library hands its
// descriptor to the poller of the Go runtime, which opens an epoll and an
// eventfd in the process that we may be observing.

// netlinkSocket opens a netlink socket (netlink(7)) in the namespace of the calling
// thread, by its name in netlinkFamilies.
func netlinkSocket(name string) (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, netlinkFamilies[name])
	if err != nil {
		return -1, fmt.Errorf("%s: socket: %w", name, err)
	}
	return fd, nil
}

// dump asks a netlink family of the namespace for all that it has of a kind, by its name in
// netlinkFamilies, and calls each with the payload of every message of the answer.
// The payload is only valid during the call.
func (n Net) dump(name string, kind uint16, request []byte, each func(payload []byte) error) error {
	return n.request(name, kind, unix.NLM_F_DUMP, request, each)
}

// one is dump for a request with one answer, behind which the kernel says that it was all.
func (n Net) one(name string, kind uint16, request []byte, each func(payload []byte) error) error {
	return n.request(name, kind, unix.NLM_F_ACK, request, each)
}

func (n Net) request(name string, kind, flags uint16, request []byte, each func(payload []byte) error) error {
	if n.held == nil {
		fd, err := netlinkSocket(name)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return converse(fd, 1, kind, flags, request, each)
	}
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	fd, err := n.held.fd(name)
	if err != nil {
		return err
	}
	n.held.seq++
	return converse(fd, n.held.seq, kind, flags, request, each)
}

// converse sends a request and reads until the kernel says that the answer is
// complete, also after each has failed: the next request on this socket gets no
// answer before (EBUSY).
func converse(fd int, seq uint32, kind, flags uint16, request []byte, each func(payload []byte) error) error {
	if err := send(fd, netlinkRequest(seq, kind, flags, request)); err != nil {
		return fmt.Errorf("sendto: %w", err)
	}
	var failed error
	take := func(payload []byte) error {
		if failed == nil {
			failed = each(payload)
		}
		return nil
	}
	// The kernel fills at most 32 KiB at a time (netlink_dump).
	buf := make([]byte, 64<<10)
	for {
		n, err := receive(fd, buf)
		if err != nil {
			return fmt.Errorf("recvmsg: %w", err)
		}
		done, err := parseNetlink(buf[:n], seq, take)
		if err != nil {
			return err
		}
		if done {
			return failed
		}
	}
}

func send(fd int, message []byte) error {
	for {
		err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if err != unix.EINTR {
			return err
		}
	}
}

// receive returns one datagram from the kernel, which has port 0; what another
// process sends is passed over (netlink(7)).
func receive(fd int, buf []byte) (int, error) {
	for {
		n, _, flags, from, err := unix.Recvmsg(fd, buf, nil, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, err
		}
		if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 {
			continue
		}
		if flags&unix.MSG_TRUNC != 0 {
			return 0, fmt.Errorf("an answer longer than %d bytes", len(buf))
		}
		return n, nil
	}
}

// netlinkRequest puts the header before a request.
//
//	struct nlmsghdr {
//		__u32 nlmsg_len;   // with the header
//		__u16 nlmsg_type;
//		__u16 nlmsg_flags;
//		__u32 nlmsg_seq;
//		__u32 nlmsg_pid;
//	};
func netlinkRequest(seq uint32, kind, flags uint16, request []byte) []byte {
	order := binary.NativeEndian
	b := order.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(request)))
	b = order.AppendUint16(b, kind)
	b = order.AppendUint16(b, unix.NLM_F_REQUEST|flags)
	b = order.AppendUint32(b, seq)
	b = order.AppendUint32(b, 0)
	return append(b, request...)
}

// nlmsgMinType is NLMSG_MIN_TYPE of include/uapi/linux/netlink.h: below it are
// messages of netlink itself.
const nlmsgMinType = 0x10

var errShort = errors.New("netlink: message cut short")

// parseNetlink walks through the messages of one datagram. done is true when
// NLMSG_DONE was among them, or an NLMSG_ERROR that says that there was none. A message with
// another sequence number belongs to no request of ours.
func parseNetlink(b []byte, seq uint32, each func(payload []byte) error) (done bool, err error) {
	order := binary.NativeEndian
	for len(b) > 0 {
		if len(b) < unix.SizeofNlMsghdr {
			return false, errShort
		}
		length, kind := order.Uint32(b), order.Uint16(b[4:])
		if length < unix.SizeofNlMsghdr || uint64(length) > uint64(len(b)) {
			return false, errShort
		}
		payload := b[unix.SizeofNlMsghdr:length]
		ours := order.Uint32(b[8:]) == seq
		b = b[min(align4(int(length)), len(b)):]
		if !ours {
			continue
		}
		switch kind {
		case unix.NLMSG_DONE:
			// May carry the result of the dump; 0 or nothing is a good one.
			if len(payload) >= 4 {
				return true, netlinkErrno(payload)
			}
			return true, nil
		case unix.NLMSG_ERROR:
			if len(payload) < 4 {
				return false, errShort
			}
			if err := netlinkErrno(payload); err != nil {
				return false, err
			}
			done = true
		default:
			if kind < nlmsgMinType {
				continue
			}
			if err := each(payload); err != nil {
				return false, err
			}
		}
	}
	return done, nil
}

// netlinkErrno reads the negative errno in the first four bytes.
func netlinkErrno(payload []byte) error {
	if code := int32(binary.NativeEndian.Uint32(payload)); code < 0 {
		return unix.Errno(-code)
	}
	return nil
}

// parseAttrs walks through attributes. A bad length is an error: what comes
// after it would be read at the wrong place.
//
//	struct nlattr {
//		__u16 nla_len;   // with these four bytes, without the padding to 4
//		__u16 nla_type;
//	};
func parseAttrs(b []byte, each func(kind uint16, value []byte)) error {
	const header = 4
	for len(b) > 0 {
		if len(b) < header {
			return errShort
		}
		length := int(binary.NativeEndian.Uint16(b))
		if length < header || length > len(b) {
			return errShort
		}
		each(binary.NativeEndian.Uint16(b[2:]), b[header:length])
		b = b[min(align4(length), len(b)):]
	}
	return nil
}

// align4 rounds up to a multiple of four, NLMSG_ALIGN and NLA_ALIGN.
func align4(n int) int { return (n + 3) &^ 3 }
