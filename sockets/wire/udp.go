package wire

func (d *dissector) udp() protocol {
	d.begin("UDP", "RFC 768")
	start := d.at()
	from, to := d.number("source port", 16), d.number("destination port", 16)
	length := d.number("length", 16)
	switch there := d.end - start; {
	case d.over:
	case length == 0 && there > 0xffff: // left to the device, or a jumbogram
	case length < 8:
		d.wrong("UDP: the length is %d, and the header has 8 bytes", length)
	case length > there:
		if d.network.part == "" {
			d.wrong("UDP: the length is %d, and %d bytes are there", length, there)
			d.network.part = "not all bytes are there"
		}
	case length < there:
		d.end = start + length
	}
	d.udpChecksum(start)
	d.says("UDP port %d to %d, %d bytes", from, to, d.left())
	return d.payload
}

// udpChecksum reads a checksum that may be left out: then it is 0, which none of those
// that are computed is. In IPv6 it may not (RFC 8200 section 8.1).
func (d *dissector) udpChecksum(start int) {
	at := d.at()
	d.checksum("checksum", start, pseudo(d.network.src, d.network.dst, 17, d.end-start))
	if d.over || d.quoted || d.network.part != "" {
		return
	}
	right := &d.sums[len(d.sums)-1]
	if right.sum == 0 {
		right.sum = 0xffff
	}
	switch none := d.frame[at] == 0 && d.frame[at+1] == 0; {
	case none && len(d.network.src) == 4:
		d.means("not used")
		right.sum = 0
	case none:
		d.means("wrong: 0x%04x would be right, and IPv6 does without none", right.sum)
	}
}
