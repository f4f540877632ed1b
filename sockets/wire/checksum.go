package wire

import "encoding/binary"

var be = binary.BigEndian

// sum adds bytes to a sum of numbers of 16 bits, as RFC 1071 does.
func sum(sum uint32, b []byte) uint32 {
	for len(b) >= 2 {
		sum += uint32(be.Uint16(b))
		sum = sum&0xffff + sum>>16
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum&0xffff + sum>>16
}

// folded is a sum in 16 bits: what is carried is added again.
func folded(sum uint32) uint16 {
	sum = sum&0xffff + sum>>16
	return uint16(sum + sum>>16)
}

// pseudo is the sum of what a transport checksum covers besides the transport's own
// bytes: the addresses, the protocol and the length (RFC 9293 section 3.1, RFC 8200
// section 8.1).
func pseudo(src, dst []byte, protocol, length int) uint32 {
	s := sum(sum(0, src), dst)
	s = sum(s, be.AppendUint32(nil, uint32(length)))
	return sum(s, []byte{0, byte(protocol)})
}

// A rightSum is a checksum that a frame should have at some byte.
type rightSum struct {
	at  int
	sum uint16
}

// checksum reads a checksum over the bytes from one on up to the end of the layer, with
// the sum of those that are not among them, and says whether it is right.
func (d *dissector) checksum(name string, from int, others uint32) {
	start := d.at()
	d.hex(name, 16)
	if d.over {
		return
	}
	stored := be.Uint16(d.frame[start:])
	covered := sum(sum(others, d.frame[from:start]), d.frame[start+2:d.end])
	right := ^folded(covered)
	switch {
	case d.quoted:
		d.means("not checked: the quotation is not the whole")
		return
	case d.network.part != "":
		d.means("not checked: %s", d.network.part)
		return
	}
	d.sums = append(d.sums, rightSum{start, right})
	switch {
	case stored == right || folded(covered+uint32(stored)) == 0xffff:
		d.means("right")
	case others != 0 && stored == folded(others):
		d.means("left to the device: only the sum of the addresses, the protocol and the length")
	default:
		d.means("wrong: 0x%04x would be right", right)
	}
}
