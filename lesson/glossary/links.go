package glossary

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fd3/lesson"
)

// A link is a network interface with its addresses.
type link struct {
	name      string
	mtu       uint32
	up, loops bool
	addresses []string
}

// interfaces lists those of this network namespace, loopback that one alone.
func interfaces() []lesson.Evidence { return listed(func(link) bool { return true }) }
func loopback() []lesson.Evidence   { return listed(func(l link) bool { return l.loops }) }

func listed(wanted func(link) bool) []lesson.Evidence {
	all, err := links()
	if err != nil {
		return nil
	}
	var found []lesson.Evidence
	for _, l := range all {
		if !wanted(l) {
			continue
		}
		value := "down"
		if l.up {
			value = "up"
		}
		value += fmt.Sprintf(", MTU %d", l.mtu)
		if len(l.addresses) > 0 {
			value += ", " + strings.Join(l.addresses, ", ")
		}
		found = append(found, lesson.Evidence{Fact: l.name, Value: value, Source: "rtnetlink(7)", Command: "ip address"})
	}
	return found
}

// links asks rtnetlink(7), as ip(8) does.
func links() ([]link, error) {
	var all []link
	places := make(map[uint32]int) // in all, by the number of the interface
	err := dump(unix.RTM_GETLINK, unix.RTM_NEWLINK, unix.SizeofIfInfomsg, func(head []byte, attrs []syscall.NetlinkRouteAttr) {
		index, flags := binary.NativeEndian.Uint32(head[4:]), binary.NativeEndian.Uint32(head[8:]) // ifi_index, ifi_flags
		l := link{up: flags&unix.IFF_UP != 0, loops: flags&unix.IFF_LOOPBACK != 0}
		for _, a := range attrs {
			switch {
			case a.Attr.Type == unix.IFLA_IFNAME:
				l.name = unix.ByteSliceToString(a.Value)
			case a.Attr.Type == unix.IFLA_MTU && len(a.Value) == 4:
				l.mtu = binary.NativeEndian.Uint32(a.Value)
			}
		}
		places[index] = len(all)
		all = append(all, l)
	})
	if err != nil {
		return nil, err
	}
	err = dump(unix.RTM_GETADDR, unix.RTM_NEWADDR, unix.SizeofIfAddrmsg, func(head []byte, attrs []syscall.NetlinkRouteAttr) {
		bits, index := int(head[1]), binary.NativeEndian.Uint32(head[4:]) // ifa_prefixlen, ifa_index
		own := netip.Addr{}                                               // IFA_LOCAL where it is there: with a peer, IFA_ADDRESS is the peer's
		for _, a := range attrs {
			if addr, ok := netip.AddrFromSlice(a.Value); ok && (a.Attr.Type == unix.IFA_LOCAL || a.Attr.Type == unix.IFA_ADDRESS && !own.IsValid()) {
				own = addr
			}
		}
		if i, ok := places[index]; ok && own.IsValid() {
			all[i].addresses = append(all[i].addresses, netip.PrefixFrom(own, bits).String())
		}
	})
	return all, err
}

// dump asks for all of a kind and takes each answer of another kind: its struct,
// of size bytes at least, and its attributes.
func dump(ask, answer uint16, size int, take func(head []byte, attrs []syscall.NetlinkRouteAttr)) error {
	raw, err := syscall.NetlinkRIB(int(ask), unix.AF_UNSPEC)
	if err != nil {
		return err
	}
	messages, err := syscall.ParseNetlinkMessage(raw)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.Header.Type != answer || len(m.Data) < size {
			continue
		}
		attrs, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			return err
		}
		take(m.Data, attrs)
	}
	return nil
}
