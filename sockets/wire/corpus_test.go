package wire

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// A sample is a frame that a test is about.
type sample struct {
	name  string
	frame []byte
}

var (
	clientMAC = [6]byte{2, 0, 0, 0, 0, 1}
	serverMAC = [6]byte{2, 0, 0, 0, 0, 2}
	client    = netip.MustParseAddrPort("10.0.0.1:43210")
	server    = netip.MustParseAddrPort("10.0.0.2:48080")
	client6   = netip.MustParseAddrPort("[fd00::1]:43210")
	server6   = netip.MustParseAddrPort("[fd00::2]:48080")
)

func draft() Draft {
	return Draft{From: clientMAC, To: serverMAC, Src: client, Dst: server, Seq: 2874466580, Flags: SYN, Window: 64240, MSS: 1460}
}

// with4 puts a message of a protocol into an IPv4 packet, with6 into one of IPv6.
func with4(protocol byte, message ...byte) []byte {
	return frame(clientMAC, serverMAC, client.Addr(), server.Addr(), protocol, message)
}

func with6(protocol byte, message ...byte) []byte {
	return frame(clientMAC, serverMAC, client6.Addr(), server6.Addr(), protocol, message)
}

// tcpWith is a SYN with these options, as many bytes as there are.
func tcpWith(options ...byte) []byte {
	options = append(options, make([]byte, -len(options)&3)...)
	b := draft().Frame()[:54]
	b[46] = byte(20+len(options)) / 4 << 4
	b = append(b, options...)
	b = append(b, "data"...)
	binary.BigEndian.PutUint16(b[16:], uint16(len(b)-14))
	return Mended(b)
}

func udp(from, to uint16, data string) []byte {
	b := binary.BigEndian.AppendUint16(nil, from)
	b = binary.BigEndian.AppendUint16(b, to)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(data)))
	return append(append(b, 0, 1), data...) // not 0, or it would stay 0
}

// edited is a frame with some bytes from a place on, and right checksums.
func edited(frame []byte, at int, b ...byte) []byte {
	frame = slices.Clone(frame)
	copy(frame[at:], b)
	return Mended(frame)
}

func arp(operation byte, sender, target netip.Addr, to [6]byte) []byte {
	b := slices.Concat(serverMAC[:], clientMAC[:], []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, operation})
	return slices.Concat(b, clientMAC[:], sender.AsSlice(), to[:], target.AsSlice())
}

