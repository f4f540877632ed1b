package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Invented is the network of senders that do not exist (TEST-NET-1, RFC 5737 section 3).
// The hosts have a route to it that leads over the cable.
var Invented = netip.MustParsePrefix("192.0.2.0/24")

// syn sends a host SYNs to one of its ports, each from another address that nobody has. From
// then on the cable answers for these addresses as far as a host has to know who has them
// (ARP); what is sent there is lost.
func (c *Cable) syn(o Order) ([]*packet, error) {
	to := slices.IndexFunc(c.ends[:], func(e End) bool { return e.Name == o.To })
	if to < 0 {
		return nil, fmt.Errorf("SYNs go to one of the hosts, not to %q", o.To)
	}
	if err := o.CheckForged(); err != nil {
		return nil, err
	}
	host, mac, ok := c.seen(to)
	if !ok {
		return nil, fmt.Errorf("the %s has sent nothing yet, so the address of its interface is not known. Have it answer something first: fd3 connect", o.To)
	}
	var all []*packet
	defer func() { c.had(all...) }()
	for range o.Count {
		c.forgedSYNs++
		n := c.forgedSYNs
		from := Invented.Addr().As4()
		from[3] = byte(1 + n%254)
		d := Draft{From: nobody, To: mac, Src: netip.AddrPortFrom(netip.AddrFrom4(from), uint16(1024+n%60000)), Dst: netip.AddrPortFrom(host, uint16(o.Port)),
			Seq: uint32(n) * 64_000, Flags: SYN, Window: 64240, MSS: 1460}
		forged, err := c.forge(1-to, d.Frame(), "from an address that nobody has")
		if err != nil {
			return all, err
		}
		all = append(all, forged...)
	}
	return all, nil
}

// nobody is the address of the interface of those that do not exist: a local one
// (RFC 9542 section 2.1).
var nobody = [6]byte{2, 0, 0, 0, 0, 9}

// seen returns the addresses of a host, as its ARP has said them last.
func (c *Cable) seen(end int) (addr netip.Addr, mac [6]byte, ok bool) {
	for _, p := range slices.Backward(c.record) {
		if h := read(p.Data); p.from == end && p.Fate != Forged && h.kind == unix.ETH_P_ARP && len(p.Data) >= ethernetHeader+28 {
			arp := p.Data[ethernetHeader:]
			return netip.AddrFrom4([4]byte(arp[14:])), [6]byte(arp[8:]), true
		}
	}
	return addr, mac, false
}

// forInvented reports whether a packet is for an address that nobody has, once there were
// SYNs from such, and does with it what becomes of it: a question who has it is answered,
// anything else is lost.
func (c *Cable) forInvented(p *packet) bool {
	if c.forgedSYNs == 0 || len(p.Data) < ethernetHeader+28 {
		return false
	}
	h, body := read(p.Data), p.Data[ethernetHeader:]
	switch {
	case h.kind == unix.ETH_P_ARP && binary.BigEndian.Uint16(body[6:]) == 1 && Invented.Contains(netip.AddrFrom4([4]byte(body[24:]))):
		p.Fate = Passed
		reply := slices.Concat(p.Data[6:12], nobody[:], p.Data[12:20], []byte{0, 2}, nobody[:], body[24:28], body[8:14], body[14:18])
		answer := &packet{Packet: Packet{Data: reply, Time: time.Now(), From: p.To, To: p.From, Note: "for an address that nobody has"}, from: 1 - p.from}
		c.pass(answer, Forged)
		c.note(answer)
		return true
	case h.ip != nil && Invented.Contains(netip.AddrFrom4([4]byte(h.ip[16:]))):
		p.lost()
		p.Note = "nobody has this address"
		return true
	}
	return false
}
