package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Link is a network interface in the words of rtnetlink(7).
type Link struct {
	Index int            // as in SO_BINDTOIFINDEX, and the zone of a link-local address
	Name  string         // at most 15 bytes
	MTU   int            // bytes of the largest packet, without the link's own header
	Flags uint32         // IFF_UP and so on (netdevice(7))
	Qdisc string         // the queue of what is to be sent, tc(8): "fq_codel"; "" where the kernel does not tell
	GSO   int            // bytes of the largest segment that it is handed, IFLA_GSO_MAX_SIZE; 0 where the kernel does not tell
	Addrs []netip.Prefix // its own addresses, each with the length of its network's prefix
}

// Up reports whether the interface was brought up; it may still lack a carrier.
func (l Link) Up() bool { return l.Flags&unix.IFF_UP != 0 }

// Loopback reports whether the interface is a loopback.
func (l Link) Loopback() bool { return l.Flags&unix.IFF_LOOPBACK != 0 }

// Links asks rtnetlink(7) for the interfaces and their addresses, as ip(8) does.
func (n Net) Links() ([]Link, error) {
	var links []Link
	places := make(map[int]int) // in links, by Index
	err := n.dump(rtnetlink, unix.RTM_GETLINK, make([]byte, unix.SizeofIfInfomsg), func(payload []byte) error {
		link, err := parseLink(payload)
		places[link.Index] = len(links)
		links = append(links, link)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("rtnetlink RTM_GETLINK: %w", err)
	}
	err = n.dump(rtnetlink, unix.RTM_GETADDR, make([]byte, unix.SizeofIfAddrmsg), func(payload []byte) error {
		index, addr, err := parseLinkAddr(payload)
		if i, ok := places[index]; ok && addr.IsValid() {
			links[i].Addrs = append(links[i].Addrs, addr)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("rtnetlink RTM_GETADDR: %w", err)
	}
	return links, nil
}

// parseLink reads one answer to RTM_GETLINK.
//
//	struct ifinfomsg {
//		unsigned char	ifi_family;
//		unsigned char	__ifi_pad;
//		unsigned short	ifi_type;
//		int		ifi_index;
//		unsigned	ifi_flags;
//		unsigned	ifi_change;
//	};
func parseLink(payload []byte) (Link, error) {
	order := binary.NativeEndian
	if len(payload) < unix.SizeofIfInfomsg {
		return Link{}, errShort
	}
	link := Link{Index: int(order.Uint32(payload[4:])), Flags: order.Uint32(payload[8:])}
	err := parseAttrs(payload[unix.SizeofIfInfomsg:], func(kind uint16, value []byte) {
		switch {
		case kind == unix.IFLA_IFNAME:
			link.Name = unix.ByteSliceToString(value)
		case kind == unix.IFLA_GSO_MAX_SIZE && len(value) == 4:
			link.GSO = int(order.Uint32(value))
		case kind == unix.IFLA_QDISC:
			link.Qdisc = unix.ByteSliceToString(value)
		case kind == unix.IFLA_MTU && len(value) == 4:
			link.MTU = int(order.Uint32(value))
		}
	})
	return link, err
}

// parseLinkAddr reads one answer to RTM_GETADDR: an address and whose it is. The
// address is IFA_LOCAL where that is told: of a link with a peer, IFA_ADDRESS is the
// peer's.
//
//	struct ifaddrmsg {
//		__u8	ifa_family;
//		__u8	ifa_prefixlen;
//		__u8	ifa_flags;
//		__u8	ifa_scope;
//		__u32	ifa_index;
//	};
func parseLinkAddr(payload []byte) (index int, prefix netip.Prefix, err error) {
	if len(payload) < unix.SizeofIfAddrmsg {
		return 0, netip.Prefix{}, errShort
	}
	index = int(binary.NativeEndian.Uint32(payload[4:]))
	var own netip.Addr
	err = parseAttrs(payload[unix.SizeofIfAddrmsg:], func(kind uint16, value []byte) {
		addr, ok := netip.AddrFromSlice(value)
		if ok && (kind == unix.IFA_LOCAL || kind == unix.IFA_ADDRESS && !own.IsValid()) {
			own = addr
		}
	})
	return index, netip.PrefixFrom(own, int(payload[1])), err
}