// corpus has a frame of every kind, none of them malformed.
func corpus() []sample {
	data := draft()
	data.Flags, data.Ack, data.MSS, data.Data = PSH|ACK, 77, 0, []byte("GET / HTTP/1.1\r\n\r\n")
	six := data
	six.Src, six.Dst = client6, server6
	syn := Parse(draft().Frame())
	segment, segment6 := Parse(data.Frame()), Parse(six.Frame())
	needed, err := segment.FragmentationNeeded(netip.MustParseAddr("10.0.0.254"), 600)
	refusal, err2 := syn.Refusal(0)
	if err != nil || err2 != nil {
		panic("no segment")
	}
	u := with4(17, udp(43210, 48080, "hello")...)
	vlan := slices.Concat(data.Frame()[:12], []byte{0x81, 0, 0x60, 42}, data.Frame()[12:])
	first := edited(u, 20, 0x20, 0)
	later := edited(u, 20, 0x20, 185)
	last := edited(u, 20, 0, 185)
	record := slices.Concat(data.Frame()[:34], []byte{7, 7, 4, 0, 0, 0, 0, 0, 148, 4, 0, 0, 1, 1, 1, 0}, data.Frame()[34:])
	record[14] = 0x49
	binary.BigEndian.PutUint16(record[16:], uint16(len(record)-14))
	return []sample{
		{"SYN", draft().Frame()},
		{"data", data.Frame()},
		{"data over IPv6", six.Frame()},
		{"RST+ACK", refusal},
		{"every flag", tcpFlags(0xff)},
		{"no flag", tcpFlags(0)},
		{"urgent", edited(data.Frame(), 47, 0x38)},
		{"usual options", tcpWith(2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7)},
		{"SACK", tcpWith(1, 1, 5, 18, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0)},
		{"fast open", tcpWith(34, 10, 1, 2, 3, 4, 5, 6, 7, 8)},
		{"fast open request", tcpWith(34, 2)},
		{"fast open, experiment", tcpWith(254, 12, 0xf9, 0x89, 1, 2, 3, 4, 5, 6, 7, 8)},
		{"Multipath TCP", tcpWith(30, 12, 0, 0x81, 1, 2, 3, 4, 5, 6, 7, 8)},
		{"MD5 and user timeout", tcpWith(append([]byte{28, 4, 0x80, 5, 19, 18}, make([]byte, 16)...)...)},
		{"end of options", tcpWith(1, 0, 0, 0)},
		{"unknown option", tcpWith(200, 6, 1, 2, 3, 4)},
		{"wrong checksum", Flipped(data.Frame(), 8*60)},
		{"wrong header checksum", Flipped(data.Frame(), 8*22)},
		{"UDP", u},
		{"UDP over IPv6", with6(17, udp(43210, 48080, "hello")...)},
		{"UDP without a checksum", edited(u, 40, 0, 0)},
		{"first fragment", first},
		{"later fragment", later},
		{"last fragment", last},
		{"IPv4 options", Mended(record)},
		{"VLAN", vlan},
		{"padded", append(with4(17, udp(43210, 48080, "hi")...), make([]byte, 16)...)},
		{"ARP request", arp(1, client.Addr(), server.Addr(), [6]byte{})},
		{"ARP reply", arp(2, client.Addr(), server.Addr(), serverMAC)},
		{"gratuitous ARP", arp(1, client.Addr(), client.Addr(), [6]byte{})},
		{"echo request", with4(1, 8, 0, 0, 0, 0x12, 0x34, 0, 1, 'h', 'i')},
		{"echo reply", with4(1, 0, 0, 0, 0, 0x12, 0x34, 0, 1, 'h', 'i')},
		{"fragmentation needed", needed},
		{"port unreachable", with4(1, append([]byte{3, 3, 0, 0, 0, 0, 0, 0}, u[14:]...)...)},
		{"time exceeded", with4(1, append([]byte{11, 0, 0, 0, 0, 0, 0, 0}, data.Frame()[14:42]...)...)},
		{"redirect", with4(1, append([]byte{5, 1, 0, 0, 10, 0, 0, 254}, u[14:42]...)...)},
		{"echo request over IPv6", with6(58, 128, 0, 0, 0, 0x12, 0x34, 0, 1, 'h', 'i')},
		{"packet too big", with6(58, append([]byte{2, 0, 0, 0, 0, 0, 5, 0}, segment6.Data[14:]...)...)},
		{"port unreachable over IPv6", with6(58, append([]byte{1, 4, 0, 0, 0, 0, 0, 0}, segment6.Data[14:]...)...)},
		{"neighbor solicitation", with6(58, slices.Concat([]byte{135, 0, 0, 0, 0, 0, 0, 0}, server6.Addr().AsSlice(), []byte{1, 1}, clientMAC[:])...)},
		{"neighbor advertisement", with6(58, slices.Concat([]byte{136, 0, 0, 0, 0x60, 0, 0, 0}, server6.Addr().AsSlice(), []byte{2, 1}, serverMAC[:])...)},
		{"router solicitation", with6(58, slices.Concat([]byte{133, 0, 0, 0, 0, 0, 0, 0, 1, 1}, clientMAC[:])...)},
		{"router advertisement", with6(58, slices.Concat([]byte{134, 0, 0, 0, 64, 0x80, 0x07, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1}, clientMAC[:], []byte{5, 1, 0, 0, 0, 0, 5, 220})...)},
		{"hop-by-hop options", with6(0, slices.Concat([]byte{17, 0, 5, 2, 0, 0, 1, 0}, udp(43210, 48080, "hello"))...)},
		{"destination options", with6(60, slices.Concat([]byte{17, 0, 1, 4, 0, 0, 0, 0}, udp(43210, 48080, "hello"))...)},
		{"fragment of IPv6", with6(44, slices.Concat([]byte{17, 0, 0, 1, 1, 2, 3, 4}, udp(43210, 48080, "hello"))...)},
		{"later fragment of IPv6", with6(44, slices.Concat([]byte{17, 0, 5, 0xc9, 1, 2, 3, 4}, []byte("hello"))...)},
		{"unknown protocol", with4(253, 1, 2, 3, 4)},
		{"unknown type", slices.Concat(serverMAC[:], clientMAC[:], []byte{0x88, 0xb5, 1, 2, 3, 4})},
		{"IEEE 802.3 with a length", slices.Concat(serverMAC[:], clientMAC[:], []byte{0, 4, 0x42, 0x42, 3, 0}, make([]byte, 42))},
		{"IPv4 in IPv4", with4(4, u[14:]...)},
	}
}

func tcpFlags(f Flags) []byte {
	d := draft()
	d.Flags = f
	return d.Frame()
}

// damaged are frames of the corpus that are cut off, have wrong lengths, or other bits
// anywhere behind the addresses.
func damaged() []sample {
	r := rand.New(rand.NewPCG(11, 17))
	var all []sample
	for _, s := range corpus() {
		for n := range 4 {
			cut := s.frame[:14+r.IntN(len(s.frame)-14)]
			all = append(all, sample{s.name + ", cut off", cut})
			other := slices.Clone(s.frame)
			for range n + 1 {
				other[14+r.IntN(len(other)-14)] = byte(r.IntN(256))
			}
			all = append(all, sample{s.name + ", other bytes", other}, sample{s.name + ", other bytes, mended", Mended(other)})
		}
	}
	return all
}
