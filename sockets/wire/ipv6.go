package wire

func (d *dissector) ipv6() protocol {
	d.begin("IPv6", "RFC 8200 section 3")
	d.network = network{}
	if version := d.number("version", 4); version != 6 && !d.over {
		d.wrong("IPv6: the version is %d", version)
		d.hex("the rest of the byte", 4)
		return d.unknown("not IPv6")
	}
	d.number("DSCP", 6)
	d.stands(ecn, d.number("ECN", 2))
	d.hex("flow label", 20)
	length := d.number("payload length", 16)
	next := d.number("next header", 8)
	d.stands(protocols, next)
	d.number("hop limit", 8)
	d.network.src, d.network.dst = d.address("source address", 16), d.address("destination address", 16)
	switch there := d.left(); {
	case d.over:
	case length == 0: // a jumbogram, or left to the device (RFC 2675)
	case length > there:
		d.wrong("IPv6: the payload length is %d, and %d bytes are there", length, there)
		d.network.part = "not all bytes are there"
	default:
		d.end = d.at() + length
	}
	d.says("IPv6 next header %d, %d bytes", next, length)
	return d.extension(next)
}

// extension returns what reads a header of IPv6's own, or the layer in the packet.
func (d *dissector) extension(next int) protocol {
	switch next {
	case 0:
		return func() protocol { return d.optionsHeader("IPv6 hop-by-hop options", "RFC 8200 section 4.3") }
	case 43:
		return d.routingHeader
	case 44:
		return d.fragmentHeader
	case 51:
		return d.authenticationHeader
	case 59:
		return d.payload
	case 60:
		return func() protocol { return d.optionsHeader("IPv6 destination options", "RFC 8200 section 4.6") }
	}
	return d.transport(next)
}

// nextHeader reads the first two bytes of a header: what comes after it and how long it
// is besides its first 8 bytes, in units of some bytes.
func (d *dissector) nextHeader(unit int) (next, length int) {
	next = d.number("next header", 8)
	d.stands(protocols, next)
	length = unit * d.number("header extension length", 8)
	d.means("%d bytes of header", 8+length)
	return next, length
}

var ipv6OptionTypes = map[int]string{0: "Pad1", 1: "PadN", 5: "router alert", 0xc2: "jumbo payload"}

func (d *dissector) optionsHeader(name, spec string) protocol {
	d.begin(name, spec)
	next, length := d.nextHeader(8)
	d.within(6+length, func() {
		for d.left() > 0 && !d.over {
			kind := d.number("option type", 8)
			d.stands(ipv6OptionTypes, kind)
			if kind == 0 {
				continue
			}
			n := d.number("option data length", 8) // which does not count what comes before
			if n > d.left() {
				d.wrong("%s: an option with %d bytes of data, where %d are left", name, n, d.left())
				n = d.left()
			}
			d.bytes("option data", n)
		}
	})
	return d.extension(next)
}

// routingHeader reads where a packet has to pass. Its checksums are made with the last of
// these addresses.
func (d *dissector) routingHeader() protocol {
	d.begin("IPv6 routing header", "RFC 8200 section 4.4")
	next, length := d.nextHeader(8)
	d.number("routing type", 8)
	if d.number("segments left", 8) > 0 {
		d.network.part = "the packet is on its way through others"
	}
	d.within(4+length, func() { d.bytes("type-specific data", d.left()) })
	return d.extension(next)
}

func (d *dissector) fragmentHeader() protocol {
	d.begin("IPv6 fragment header", "RFC 8200 section 4.5")
	next := d.number("next header", 8)
	d.stands(protocols, next)
	d.number("reserved octet", 8)
	offset := 8 * d.number("fragment offset", 13)
	if offset > 0 {
		d.means("%d bytes", offset)
	}
	d.number("reserved bits", 2)
	more := d.number("more fragments", 1) == 1
	d.hex("identification", 32)
	if d.fragment(offset, more) {
		return d.payload
	}
	return d.extension(next)
}

// authenticationHeader reads a header whose length counts in other units than those of
// the others.
func (d *dissector) authenticationHeader() protocol {
	d.begin("AH", "RFC 4302 section 2")
	next := d.number("next header", 8)
	d.stands(protocols, next)
	length := 4 * (d.number("payload length", 8) + 2)
	d.means("%d bytes of header", length)
	d.number("reserved", 16)
	d.hex("security parameters index", 32)
	d.number("sequence number", 32)
	d.within(length-12, func() { d.bytes("integrity check value", d.left()) })
	return d.extension(next)
}
