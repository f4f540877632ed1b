package hooks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// filter is where a program of traffic control goes.
func (a *agent) filter(p Place) netlink.FilterAttrs {
	parent := uint32(netlink.HANDLE_MIN_EGRESS)
	if p.Host != "client" {
		parent = netlink.HANDLE_MIN_INGRESS
	}
	return netlink.FilterAttrs{LinkIndex: a.index, Parent: parent, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ALL}
}

// queue is the qdisc clsact, which has no queue: it is where programs are put.
func (a *agent) queue() *netlink.Clsact {
	return &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: a.index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}}
}

// clsact puts a filter at the interface, and the qdisc that it needs.
func (a *agent) clsact(f netlink.Filter) (io.Closer, error) {
	if err := netlink.QdiscAdd(a.queue()); err != nil {
		return nil, fmt.Errorf("RTM_NEWQDISC, clsact: %w", err)
	}
	if err := netlink.FilterAdd(f); err != nil {
		netlink.QdiscDel(a.queue())
		return nil, fmt.Errorf("RTM_NEWTFILTER: %w", err)
	}
	return closer(func() error { return netlink.QdiscDel(a.queue()) }), nil
}

type closer func() error

func (c closer) Close() error { return c() }

// cls is a program of classic BPF at traffic control.
type cls struct {
	Put
	agent *agent
	link  io.Closer
	bare  bool // the qdisc counts packets without the frame's header
}

// putClassic puts a program of classic BPF at a place. It answers, and can neither count
// nor change anything: what the kernel itself counts there is read.
func (a *agent) putClassic(p Place, o put) (hooked, error) {
	verdict, says := uint32(0xffffffff), "TC_ACT_UNSPEC: whoever is next decides"
	if o.Verb == Drop {
		verdict, says = shot, "TC_ACT_SHOT: drop it"
	}
	if p.Name == "socket" {
		return a.putFilter(p, o)
	}
	udp := contexts[p.Name].udp
	code := []bpf.Instruction{
		bpf.LoadAbsolute{Off: uint32(udp) + 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(o.Port), SkipFalse: 1},
		bpf.RetConstant{Val: verdict},
		bpf.RetConstant{Val: 0xffffffff},
	}
	c := &cls{Put: Put{Place: p.Name, Means: Classic, How: "of cls_bpf at the qdisc clsact of " + device}, agent: a, bare: p.Host != "client"}
	if o.Show {
		c.Program = classicLines(code, fmt.Sprintf("the destination port of UDP, at byte %d here", udp+2), fmt.Sprintf("is it %d?", o.Port), says, "TC_ACT_UNSPEC: whoever is next decides")
	}
	raw, err := bpf.Assemble(code)
	if err != nil {
		return nil, err
	}
	if err := netlink.QdiscAdd(a.queue()); err != nil {
		return nil, fmt.Errorf("RTM_NEWQDISC, clsact: %w", err)
	}
	c.link = closer(func() error { return netlink.QdiscDel(a.queue()) })
	if err := addClassic(a.filter(p), raw); err != nil {
		c.link.Close()
		return nil, fmt.Errorf("RTM_NEWTFILTER, cls_bpf: %w", err)
	}
	return c, nil
}

// addClassic adds a filter of cls_bpf in direct action: what the program returns is what
// is done (tc-bpf(8)). Package netlink knows eBPF alone there.
func addClassic(at netlink.FilterAttrs, program []bpf.RawInstruction) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWTFILTER, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	req.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(at.LinkIndex), Handle: at.Handle, Parent: at.Parent, Info: netlink.MakeHandle(at.Priority, nl.Swap16(at.Protocol))})
	req.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("bpf")))
	options := nl.NewRtAttr(nl.TCA_OPTIONS, nil)
	var ops bytes.Buffer
	for _, ins := range program { // struct sock_filter
		binary.Write(&ops, binary.NativeEndian, ins)
	}
	options.AddRtAttr(nl.TCA_BPF_OPS_LEN, nl.Uint16Attr(uint16(len(program))))
	options.AddRtAttr(nl.TCA_BPF_OPS, ops.Bytes())
	options.AddRtAttr(nl.TCA_BPF_FLAGS, nl.Uint32Attr(nl.TCA_BPF_FLAG_ACT_DIRECT))
	req.AddData(options)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func (c *cls) put() Put { return c.Put }

// read takes the counters of the qdisc, which has counted all packets since it was put
// there. On the way in the frame's header is off by then: cls_bpf alone puts it back, for
// its program (the kernel's sch_handle_ingress() and cls_bpf_classify()).
func (c *cls) read() (s Seen) {
	all, err := netlink.QdiscList(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: c.agent.index}})
	if err != nil {
		return s
	}
	for _, q := range all {
		if stats := q.Attrs().Statistics; q.Type() == "clsact" && stats != nil && stats.Basic != nil {
			s.Packets = int(stats.Basic.Packets)
			if s.Packets > 0 {
				s.Length = int(stats.Basic.Bytes) / s.Packets
			}
			if c.bare {
				s.Length, s.Counted = 0, s.Length
			}
		}
	}
	return s
}

func (c *cls) remove() error { return c.link.Close() }

// filter is a program at the receiver's socket.
type socketFilter struct {
	Put
	fd int
}

// putFilter puts a program at the receiver's socket (SO_ATTACH_FILTER, socket(7)).
func (a *agent) putFilter(p Place, o put) (hooked, error) {
	verdict, says := uint32(0xffff), "so many bytes may pass: all"
	if o.Verb == Drop {
		verdict, says = 0, "no byte may pass: drop it"
	}
	code := []bpf.Instruction{bpf.RetConstant{Val: verdict}}
	raw, err := bpf.Assemble(code)
	if err != nil {
		return nil, err
	}
	program := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		program[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	err = unix.SetsockoptSockFprog(a.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return nil, fmt.Errorf("setsockopt SO_ATTACH_FILTER: %w", err)
	}
	f := &socketFilter{Put: Put{Place: p.Name, Means: Classic, How: "SO_ATTACH_FILTER, at the receiver's socket", Blind: true}, fd: a.fd}
	if o.Show {
		f.Program = classicLines(code, says)
	}
	return f, nil
}

func (f *socketFilter) put() Put   { return f.Put }
func (f *socketFilter) read() Seen { return Seen{} }
func (f *socketFilter) remove() error {
	err := unix.SetsockoptInt(f.fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
	if errors.Is(err, unix.EBADF) {
		return nil
	}
	return err
}

// classicLines are instructions as bpf_asm writes them, each with what it does.
func classicLines(code []bpf.Instruction, does ...string) []Line {
	lines := make([]Line, len(code))
	for i, ins := range code {
		lines[i] = Line{fmt.Sprintf("%d: %v", i, ins), does[i]}
	}
	return lines
}
