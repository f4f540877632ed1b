package netlab

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
)

// A Link is an interface of a host, as the host's kernel has it, or an end of the cable that
// has a queue.
type Link struct {
	Host    string        `json:"host"`   // client, server; cable: a packet that waits there has left the one host, and the other has it not
	Device  string        `json:"device"` // net0; of the cable the name of the host that it leads to
	MTU     int           `json:"mtu"`
	Offload []string      `json:"offload,omitempty"`  // of a host: what its kernel leaves to the interface, by the names of ethtool(8)
	Delay   time.Duration `json:"delay_ns,omitempty"` // of the cable: each packet is held back so long there, by netem
	Loss    float64       `json:"loss,omitempty"`     // of the cable: this part of the packets is lost there by chance, by netem
	Rate    uint64        `json:"rate,omitempty"`     // bits a second that leave it at most; 0: no bound
	Qdisc   string        `json:"qdisc,omitempty"`    // with a Rate: the kind of the queue, one of Qdiscs
	Queue   uint32        `json:"queue,omitempty"`    // with a Rate: how many bytes may wait for their turn
	Waiting uint32        `json:"waiting,omitempty"`  // with a Rate: how many do
	Packets uint32        `json:"packets,omitempty"`  // with a Rate: in how many packets
	Dropped uint32        `json:"dropped,omitempty"`  // with a Rate: packets that found the queue full, since there is one
	Sent    uint64        `json:"sent,omitempty"`     // with a Rate: bytes that went through the queue, since there is one
}

// A Shape is how the interfaces of both hosts are to be, and the cable.
type Shape struct {
	MTU   int     `json:"mtu,omitempty"`   // 0: as it is
	Rate  *uint64 `json:"rate,omitempty"`  // bits a second; 0: no bound; nil: as it is
	Queue uint32  `json:"queue,omitempty"` // with a Rate: bytes
	Qdisc string  `json:"qdisc,omitempty"` // with a Rate: the kind of the queue, one of Qdiscs; none: FIFO
	At    string  `json:"at,omitempty"`    // with a Rate: AtHosts or AtCable; at the other place there is none then

	Offload *bool `json:"offload,omitempty"` // whether the kernel leaves to the interface what is to be done with each packet that is sent; nil: as it is
}

// Where a rate is kept: each host keeps it for what it sends, and its kernel has the queue
// before its interface; or the cable does, as a router between two links that are fast does
// before one that is not, and no host knows.
const (
	AtHosts = "hosts"
	AtCable = "cable"
)

// The bounds of a Shape. With an MTU below 296 Linux announces segments that do not fit,
// of 256 bytes (route.min_adv_mss in ip-sysctl of the kernel's documentation), and below
// 88 it cannot send a segment at all (tcp_min_snd_mss). The cable takes none above 1500.
// TBF reckons a rate of less than 8 kbit/s in too few ticks.
const (
	LeastMTU, MostMTU   = 296, 1500
	LeastRate, MostRate = 8_000, 10_000_000_000
	LeastQueue          = 2 * MostMTU
	MostCableQueue      = 256 << 10 // what waits belongs to the cable's socket, which may send no more (wmem_max, socket(7))
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
	if s.Rate != nil && *s.Rate != 0 && s.At != AtHosts && s.At != AtCable {
		return fmt.Errorf("a rate is kept at the %s or at the %s, not at %q", AtHosts, AtCable, s.At)
	}
	if s.Rate != nil && *s.Rate != 0 && s.At == AtCable && s.Queue > MostCableQueue {
		return fmt.Errorf("a queue of the cable has room for %d bytes at most, and not for %d", MostCableQueue, s.Queue)
	}
	if s.Qdisc != "" && !slices.Contains(Qdiscs, s.Qdisc) {
		return fmt.Errorf("a queue is one of %s, not %q", strings.Join(Qdiscs, ", "), s.Qdisc)
	}
	return nil
}

// shape changes the interface of the host, and its end in the keeper's namespace with it.
func (h *host) shape(s Shape) error {
	end, err := netlink.LinkByName(h.Name)
	if err != nil {
		return step("RTM_GETLINK "+h.Name, err)
	}
	own, cable := s, s
	if s.Rate != nil {
		none := uint64(0)
		own.Rate, cable.Rate = &none, &none
		if s.At == AtCable {
			cable.Rate = s.Rate
		} else {
			own.Rate = s.Rate
		}
	}
	if err := cable.apply(end); err != nil {
		return err
	}
	return h.do(func() error {
		link, err := netlink.LinkByName(device)
		if err != nil {
			return step("RTM_GETLINK "+device, err)
		}
		if s.Offload != nil {
			if err := offload(device, *s.Offload); err != nil {
				return err
			}
		}
		return own.apply(link)
	})
}

// apply makes an interface of the calling thread's namespace so.
func (s Shape) apply(link netlink.Link) error {
	if s.MTU != 0 {
		if err := netlink.LinkSetMTU(link, s.MTU); err != nil {
			return step("RTM_NEWLINK, mtu", err)
		}
	}
	if s.Rate == nil {
		return nil
	}
	return limit(link, *s.Rate, s.Queue, cmp.Or(s.Qdisc, FIFO))
}

// links reads the interface of the host, and its end of the cable if that has a queue.
func (h *host) links() (all []Link, err error) {
	err = h.do(func() error {
		own, err := readLink(h.Name, device)
		if err == nil {
			own.Offload, err = offloaded(device)
		}
		all = append(all, own)
		return err
	})
	if err != nil {
		return nil, err
	}
	if end, err := readLink(AtCable, h.Name); err != nil || end.Rate > 0 || end.Delay > 0 || end.Loss > 0 {
		return append(all, end), err
	}
	return all, nil
}

// readLink reads an interface of the calling thread's namespace.
func readLink(host, device string) (Link, error) {
	l := Link{Host: host, Device: device}
	link, err := netlink.LinkByName(device)
	if err != nil {
		return l, err
	}
	l.MTU = link.Attrs().MTU
	queues, err := netlink.QdiscList(link)
	for _, q := range queues {
		if netem, ok := q.(*netlink.Netem); ok {
			l.Delay, l.Loss = asNetem(netem)
		}
		if q.Attrs().Handle == inside {
			l.Qdisc = q.Type()
		}
		tbf, ok := q.(*netlink.Tbf)
		if !ok {
			continue
		}
		l.Rate, l.Queue, l.Qdisc = 8*tbf.Rate, tbf.Limit, cmp.Or(l.Qdisc, FIFO)
		if s := tbf.Statistics; s != nil && s.Queue != nil && s.Basic != nil {
			l.Waiting, l.Packets, l.Dropped, l.Sent = s.Queue.Backlog, s.Queue.Qlen, s.Queue.Drops, s.Basic.Bytes
		}
	}
	return l, err
}
