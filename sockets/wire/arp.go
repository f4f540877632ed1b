package wire

import "bytes"

var arpOperations = map[int]string{1: "request", 2: "reply", 3: "RARP request", 4: "RARP reply", 8: "InARP request", 9: "InARP reply"}

// arp reads a message that asks for the hardware address of an IPv4 address, or tells it.
func (d *dissector) arp() protocol {
	d.begin("ARP", "RFC 826")
	hardware := d.number("hardware type", 16)
	if hardware == 1 {
		d.means("Ethernet")
	}
	protocol := d.hex("protocol type", 16)
	d.stands(etherTypes, protocol)
	long, short := d.number("hardware length", 8), d.number("protocol length", 8)
	operation := d.number("operation", 16)
	d.stands(arpOperations, operation)
	d.says("ARP operation %d", operation)
	if hardware != 1 || protocol != 0x0800 || long != 6 || short != 4 {
		d.bytes("sender hardware address", min(long, d.left()))
		d.bytes("sender protocol address", min(short, d.left()))
		d.bytes("target hardware address", min(long, d.left()))
		d.bytes("target protocol address", min(short, d.left()))
		return nil
	}
	from := d.hardware("sender hardware address")
	asks := d.address("sender protocol address", 4)
	d.hardware("target hardware address")
	if operation == 1 {
		d.means("not known yet")
	}
	about := d.address("target protocol address", 4)
	switch {
	case d.over:
	case operation == 1 && bytes.Equal(asks, about):
		d.says("ARP I am %s", address(asks))
	case operation == 1:
		d.says("ARP who has %s? tell %s", address(about), address(asks))
	case operation == 2:
		d.says("ARP %s is at %s", address(asks), mac(from))
	}
	return nil
}
