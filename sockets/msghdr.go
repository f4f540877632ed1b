package sockets

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// Sizes on a machine of 64 bits: of struct msghdr, of struct mmsghdr, which is one
// with the number of its bytes behind it, and of struct cmsghdr (recvmsg(2), cmsg(3)).
const (
	sizeMsghdr  = unix.SizeofMsghdr
	sizeMmsghdr = sizeMsghdr + 8
	sizeCmsghdr = unix.SizeofCmsghdr
)

// everything is the limit where all bytes of the buffers are shown.
const everything = 1<<64 - 1

// A message is a struct msghdr.
type message struct {
	name           uint64
	nameLength     int32
	iov, iovLength uint64
	control        uint64
	controlLength  uint64
	flags          uint32
}

func newMessage(b []byte) message {
	word := func(i int) uint64 { return binary.NativeEndian.Uint64(b[i:]) }
	return message{word(0), int32(binary.NativeEndian.Uint32(b[8:])), word(16), word(24), word(32), word(40), binary.NativeEndian.Uint32(b[48:])}
}

// messageIn is the struct msghdr of sendmsg(2).
func messageIn(d *decoder, i int) string {
	b, ok := d.fetch(d.registers[i], sizeMsghdr)
	if !ok {
		return d.address(i)
	}
	m := newMessage(b)
	d.spans, d.inward = d.buffers(m.iov, m.iovLength), true
	return d.message(m, m.nameLength, everything, true)
}

// messageOut is the struct msghdr of recvmsg(2).
func messageOut(d *decoder, i int) string {
	b, ok := d.peek(d.registers[i], sizeMsghdr)
	if !d.returned {
		if !ok {
			return d.address(i)
		}
		m := newMessage(b)
		d.saved[i] = int64(m.nameLength)
		d.spans = d.buffers(m.iov, m.iovLength)
		return d.changes("")
	}
	switch {
	case d.failed():
		return fmt.Sprintf("{msg_namelen=%d}", d.saved[i])
	case !ok:
		return d.address(i)
	}
	return d.message(newMessage(b), int32(d.saved[i]), uint64(d.call.Ret), true)
}

// message shows a struct msghdr whose name may have so many bytes, and the beginning
// of the bytes in its buffers. typed: its name is that of the call.
func (d *decoder) message(m message, room int32, moved uint64, typed bool) string {
	name, text := d.sockaddr(m.name, min(m.nameLength, room))
	if typed {
		d.call.Addr = name
	}
	length := fmt.Sprint("msg_namelen=", m.nameLength)
	if room != m.nameLength {
		length = fmt.Sprintf("msg_namelen=%d => %d", room, m.nameLength)
	}
	parts := []string{"msg_name=" + text, length,
		"msg_iov=" + d.iovec(m.iov, m.iovLength, moved, false),
		fmt.Sprint("msg_iovlen=", m.iovLength)}
	if m.controlLength > 0 {
		parts = append(parts, "msg_control="+d.control(m.control, m.controlLength))
	}
	return joined(append(parts, fmt.Sprint("msg_controllen=", m.controlLength),
		"msg_flags="+several(messageFlags, int(m.flags), "MSG_"))...)
}

// maxControl is what strace(1) shows of control data at most: net.core.optmem_max,
// 128 KiB since Linux 6.8 and 20 KiB before. More does not go in (ENOBUFS), and a
// kernel writes less.
const maxControl = 128 << 10

