package wire

// icmpv6Types are ICMPv6's messages (RFC 4443, RFC 4861, RFC 9777, and IANA).
var icmpv6Types = map[int]string{
	1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem", 128: "echo request", 129: "echo reply",
	130: "multicast listener query", 131: "multicast listener report", 132: "multicast listener done", 133: "router solicitation",
	134: "router advertisement", 135: "neighbor solicitation", 136: "neighbor advertisement", 137: "redirect", 143: "multicast listener report, version 2",
}

var icmpv6Codes = map[int]map[int]string{
	1: {0: "no route", 1: "communication prohibited", 2: "beyond the scope of the source address", 3: "address unreachable", 4: "port unreachable"},
	3: {0: "hop limit exceeded in transit", 1: "fragment reassembly time exceeded"},
	4: {0: "erroneous header field", 1: "unrecognized next header", 2: "unrecognized IPv6 option"},
}

func (d *dissector) icmpv6() protocol {
	d.begin("ICMPv6", "RFC 4443 section 2.1")
	sum := pseudo(d.network.src, d.network.dst, 58, d.end-d.at())
	typ, _, words := d.message("ICMPv6", icmpv6Types, icmpv6Codes, sum)
	if words == "" {
		return d.unknown("the rest")
	}
	switch typ {
	case 1, 3:
		d.number("unused", 32)
		return d.quotation(d.ipv6)
	case 2:
		d.says("%s, MTU %d", d.summary, d.number("MTU", 32))
		return d.quotation(d.ipv6)
	case 4:
		d.number("pointer", 32)
		return d.quotation(d.ipv6)
	case 128, 129:
		d.echo("ICMPv6", words)
		return d.payload
	case 133, 134, 135, 136:
		d.neighbor(typ)
		return nil
	}
	return d.unknown("message")
}

// neighbor reads the messages by which hosts on a link find each other and their routers
// (RFC 4861 section 4).
func (d *dissector) neighbor(typ int) {
	switch typ {
	case 133:
		d.number("reserved", 32)
	case 134:
		d.number("cur hop limit", 8)
		d.number("managed address configuration", 1)
		d.number("other configuration", 1)
		d.number("reserved", 6)
		d.number("router lifetime", 16)
		d.number("reachable time", 32)
		d.number("retrans timer", 32)
	case 135:
		d.number("reserved", 32)
		if about := d.address("target address", 16); about != nil {
			d.says("ICMPv6 neighbor solicitation: who has %s?", address(about))
		}
	case 136:
		d.number("router flag", 1)
		d.number("solicited flag", 1)
		d.number("override flag", 1)
		d.number("reserved", 29)
		if about := d.address("target address", 16); about != nil {
			d.says("ICMPv6 neighbor advertisement: %s is here", address(about))
		}
	}
	d.neighborOptions()
}

var neighborOptionTypes = map[int]string{1: "source link-layer address", 2: "target link-layer address", 3: "prefix information", 4: "redirected header", 5: "MTU", 14: "nonce"}

// neighborOptions reads options whose length counts in units of 8 bytes, and counts all
// of them.
func (d *dissector) neighborOptions() {
	for d.left() > 0 && !d.over {
		kind := d.number("option type", 8)
		d.stands(neighborOptionTypes, kind)
		n := 8*d.number("option length", 8) - 2
		if d.over {
			return
		}
		d.means("%d bytes", n+2)
		switch {
		case n < 0 || n > d.left():
			d.wrong("ICMPv6: an option of %d bytes, where %d are left", n+2, d.left()+2)
			d.unknown("not an option")
		case (kind == 1 || kind == 2) && n == 6:
			d.hardware("link-layer address")
		default:
			d.bytes("option data", n)
		}
	}
}
