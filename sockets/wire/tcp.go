package wire

// Flags are the control bits of a TCP header.
type Flags uint8

// The control bits (RFC 9293 section 3.1).
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// flagNames are the control bits in the order of the header, from the highest.
var flagNames = [...]string{"CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"}

func (d *dissector) tcp() protocol {
	d.begin("TCP", "RFC 9293 section 3.1")
	start := d.at()
	d.number("source port", 16)
	d.number("destination port", 16)
	d.number("sequence number", 32)
	d.number("acknowledgment number", 32)
	header := 4 * d.number("data offset", 4)
	d.means("%d bytes of header", header)
	d.number("reserved", 4)
	for _, name := range flagNames {
		d.number(name, 1)
	}
	d.number("window", 16)
	d.checksum("checksum", start, pseudo(d.network.src, d.network.dst, 6, d.end-start))
	d.number("urgent pointer", 16)
	if header < 20 && !d.over {
		d.wrong("TCP: a data offset of %d, and a header has at least 20 bytes", header/4)
		return d.unknown("not understood")
	}
	d.within(start+header-d.at(), d.tcpOptions)
	if s, ok := segmentAt(d.frame[start:d.end], header); ok {
		d.says("%s", s.words())
	}
	return d.payload
}
