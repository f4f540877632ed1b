package wire

// etherTypes are the protocols that a frame may carry, by IEEE's numbers.
var etherTypes = map[int]string{
	0x0800: "IPv4", 0x0806: "ARP", 0x86dd: "IPv6", 0x8100: "802.1Q", 0x88a8: "802.1ad", 0x8863: "PPPoE discovery", 0x8864: "PPPoE session",
	0x8847: "MPLS", 0x88cc: "LLDP", 0x88e5: "MACsec", 0x9000: "loopback",
}

func (d *dissector) ethernet() protocol {
	d.begin("Ethernet", "IEEE 802.3 section 3.1.1")
	to := d.hardware("destination address")
	switch {
	case to == nil:
	case mac(to) == "ff:ff:ff:ff:ff:ff":
		d.means("everybody on this link")
	case to[0]&1 != 0:
		d.means("a group")
	}
	d.hardware("source address")
	return d.etherType()
}

// etherType reads what an Ethernet frame carries, or, where the number is too small for a
// type, how much (IEEE 802.3 section 3.2.6).
func (d *dissector) etherType() protocol {
	const least = 0x600
	if n := d.frame[min(d.at(), len(d.frame)):]; len(n) >= 2 && int(n[0])<<8|int(n[1]) < least {
		length := d.number("length", 16)
		d.says("IEEE 802.3 frame, %d bytes", length)
		if length > d.left() {
			d.wrong("Ethernet: its length is %d, and %d bytes are there", length, d.left())
			length = d.left()
		}
		d.end = d.at() + length
		return d.payload
	}
	typ := d.hex("type", 16)
	d.stands(etherTypes, typ)
	d.says("Ethernet type 0x%04x, %d bytes", typ, d.left())
	switch typ {
	case 0x0800:
		return d.ipv4
	case 0x0806:
		return d.arp
	case 0x86dd:
		return d.ipv6
	case 0x8100, 0x88a8:
		return d.vlan
	}
	return d.payload
}

func (d *dissector) vlan() protocol {
	d.begin("802.1Q", "IEEE 802.1Q section 9.6")
	d.number("priority code point", 3)
	d.number("drop eligible indicator", 1)
	d.number("VLAN identifier", 12)
	return d.etherType()
}