// control shows the control messages of n bytes.
func (d *decoder) control(p, n uint64) string {
	left := min(n, maxControl)
	b, ok := d.peek(p, int(left))
	if !ok || left < sizeCmsghdr {
		return address(p)
	}
	var parts []string
	for len(b) >= sizeCmsghdr {
		length := binary.NativeEndian.Uint64(b)
		here := min(length, uint64(len(b)))
		data := b[sizeCmsghdr:max(here, sizeCmsghdr)]
		parts = append(parts, controlMessage(length, int(int32(binary.NativeEndian.Uint32(b[8:]))), int(int32(binary.NativeEndian.Uint32(b[12:]))), data))
		if here < sizeCmsghdr {
			b = b[sizeCmsghdr:]
			break
		}
		next := (length + 7) &^ 7
		if next >= uint64(len(b)) || next < length {
			b = nil
			break
		}
		b = b[next:]
	}
	switch {
	case len(b) > 0:
		parts = append(parts, fmt.Sprintf("... /* %#x */", p+left-uint64(len(b))))
	case left < n:
		parts = append(parts, "...")
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// controlMessage shows one: cmsg(3).
func controlMessage(length uint64, level, kind int, data []byte) string {
	parts := []string{fmt.Sprint("cmsg_len=", length), "cmsg_level=" + one(levels, level, "SOL_")}
	shown := ""
	switch level {
	case unix.SOL_SOCKET:
		parts = append(parts, "cmsg_type="+one(controlTypes, kind, "SCM_"))
		shown = socketControl(kind, data)
	case unix.SOL_IP:
		parts = append(parts, "cmsg_type="+one(ipControlTypes, kind, "IP_"))
		shown = ipControl(kind, data)
	default:
		parts = append(parts, "cmsg_type="+hex(uint64(uint32(kind))))
	}
	if shown != "" {
		parts = append(parts, "cmsg_data="+shown)
	}
	return joined(parts...)
}

// socketControl shows what goes with the types of unix(7) and socket(7).
func socketControl(kind int, data []byte) string {
	switch {
	case kind == unix.SCM_RIGHTS && len(data) >= 4:
		return localArray(data, 4, func(b []byte) string { return fmt.Sprint(int32(binary.NativeEndian.Uint32(b))) })
	case kind == unix.SCM_CREDENTIALS && len(data) >= unix.SizeofUcred:
		n := func(i int) int32 { return int32(binary.NativeEndian.Uint32(data[i:])) }
		return fmt.Sprintf("{pid=%d, uid=%d, gid=%d}", n(0), n(4), n(8))
	case kind == scmSecurity && len(data) > 0:
		return cString(data)
	case len(data) == 0:
		return ""
	}
	size := 0
	switch kind {
	case unix.SO_TIMESTAMP, unix.SO_TIMESTAMP_NEW:
		if len(data) < sizeTimeval {
			return "???"
		}
		return timeText(data, "tv_usec")
	case unix.SO_TIMESTAMPNS, unix.SO_TIMESTAMPNS_NEW:
		size = sizeTimeval
	case unix.SO_TIMESTAMPING, unix.SO_TIMESTAMPING_NEW:
		size = 3 * sizeTimeval
	default:
		return ""
	}
	switch {
	case len(data) < size:
		return "???"
	case size == sizeTimeval:
		return timeText(data, "tv_nsec")
	}
	return localArray(data[:size], sizeTimeval, func(b []byte) string { return timeText(b, "tv_nsec") })
}

// scmSecurity is SCM_SECURITY of include/linux/socket.h.
const scmSecurity = 3

// ipControl shows what goes with the types of ip(7).
func ipControl(kind int, data []byte) string {
	u32 := func(i int) uint32 { return binary.NativeEndian.Uint32(data[i:]) }
	switch {
	case kind == unix.IP_PKTINFO && len(data) >= 12:
		return fmt.Sprintf("{ipi_ifindex=%d, ipi_spec_dst=inet_addr(%q), ipi_addr=inet_addr(%q)}", u32(0),
			netip.AddrFrom4([4]byte(data[4:])), netip.AddrFrom4([4]byte(data[8:])))
	case (kind == unix.IP_TTL || kind == unix.IP_CHECKSUM) && len(data) >= 4:
		return localArray(data, 4, func(b []byte) string { return fmt.Sprint(binary.NativeEndian.Uint32(b)) })
	case (kind == unix.IP_TOS || kind == unix.IP_RECVOPTS || kind == unix.IP_RETOPTS) && len(data) >= 1:
		return localArray(data, 1, func(b []byte) string { return hex(uint64(b[0])) })
	case kind == unix.IP_RECVERR && len(data) >= 32:
		return fmt.Sprintf("{ee_errno=%d, ee_origin=%d, ee_type=%d, ee_code=%d, ee_info=%d, ee_data=%d, offender=%s}", u32(0),
			data[4], data[5], data[6], u32(8), u32(12), Sockaddr(data[16:32]).strace())
	case kind == ipOrigDstAddr && len(data) >= sizeInet:
		return Sockaddr(data[:min(len(data), sizeStorage)]).strace()
	case kind == scmSecurity && len(data) > 0:
		return cString(data)
	}
	return ""
}

// ipOrigDstAddr is IP_ORIGDSTADDR of ip(7).
const ipOrigDstAddr = 20

// localArray shows elements that have been read already.
func localArray(data []byte, size int, show func([]byte) string) string {
	var parts []string
	for ; len(data) >= size; data = data[size:] {
		if len(parts) == QuoteLimit {
			parts = append(parts, "...")
			break
		}
		parts = append(parts, show(data[:size]))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// messagesSent are the structs mmsghdr of sendmmsg(2), of which strace(1) shows all,
// also if the call fails, and how much went of each of those that were sent.
func messagesSent(d *decoder, i int) string {
	if !d.returned {
		return d.changes("")
	}
	d.lenient = true
	defer func() { d.lenient = false }()
	return d.messages(d.registers[i], uint64(uint32(d.registers[2])), uint64(max(d.call.Ret, 0)), false)
}

// messagesReceived are the structs mmsghdr of recvmmsg(2).
func messagesReceived(d *decoder, i int) string {
	if !d.returned {
		for k := range min(uint64(uint32(d.registers[2])), maxBuffers) {
			b, ok := d.peek(d.registers[i]+k*sizeMmsghdr, sizeMmsghdr)
			if !ok {
				break
			}
			d.lengths = append(d.lengths, newMessage(b).nameLength)
		}
		return d.changes("")
	}
	n := uint64(uint32(d.call.Ret)) // strace(1) takes the -1 of a failure for a number, too
	return d.messages(d.registers[i], n, n, true)
}

// messages shows n structs mmsghdr, of which so many have been moved.
func (d *decoder) messages(p, n, moved uint64, received bool) string {
	k := 0
	return d.array(p, n, sizeMmsghdr, func(b []byte) string {
		m := newMessage(b)
		room, limit := m.nameLength, uint64(everything)
		if received {
			limit = uint64(binary.NativeEndian.Uint32(b[sizeMsghdr:]))
			if k < len(d.lengths) {
				room = d.lengths[k]
			}
		}
		parts := []string{"msg_hdr=" + d.message(m, room, limit, false)}
		if uint64(k) < moved {
			parts = append(parts, fmt.Sprint("msg_len=", binary.NativeEndian.Uint32(b[sizeMsghdr:])))
		}
		k++
		return joined(parts...)
	})
}
