package wire

// protocols are what an IP packet may carry, by IANA's numbers; IPv6's own headers too.
var protocols = map[int]string{
	0: "hop-by-hop options", 1: "ICMP", 2: "IGMP", 4: "IPv4", 6: "TCP", 17: "UDP", 41: "IPv6", 43: "routing header", 44: "fragment header", 47: "GRE",
	50: "ESP", 51: "AH", 58: "ICMPv6", 59: "no next header", 60: "destination options", 89: "OSPF", 132: "SCTP", 136: "UDP-Lite", 255: "reserved",
}

// ecn are the two bits with which a router says that its queue is long (RFC 3168
// section 5).
var ecn = map[int]string{0: "not ECN-capable", 1: "ECT(1)", 2: "ECT(0)", 3: "congestion experienced"}

func (d *dissector) ipv4() protocol {
	d.begin("IPv4", "RFC 791 section 3.1")
	d.network = network{}
	start := d.at()
	if version := d.number("version", 4); version != 4 && !d.over {
		d.wrong("IPv4: the version is %d", version)
		d.hex("the rest of the byte", 4)
		return d.unknown("not IPv4")
	}
	header := 4 * d.number("IHL", 4)
	d.means("%d bytes of header", header)
	d.number("DSCP", 6)
	d.stands(ecn, d.number("ECN", 2))
	d.total(start, header, d.number("total length", 16))
	d.hex("identification", 16)
	d.number("reserved flag", 1)
	d.number("don't fragment", 1)
	more := d.number("more fragments", 1) == 1
	offset := 8 * d.number("fragment offset", 13)
	if offset > 0 {
		d.means("%d bytes", offset)
	}
	d.number("time to live", 8)
	number := d.number("protocol", 8)
	d.stands(protocols, number)
	d.headerChecksum(start, header)
	d.network.src, d.network.dst = d.address("source address", 4), d.address("destination address", 4)
	if header < 20 {
		return d.unknown("not understood")
	}
	d.within(start+header-d.at(), d.ipv4Options)
	if d.over {
		return nil
	}
	d.says("IPv4 protocol %d, %d bytes", number, d.left())
	if d.fragment(offset, more) {
		return d.payload
	}
	return d.transport(number)
}

// total ends the layer where its total length says. A packet that the device is to cut
// into segments may be longer than the field can say, which is then 0 (the kernel's
// iph_set_totlen).
func (d *dissector) total(start, header, total int) {
	switch there := d.end - start; {
	case d.over:
	case header < 20:
		d.wrong("IPv4: an IHL of %d, and a header has at least 20 bytes", header/4)
	case total == 0 && there > 0xffff:
		d.means("left to the device")
	case total < header:
		d.wrong("IPv4: the total length is %d, and the header has %d bytes", total, header)
		d.end = start + min(header, there)
	case total > there:
		d.wrong("IPv4: the total length is %d, and %d bytes are there", total, there)
		d.network.part = "not all bytes are there"
	default:
		d.end = start + total
	}
}

// fragment notes that a packet is one of several, and reports whether it is none that
// begins with a header. What is in the whole of them has its checksum over all.
func (d *dissector) fragment(offset int, more bool) (later bool) {
	if !more && offset == 0 {
		return false
	}
	d.network.part = "this is a fragment"
	if offset == 0 {
		d.first = !d.quoted
		return false
	}
	d.says("fragment: bytes %d to %d", offset, offset+d.left()-1)
	if !more {
		d.says("%s, the last", d.summary)
	}
	return true
}

// headerChecksum reads the checksum over the header alone.
func (d *dissector) headerChecksum(start, header int) {
	whole := d.end
	d.end = max(min(start+header, whole), min(d.at()+2, whole))
	part, quoted := d.network.part, d.quoted
	d.network.part, d.quoted = "", false
	if start+header > whole {
		d.network.part = "not all bytes are there"
	}
	n := len(d.sums)
	d.checksum("header checksum", start, 0)
	d.network.part, d.quoted, d.end = part, quoted, whole
	if quoted { // it stays as it was quoted
		d.sums = d.sums[:n]
	}
}

// within has a function read the next n bytes; what it leaves of them is named, and what
// comes after them is read whatever they were.
func (d *dissector) within(n int, read func()) {
	if d.over || n <= 0 {
		return
	}
	whole, there := d.end, n <= d.left()
	d.end = d.at() + min(n, d.left())
	read()
	if !d.over {
		d.bytes("padding", d.left())
	}
	if !there && !d.over {
		d.wrong("%s: the bytes end within the header", d.layer().Name)
	}
	d.over = !there
	d.end = whole
}

// ipv4OptionTypes are names of options, by their types (IANA).
var ipv4OptionTypes = map[int]string{
	0: "end of options list", 1: "no operation", 7: "record route", 68: "timestamp", 130: "security", 131: "loose source route", 136: "stream identifier",
	137: "strict source route", 148: "router alert",
}

func (d *dissector) ipv4Options() {
	d.options("option type", ipv4OptionTypes, func(_, n int) { d.bytes("option data", n) })
}

// options reads the options of a header of IPv4 or TCP, up to its end or to the one that
// ends them. All but the two that are a single byte have a length, and read takes the n
// bytes after it.
func (d *dissector) options(name string, kinds map[int]string, read func(kind, n int)) {
	for d.left() > 0 && !d.over {
		kind := d.number(name, 8)
		d.stands(kinds, kind)
		switch kind {
		case 0:
			return
		case 1:
			continue
		}
		if n, ok := d.optionLength(); ok {
			read(kind, n-2)
		}
	}
}

// optionLength reads the length of an option, whose kind comes before it and counts.
func (d *dissector) optionLength() (n int, ok bool) {
	n = d.number("option length", 8)
	if d.over {
		return 0, false
	}
	if n < 2 || n-2 > d.left() {
		d.wrong("%s: an option of %d bytes, where %d are left", d.layer().Name, n, d.left()+2)
		d.bytes("not an option", d.left())
		return 0, false
	}
	return n, true
}

// transport returns what reads the layer in an IP packet.
func (d *dissector) transport(number int) protocol {
	switch number {
	case 1:
		return d.icmp
	case 4:
		return d.ipv4
	case 6:
		return d.tcp
	case 17:
		return d.udp
	case 41:
		return d.ipv6
	case 58:
		return d.icmpv6
	}
	return d.payload
}
