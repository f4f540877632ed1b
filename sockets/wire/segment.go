package wire

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A Segment is what a program reckons with of a TCP segment.
type Segment struct {
	Src, Dst netip.AddrPort
	Seq, Ack uint32
	Flags    Flags
	Window   int         // as it is in the header, not scaled
	Length   int         // bytes of data
	SACK     [][2]uint32 // blocks: from the left edge up to the right one, which is not in it
	MSS      int         // 0: no such option
	Scale    int         // of the window; -1: no such option
}

// Segment returns the TCP segment that a packet carries, which is no later fragment.
func (p *Packet) Segment() (s Segment, ok bool) {
	at := -1
	var ip *Layer
	for i := range p.Layers {
		l := &p.Layers[i]
		switch {
		case l.Quoted:
		case l.Name == "IPv4", l.Name == "IPv6":
			ip = l
		case l.Name == "TCP":
			at = i
		}
	}
	if at < 0 || ip == nil {
		return s, false
	}
	tcp, end := p.Layers[at], p.Layers[at].End
	if at+1 < len(p.Layers) && p.Layers[at+1].Name != "padding" { // the payload, whatever it contains
		end = p.Layers[at+1].End
	}
	s, ok = segmentAt(p.Data[tcp.Start:end], tcp.End-tcp.Start)
	if !ok {
		return s, false
	}
	s.Src = netip.AddrPortFrom(ip.address("source address"), s.Src.Port())
	s.Dst = netip.AddrPortFrom(ip.address("destination address"), s.Dst.Port())
	return s, s.Src.IsValid() && s.Dst.IsValid()
}

// address is an address that a layer has.
func (l *Layer) address(name string) netip.Addr {
	if f := l.Field(name); f != nil {
		a, _ := netip.ParseAddr(f.Value)
		return a
	}
	return netip.Addr{}
}

// segmentAt reads a segment whose header has so many bytes. Its addresses are not in it.
func segmentAt(b []byte, header int) (s Segment, ok bool) {
	if len(b) < 20 || header < 20 || header > len(b) {
		return s, false
	}
	port := func(b []byte) netip.AddrPort { return netip.AddrPortFrom(netip.Addr{}, be.Uint16(b)) }
	s = Segment{Src: port(b), Dst: port(b[2:]), Seq: be.Uint32(b[4:]), Ack: be.Uint32(b[8:]), Flags: Flags(b[13]),
		Window: int(be.Uint16(b[14:])), Length: len(b) - header, Scale: -1}
	for o := b[20:header]; len(o) > 0 && o[0] != 0; {
		if o[0] == 1 {
			o = o[1:]
			continue
		}
		if len(o) < 2 || o[1] < 2 || int(o[1]) > len(o) {
			break
		}
		s.option(o[0], o[2:o[1]])
		o = o[o[1]:]
	}
	return s, true
}

func (s *Segment) option(kind byte, value []byte) {
	switch {
	case kind == 2 && len(value) == 2:
		s.MSS = int(be.Uint16(value))
	case kind == 3 && len(value) == 1:
		s.Scale = min(int(value[0]), 14)
	case kind == 5:
		for ; len(value) >= 8; value = value[8:] {
			s.SACK = append(s.SACK, [2]uint32{be.Uint32(value), be.Uint32(value[4:])})
		}
	}
}

// Has reports whether all of these control bits are set.
func (s Segment) Has(f Flags) bool { return s.Flags&f == f }

// Next is the sequence number after the segment: SYN and FIN take one each (RFC 9293
// section 3.4).
func (s Segment) Next() uint32 {
	next := s.Seq + uint32(s.Length)
	for _, f := range []Flags{SYN, FIN} {
		if s.Has(f) {
			next++
		}
	}
	return next
}

// String returns the control bits that are set, such as SYN+ACK.
func (f Flags) String() string {
	var all []string
	for _, of := range []struct {
		flag Flags
		name string
	}{{SYN, "SYN"}, {FIN, "FIN"}, {RST, "RST"}, {PSH, "PSH"}, {ACK, "ACK"}, {URG, "URG"}, {ECE, "ECE"}, {CWR, "CWR"}} {
		if f&of.flag != 0 {
			all = append(all, of.name)
		}
	}
	return strings.Join(all, "+")
}

// words say a segment in a line: what it is, the numbers that matter for that, and the
// options. PSH and the ACK that every segment with data has are left out.
func (s Segment) words() string {
	var out strings.Builder
	rest := s.Flags &^ (PSH | ECE | CWR)
	switch {
	case s.Length > 0:
		out.WriteString(counted(s.Length, "byte"))
		if rest &^= ACK; rest != 0 {
			out.WriteString(" + " + rest.String())
		}
		fmt.Fprintf(&out, " seq %d", s.Seq)
	case rest == 0:
		fmt.Fprintf(&out, "no flags seq %d", s.Seq)
	case rest == ACK:
		fmt.Fprintf(&out, "ACK ack %d", s.Ack)
	default:
		fmt.Fprintf(&out, "%v seq %d", rest, s.Seq)
		if s.Has(ACK) {
			fmt.Fprintf(&out, " ack %d", s.Ack)
		}
	}
	for _, block := range s.SACK {
		fmt.Fprintf(&out, ", SACK %d to %d", block[0], block[1]-1)
	}
	if s.MSS > 0 {
		fmt.Fprintf(&out, ", MSS %d", s.MSS)
	}
	if s.Window == 0 && !s.Has(RST) {
		out.WriteString(", window 0")
	}
	return out.String()
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}
