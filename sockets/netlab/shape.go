package netlab

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Link is a host's interface, as the host's kernel has it.
type Link struct {
	Host    string `json:"host"`
	MTU     int    `json:"mtu"`
	Rate    uint64 `json:"rate,omitempty"`    // bits a second that leave it at most; 0: no bound
	Queue   uint32 `json:"queue,omitempty"`   // with a Rate: how many bytes may wait for their turn
	Waiting uint32 `json:"waiting,omitempty"` // with a Rate: how many do
	Dropped uint32 `json:"dropped,omitempty"` // with a Rate: packets that found the queue full
}

// A Shape is how the interfaces of both hosts are to be.
type Shape struct {
	MTU   int     `json:"mtu,omitempty"`   // 0: as it is
	Rate  *uint64 `json:"rate,omitempty"`  // bits a second; 0: no bound; nil: as it is
	Queue uint32  `json:"queue,omitempty"` // with a Rate: bytes
}

// The bounds of a Shape. With an MTU below 296 Linux announces segments that do not fit,
// of 256 bytes (route.min_adv_mss in ip-sysctl of the kernel's documentation), and below
// 88 it cannot send a segment at all (tcp_min_snd_mss). The cable takes none above 1500.
// TBF reckons a rate of less than 8 kbit/s in too few ticks.
const (
	LeastMTU, MostMTU   = 296, 1500
	LeastRate, MostRate = 8_000, 10_000_000_000
	LeastQueue          = 2 * MostMTU
)

// Check returns an error for what no interface can be.
func (s Shape) Check() error {
	if s.MTU != 0 && (s.MTU < LeastMTU || s.MTU > MostMTU) {
		return fmt.Errorf("an MTU is from %d to %d bytes, not %d", LeastMTU, MostMTU, s.MTU)
	}
	if s.Rate != nil && *s.Rate != 0 && (*s.Rate < LeastRate || *s.Rate > MostRate) {
		return fmt.Errorf("a rate is from %d to %d bits a second, not %d", LeastRate, MostRate, *s.Rate)
	}
	if s.Rate != nil && *s.Rate != 0 && s.Queue < LeastQueue {
		return fmt.Errorf("a queue has room for two packets, %d bytes, or more, and not for %d bytes", LeastQueue, s.Queue)
	}
	return nil
}

// shape changes the interface of the host, and its end in the keeper's namespace with it.
func (h *host) shape(s Shape) error {
	if s.MTU != 0 {
		end, err := netlink.LinkByName(h.Name)
		if err == nil {
			err = netlink.LinkSetMTU(end, s.MTU)
		}
		if err != nil {
			return step("RTM_NEWLINK, mtu", err)
		}
	}
	return h.do(func() error {
		link, err := netlink.LinkByName(device)
		if err != nil {
			return step("RTM_GETLINK "+device, err)
		}
		if s.MTU != 0 {
			if err := netlink.LinkSetMTU(link, s.MTU); err != nil {
				return step("RTM_NEWLINK, mtu", err)
			}
		}
		if s.Rate == nil {
			return nil
		}
		return limit(link, *s.Rate, s.Queue)
	})
}

// limit puts a token bucket filter before an interface (tc-tbf(8)), in the place of one
// that is there; at a rate of 0 it takes that away.
func limit(link netlink.Link, rate uint64, queue uint32) error {
	attrs := netlink.QdiscAttrs{LinkIndex: link.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}
	if rate == 0 {
		err := netlink.QdiscDel(&netlink.Tbf{QdiscAttrs: attrs})
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) { // there is none
			return nil
		}
		return step("RTM_DELQDISC", err)
	}
	bytes := rate / 8
	burst := uint32(max(2*(MostMTU+14), bytes/100)) // of 10 ms, and no packet is larger
	return step("RTM_NEWQDISC, tbf", netlink.QdiscReplace(&netlink.Tbf{QdiscAttrs: attrs, Rate: bytes, Limit: queue, Buffer: netlink.Xmittime(bytes, burst)}))
}

// link reads the interface.
func (h *host) link() (l Link, err error) {
	l.Host = h.Name
	err = h.do(func() error {
		link, err := netlink.LinkByName(device)
		if err != nil {
			return err
		}
		l.MTU = link.Attrs().MTU
		queues, err := netlink.QdiscList(link)
		for _, q := range queues {
			if tbf, ok := q.(*netlink.Tbf); ok {
				l.Rate, l.Queue = 8*tbf.Rate, tbf.Limit
				if s := tbf.Statistics; s != nil && s.Queue != nil {
					l.Waiting, l.Dropped = s.Queue.Backlog, s.Queue.Drops
				}
			}
		}
		return err
	})
	return l, err
}
