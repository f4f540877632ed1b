package wire

import "net/netip"

// Between returns the two ends that a packet speaks of: those that it goes from and to, or
// those of the packet that an ICMP message quotes. Where it names hosts alone, as ARP and a
// later fragment do, the ports are 0.
func (p *Packet) Between() (src, dst netip.AddrPort, ok bool) {
	var from, to netip.Addr
	for i := range p.Layers {
		switch l := &p.Layers[i]; l.Name {
		case "IPv4", "IPv6":
			from, to = l.address("source address"), l.address("destination address")
		case "ARP":
			from, to = l.address("sender protocol address"), l.address("target protocol address")
		case "ICMP", "ICMPv6":
			from, to = netip.Addr{}, netip.Addr{} // it is about no connection but the one that it quotes
		case "TCP", "UDP":
			if source, destination, told := l.ports(p.Data); told {
				src, dst = netip.AddrPortFrom(from, source), netip.AddrPortFrom(to, destination)
				return src, dst, from.IsValid() && to.IsValid()
			}
		}
	}
	return netip.AddrPortFrom(from, 0), netip.AddrPortFrom(to, 0), from.IsValid() && to.IsValid()
}

// ports are those of a TCP or UDP header, of which a quotation may have only the beginning.
func (l *Layer) ports(data []byte) (source, destination uint16, ok bool) {
	if l.End-l.Start < 4 {
		return 0, 0, false
	}
	return be.Uint16(data[l.Start:]), be.Uint16(data[l.Start+2:]), true
}
