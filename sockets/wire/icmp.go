package wire

// icmpTypes are ICMP's messages (RFC 792, and IANA).
var icmpTypes = map[int]string{
	0: "echo reply", 3: "destination unreachable", 4: "source quench", 5: "redirect", 8: "echo request", 9: "router advertisement",
	10: "router solicitation", 11: "time exceeded", 12: "parameter problem", 13: "timestamp", 14: "timestamp reply",
}

// icmpCodes are what the codes of a message say, by its type.
var icmpCodes = map[int]map[int]string{
	3: {0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable", 4: "fragmentation needed, and not allowed",
		5: "source route failed", 6: "network unknown", 7: "host unknown", 9: "network prohibited", 10: "host prohibited", 13: "communication prohibited"},
	5:  {0: "for the network", 1: "for the host"},
	11: {0: "time to live exceeded in transit", 1: "fragment reassembly time exceeded"},
	12: {0: "the pointer says where", 1: "a required option is missing", 2: "bad length"},
}

func (d *dissector) icmp() protocol {
	d.begin("ICMP", "RFC 792")
	typ, code, words := d.message("ICMP", icmpTypes, icmpCodes, 0)
	if words == "" {
		return d.unknown("the rest")
	}
	switch typ {
	case 0, 8:
		d.echo("ICMP", words)
		return d.payload
	case 13, 14:
		d.echo("ICMP", words)
		for _, name := range []string{"originate timestamp", "receive timestamp", "transmit timestamp"} {
			d.number(name, 32)
		}
		return d.payload
	case 3, 11, 12:
		return d.icmpError(typ, code)
	case 5:
		if gateway := d.address("gateway address", 4); gateway != nil {
			d.says("%s, take %s", d.summary, address(gateway))
		}
		return d.quotation(d.ipv4)
	case 4:
		d.number("unused", 32)
		return d.quotation(d.ipv4)
	}
	return d.unknown("message")
}

// message reads the head that the messages of ICMP and of ICMPv6 have alike, whose checksum
// begins with a sum. The words are what its type is called, or "" for one that is unknown.
func (d *dissector) message(name string, types map[int]string, codes map[int]map[int]string, sum uint32) (typ, code int, words string) {
	start := d.at()
	typ = d.number("type", 8)
	d.stands(types, typ)
	code = d.number("code", 8)
	d.stands(codes[typ], code)
	d.checksum("checksum", start, sum)
	words = types[typ]
	switch why := codes[typ][code]; {
	case words == "":
		d.says("%s type %d, code %d", name, typ, code)
	case why != "":
		d.says("%s %s: %s", name, words, why)
	default:
		d.says("%s %s", name, words)
	}
	return typ, code, words
}

// echo reads what tells one request from another.
func (d *dissector) echo(name, words string) {
	id := d.number("identifier", 16)
	number := d.number("sequence number", 16)
	d.says("%s %s, id %d, seq %d", name, words, id, number)
}

// icmpError reads the four bytes before a quotation; RFC 4884 and RFC 1191 gave some of
// those that were unused a meaning.
func (d *dissector) icmpError(typ, code int) protocol {
	if typ == 12 {
		d.number("pointer", 8)
	} else {
		d.number("unused", 8)
	}
	d.number("length", 8) // of the quotation in words of 4 bytes; 0: not told (RFC 4884 section 4)
	if typ == 3 && code == 4 {
		d.says("%s, next-hop MTU %d", d.summary, d.number("next-hop MTU", 16)) // RFC 1191 section 4
	} else {
		d.number("unused", 16)
	}
	return d.quotation(d.ipv4)
}

// quotation reads the packet that a message is about: its header, and 64 bits or more of
// what was in it.
func (d *dissector) quotation(of protocol) protocol {
	if d.left() == 0 {
		return nil
	}
	d.quoted = true
	return of
}
