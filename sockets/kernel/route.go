package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// PathMTU is what the kernel has learned of the way to an address: the size of the largest
// packet that comes through (path MTU discovery, RFC 1191).
type PathMTU struct {
	MTU     int           // in bytes, with the header of IP; 0: it has learned nothing
	Expires time.Duration // when it forgets that
}

// PathMTU asks rtnetlink(7) for the route to an address, as ip-route(8) does with get, and
// returns what was learned of it.
func (n Net) PathMTU(to netip.Addr) (p PathMTU, err error) {
	addr := to.AsSlice()
	family := byte(unix.AF_INET)
	if to.Is6() {
		family = unix.AF_INET6
	}
	request := make([]byte, unix.SizeofRtMsg)
	request[0], request[1] = family, byte(8*len(addr))
	request = binary.NativeEndian.AppendUint16(request, uint16(4+len(addr)))
	request = binary.NativeEndian.AppendUint16(request, unix.RTA_DST)
	request = append(request, addr...)
	err = n.one(rtnetlink, unix.RTM_GETROUTE, request, func(payload []byte) error {
		p, err = parsePathMTU(payload)
		return err
	})
	if err != nil {
		return PathMTU{}, fmt.Errorf("rtnetlink RTM_GETROUTE: %w", err)
	}
	return p, nil
}

// ticks is how many of the units in which the kernel tells of times are a second (USER_HZ).
const ticks = 100

// parsePathMTU reads an answer to RTM_GETROUTE. What was learned has a time at which it is
// forgotten; the MTU that a route was given has none.
//
//	struct rta_cacheinfo {
//		__u32	rta_clntref;
//		__u32	rta_lastuse;
//		__s32	rta_expires;
//		...
//	};
func parsePathMTU(payload []byte) (p PathMTU, err error) {
	if len(payload) < unix.SizeofRtMsg {
		return p, errShort
	}
	order := binary.NativeEndian
	err = parseAttrs(payload[unix.SizeofRtMsg:], func(kind uint16, value []byte) {
		switch {
		case kind == unix.RTA_CACHEINFO && len(value) >= 12:
			p.Expires = time.Duration(int32(order.Uint32(value[8:]))) * time.Second / ticks
		case kind == unix.RTA_METRICS:
			if failed := parseAttrs(value, func(kind uint16, value []byte) {
				if kind == unix.RTAX_MTU && len(value) == 4 {
					p.MTU = int(order.Uint32(value))
				}
			}); failed != nil {
				err = failed
			}
		}
	})
	if p.Expires <= 0 {
		return PathMTU{}, err
	}
	return p, err
}
