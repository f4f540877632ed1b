package wire

import (
	"errors"
	"net/netip"
	"slices"
)

// A Draft is a TCP segment in a frame, to be made.
type Draft struct {
	From, To [6]byte        // hardware addresses
	Src, Dst netip.AddrPort // both of IPv4 or both of IPv6
	Seq, Ack uint32
	Flags    Flags
	Window   uint16
	MSS      uint16 // 0: no such option
	Data     []byte
}

// Frame returns the frame of a Draft, with right checksums.
func (d Draft) Frame() []byte {
	tcp := be.AppendUint16(nil, d.Src.Port())
	tcp = be.AppendUint16(tcp, d.Dst.Port())
	tcp = be.AppendUint32(tcp, d.Seq)
	tcp = be.AppendUint32(tcp, d.Ack)
	header := byte(20)
	if d.MSS > 0 {
		header += 4
	}
	tcp = append(tcp, header/4<<4, byte(d.Flags))
	tcp = be.AppendUint16(tcp, d.Window)
	tcp = append(tcp, 0, 0, 0, 0)
	if d.MSS > 0 {
		tcp = be.AppendUint16(append(tcp, 2, 4), d.MSS)
	}
	return frame(d.From, d.To, d.Src.Addr(), d.Dst.Addr(), 6, append(tcp, d.Data...))
}

// frame puts a message of a protocol into an IP packet, and this into a frame.
func frame(from, to [6]byte, src, dst netip.Addr, protocol byte, message []byte) []byte {
	b := slices.Concat(to[:], from[:])
	const ttl = 64
	if src.Is4() {
		b = append(b, 0x08, 0x00, 0x45, 0)
		b = be.AppendUint16(b, uint16(20+len(message)))
		b = append(b, 0, 0, 0x40, 0, ttl, protocol, 0, 0) // not to be fragmented
	} else {
		b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0)
		b = be.AppendUint16(b, uint16(len(message)))
		b = append(b, protocol, ttl)
	}
	return Mended(slices.Concat(b, src.AsSlice(), dst.AsSlice(), message))
}

// draft is an empty segment that goes the way of a packet, or back.
func (p *Packet) draft(back bool) (d Draft, s Segment, err error) {
	s, ok := p.Segment()
	if !ok {
		return d, s, errors.New("it is no TCP segment")
	}
	d = Draft{From: [6]byte(p.Data[6:12]), To: [6]byte(p.Data[:6]), Src: s.Src, Dst: s.Dst}
	if back {
		d.From, d.To, d.Src, d.Dst = d.To, d.From, d.Dst, d.Src
	}
	return d, s, nil
}

// Reset returns the frame of an RST to the receiver of a TCP segment, in its sender's
// name. It has the sequence number that the receiver waits for if the segment is the next
// one, plus an offset: any other than 0 is a guess, which a receiver answers with a
// challenge ACK (RFC 5961 section 3.2).
func (p *Packet) Reset(offset int) ([]byte, error) {
	d, s, err := p.draft(false)
	if err != nil {
		return nil, err
	}
	d.Flags, d.Seq = RST, s.Seq+uint32(offset)
	if s.Flags&(SYN|ACK) == SYN|ACK { // what waits in SYN-SENT wants its SYN acknowledged
		d.Flags, d.Ack = RST|ACK, s.Ack
	}
	return d.Frame(), nil
}

// Refusal returns the frame of the RST with which a host answers a TCP segment that is for
// none of its connections (RFC 9293 section 3.10.7.1), with an offset to the number by which
// the receiver knows that it fits: any other than 0 is a guess. That number is the sequence
// number, but in SYN-SENT, where the receiver knows none yet of the other host: there it is
// the acknowledgement of its SYN (section 3.10.7.3).
func (p *Packet) Refusal(offset int) ([]byte, error) {
	d, s, err := p.draft(true)
	if err != nil {
		return nil, err
	}
	if s.Has(ACK) {
		d.Flags, d.Seq = RST, s.Ack+uint32(offset)
	} else {
		d.Flags, d.Ack = RST|ACK, s.Next()+uint32(offset)
	}
	return d.Frame(), nil
}

// FragmentationNeeded returns the frame in which a router tells the sender of an IPv4
// packet that it is larger than the next link takes, in bytes (RFC 1191 section 4).
func (p *Packet) FragmentationNeeded(router netip.Addr, mtu uint16) ([]byte, error) {
	ip := p.Layer("IPv4")
	sender := ip.address("source address")
	if !sender.Is4() || !router.Is4() {
		return nil, errors.New("it is no IPv4 packet")
	}
	message := be.AppendUint16([]byte{3, 4, 0, 0, 0, 0}, mtu)
	message = append(message, p.Data[ip.Start:min(ip.End+8, len(p.Data))]...)
	from, to := [6]byte(p.Data[:6]), [6]byte(p.Data[6:12])
	return frame(from, to, router, sender, 1, message), nil
}

// Flipped returns a copy of a frame with one other bit; 0 is the highest of the first
// byte. The checksums stay as they are, and so tell of it.
func Flipped(frame []byte, bit int) []byte {
	b := slices.Clone(frame)
	if bit >= 0 && bit < 8*len(b) {
		b[bit/8] ^= 0x80 >> (bit % 8)
	}
	return b
}

// Mended returns a copy of a frame with right checksums in every layer.
func Mended(frame []byte) []byte {
	b := slices.Clone(frame)
	for _, s := range dissect(b).sums {
		be.PutUint16(b[s.at:], s.sum)
	}
	return b
}
