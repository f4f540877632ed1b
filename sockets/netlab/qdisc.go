package netlab

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"fd3/sockets/wire"
)

// FIFO is the kind of queue that every kernel has, first in, first out (tc-bfifo(8)). Qdiscs
// are all that a rate may have.
const FIFO = "bfifo"

var Qdiscs = []string{FIFO, "fq_codel", "cake"}

// A NoQdiscError says that the kernel has no queueing discipline of a kind, and no module
// for it.
type NoQdiscError struct {
	Kind  string     `json:"kind"`
	Errno unix.Errno `json:"errno"` // of RTM_NEWQDISC
}

func (e *NoQdiscError) Error() string {
	return fmt.Sprintf("this kernel has no %s: RTM_NEWQDISC says %s, and the module sch_%[1]s cannot be had", e.Kind, unix.ErrnoName(e.Errno))
}

// The handles of what stands before an interface: tbf, and what stands in it; or netem.
var root, inside, netemRoot = netlink.MakeHandle(1, 0), netlink.MakeHandle(2, 0), netlink.MakeHandle(3, 0)

// try finds out whether the kernel has a kind of queueing discipline, by putting one before
// the loopback of the calling thread's namespace for a moment. The kernel looks for a module
// meanwhile.
func try(kind string) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return step("RTM_GETLINK lo", err)
	}
	q := &netlink.GenericQdisc{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: lo.Attrs().Index, Handle: root, Parent: netlink.HANDLE_ROOT}, QdiscType: kind}
	switch err = put(q, nil); {
	case errors.Is(err, unix.ENOENT):
		return &NoQdiscError{kind, unix.ENOENT}
	case errors.Is(err, unix.EINVAL): // it is there, and wants to be told more (netem_init)
		return nil
	case err != nil:
		return step("RTM_NEWQDISC, "+kind, err)
	}
	return step("RTM_DELQDISC, "+kind, netlink.QdiscDel(q))
}

// put puts a queueing discipline somewhere, with options of 32 bits by their numbers.
func put(q netlink.Qdisc, options map[int]uint32) error {
	at := q.Attrs()
	request := nl.NewNetlinkRequest(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE|unix.NLM_F_ACK)
	request.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(at.LinkIndex), Handle: at.Handle, Parent: at.Parent})
	request.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated(q.Type())))
	all := nl.NewRtAttr(nl.TCA_OPTIONS, nil)
	for number, value := range options {
		all.AddRtAttr(number, nl.Uint32Attr(value))
	}
	if len(options) > 0 {
		request.AddData(all)
	}
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// room is the option of a Qdisc that says how many bytes it may take, as the kernel counts
// its memory.
var room = map[string]int{
	"fq_codel": nl.TCA_FQ_CODEL_MEMORY_LIMIT,
	"cake":     10, // TCA_CAKE_MEMORY of linux/pkt_sched.h
}

// limit puts a token bucket filter before an interface (tc-tbf(8)), in the place of one
// that is there, and in it a queue of a kind; at a rate of 0 it takes both away.
func limit(link netlink.Link, rate uint64, queue uint32, kind string) error {
	at := netlink.QdiscAttrs{LinkIndex: link.Attrs().Index, Handle: root, Parent: netlink.HANDLE_ROOT}
	now, err := netlink.QdiscList(link)
	if err != nil {
		return step("RTM_GETQDISC", err)
	}
	if rate == 0 || kind != FIFO || slices.ContainsFunc(now, func(q netlink.Qdisc) bool {
		return q.Attrs().Parent != netlink.HANDLE_ROOT && q.Attrs().Handle == inside
	}) {
		err := netlink.QdiscDel(&netlink.Tbf{QdiscAttrs: at})
		if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EINVAL) { // there is none
			return step("RTM_DELQDISC", err)
		}
	}
	if rate == 0 {
		return nil
	}
	bytes := rate / 8
	burst := uint32(max(2*(MostMTU+14), bytes/100)) // of 10 ms, and no packet is larger
	err = netlink.QdiscReplace(&netlink.Tbf{QdiscAttrs: at, Rate: bytes, Limit: queue, Buffer: netlink.Xmittime(bytes, burst)})
	if err != nil || kind == FIFO {
		return step("RTM_NEWQDISC, tbf", err)
	}
	at.Handle, at.Parent = inside, netlink.MakeHandle(1, 1)
	return step("RTM_NEWQDISC, "+kind, put(&netlink.GenericQdisc{QdiscAttrs: at, QdiscType: kind}, map[int]uint32{room[kind]: queue}))
}

// netem has the kernel itself delay and lose what goes to a host (tc-netem(8)), at the end
// of the cable that leads there; or not any more, if the Way is zero.
func (h *host) netem(w wire.Way) error {
	end, err := netlink.LinkByName(h.Name)
	if err != nil {
		return step("RTM_GETLINK "+h.Name, err)
	}
	at := netlink.QdiscAttrs{LinkIndex: end.Attrs().Index, Handle: netemRoot, Parent: netlink.HANDLE_ROOT}
	if w == (wire.Way{}) {
		return step("RTM_DELQDISC, netem", netlink.QdiscDel(&netlink.Netem{QdiscAttrs: at}))
	}
	attrs := netlink.NetemQdiscAttrs{Latency: uint32(w.Delay.Microseconds()), Limit: netemLimit}
	if w.Of > 0 {
		attrs.Loss = 100 * float32(w.Lose) / float32(w.Of)
	}
	return step("RTM_NEWQDISC, netem", netlink.QdiscReplace(netlink.NewNetem(at, attrs)))
}

// netemLimit is how many packets may be on their way at once.
const netemLimit = 10_000

// flow has netem do what a cable is asked to do with what flows, where that is wanted and
// the kernel has it. It returns what the cable is to do then, and why there is no netem, if
// that was wanted.
func (k *keeper) flow(o wire.Order) (cable wire.Order, without string, err error) {
	want := wire.Way{}
	if o.Netem {
		want = wire.Way{Delay: o.Delay, Lose: o.Lose, Of: o.Of}
		if err := want.Check(); err != nil {
			return o, "", err
		}
		for _, h := range k.hosts {
			if end, err := readLink(AtCable, h.Name); err != nil || end.Rate > 0 {
				return o, "", cmp.Or(err, errors.New("a rate is kept at the cable, where netem would stand. Keep it at the hosts, with --at hosts, or take it away: fd3 wire rate off"))
			}
		}
		var none *NoQdiscError
		if err := try("netem"); errors.As(err, &none) {
			o.Netem, without, want = false, none.Error(), wire.Way{}
		} else if err != nil {
			return o, "", err
		}
	}
	if want == (wire.Way{}) && !k.netem {
		return o, without, nil
	}
	for _, h := range k.hosts {
		if err := h.netem(want); err != nil {
			return o, without, err
		}
	}
	k.netem = want != wire.Way{}
	if k.netem {
		o.Delay, o.Lose, o.Of = 0, 0, 0
	}
	return o, without, nil
}

// asNetem is what a netem does, in the terms of a Link.
func asNetem(q *netlink.Netem) (delay time.Duration, loss float64) {
	return time.Duration(float64(q.Latency)/netlink.TickInUsec()) * time.Microsecond, float64(q.Loss) / math.MaxUint32
}
