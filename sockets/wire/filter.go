package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A filter says which frames lie on the cable; the others pass at once. The zero filter
// holds nothing.
type filter []string

// Usual is what a cable holds unless it is told otherwise: ARP passes, since a kernel
// waits for its answer for three seconds only, and then says that there is no such host.
const Usual = "ip"

// Filters are the words of a filter, each with what it holds.
var Filters = []struct{ Word, Holds string }{
	{"ip", "every IPv4 packet"},
	{"all", "every frame, ARP too"},
	{"tcp", "TCP"}, {"udp", "UDP"}, {"icmp", "ICMP"}, {"arp", "ARP"},
	{"syn", "segments with SYN"}, {"fin", "segments with FIN"}, {"rst", "segments with RST"},
	{"data", "segments and datagrams that carry bytes"},
	{"ack", "segments that only acknowledge"},
	{"client", "what the client sends"}, {"server", "what the server sends"},
}

// parseFilter reads words with commas between: what any of them holds is held.
func parseFilter(text string) (filter, error) {
	var f filter
	for word := range strings.SplitSeq(text, ",") {
		known := slices.ContainsFunc(Filters, func(x struct{ Word, Holds string }) bool { return x.Word == word })
		if !known {
			return nil, fmt.Errorf("nothing on the cable is called %q", word)
		}
		f = append(f, word)
	}
	return f, nil
}

func (f filter) String() string { return strings.Join(f, ",") }

// match reports whether a frame is to lie on the cable.
func (f filter) match(p *packet) bool {
	if len(f) == 0 {
		return false
	}
	h := read(p.Data)
	return slices.ContainsFunc(f, func(word string) bool { return word == p.From || h.is(word) })
}

// A header is what the cable itself has to know of a frame. Parse names all of it.
type header struct {
	kind       uint16 // the EtherType
	ip         []byte // the IPv4 packet, without what pads the frame; nil: it is none
	protocol   byte   // of IPv4
	transport  []byte // the rest of a packet that is no later fragment
	flags      byte   // of TCP
	payload    int    // bytes in TCP or UDP
	start, end int    // of the IPv4 packet in the frame
}

// The flags of TCP (RFC 9293 section 3.1).
const fin, syn, rst, ack = 0x01, 0x02, 0x04, 0x10

const ethernetHeader = 14

// read finds the headers of a frame, as far as there are any.
func read(frame []byte) (h header) {
	if len(frame) < ethernetHeader {
		return h
	}
	h.kind = binary.BigEndian.Uint16(frame[12:])
	ip := frame[ethernetHeader:]
	if h.kind != unix.ETH_P_IP || len(ip) < 20 || ip[0]>>4 != 4 {
		return h
	}
	length, head := int(binary.BigEndian.Uint16(ip[2:])), int(ip[0]&15)*4
	if head < 20 || length < head || length > len(ip) {
		return h
	}
	h.ip, h.protocol, h.start, h.end = ip[:length], ip[9], ethernetHeader, ethernetHeader+length
	if binary.BigEndian.Uint16(ip[6:])&0x1fff != 0 {
		return h
	}
	t := h.ip[head:]
	switch {
	case h.protocol == unix.IPPROTO_TCP && len(t) >= 20 && int(t[12]>>4)*4 <= len(t):
		h.transport, h.flags, h.payload = t, t[13], len(t)-int(t[12]>>4)*4
	case h.protocol == unix.IPPROTO_UDP && len(t) >= 8:
		h.transport, h.payload = t, len(t)-8
	}
	return h
}

func (h header) tcp() bool { return h.protocol == unix.IPPROTO_TCP && h.transport != nil }

// is reports whether a word of Filters means the frame.
func (h header) is(word string) bool {
	switch word {
	case "all":
		return true
	case "ip":
		return h.ip != nil
	case "arp":
		return h.kind == unix.ETH_P_ARP
	case "icmp":
		return h.protocol == unix.IPPROTO_ICMP
	case "udp":
		return h.protocol == unix.IPPROTO_UDP
	case "tcp":
		return h.protocol == unix.IPPROTO_TCP
	case "data":
		return h.payload > 0
	case "syn":
		return h.tcp() && h.flags&syn != 0
	case "fin":
		return h.tcp() && h.flags&fin != 0
	case "rst":
		return h.tcp() && h.flags&rst != 0
	case "ack":
		return h.tcp() && h.payload == 0 && h.flags&(syn|fin|rst|ack) == ack
	}
	return false
}

// turns reports whether a frame may change the state of a connection.
func (h header) turns() bool { return h.tcp() && h.flags&(syn|fin|rst) != 0 }

// addresses are those of a TCP segment.
func (h header) addresses() (src, dst netip.AddrPort, ok bool) {
	if !h.tcp() {
		return src, dst, false
	}
	at := func(address, port int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(h.ip[address:])), binary.BigEndian.Uint16(h.transport[port:]))
	}
	return at(12, 0), at(16, 2), true
}
