package hooks

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// A hooked is what an agent has put at a place.
type hooked interface {
	put() Put      // what it is
	read() Seen    // what it saw
	remove() error // the place is as it was before
}

// placed is an eBPF program at its place.
type placed struct {
	Put
	records *ebpf.Map
	loaded  *ebpf.Program
	link    interface{ Close() error }
}

// putBPF loads a program and puts it at a place. What the verifier refuses is no error: it
// is in the Put.
func (a *agent) putBPF(p Place, o put) (hooked, error) {
	c := contexts[p.Name]
	b := &placed{Put: Put{Place: p.Name, Means: EBPF}}
	var err error
	if c.program == ebpf.SockOps {
		b.records, err = newQueue()
	} else {
		b.records, err = ebpf.NewMap(&ebpf.MapSpec{Name: "fd3", Type: ebpf.Array, KeySize: 4, ValueSize: recordSize, MaxEntries: 1})
	}
	if err != nil {
		return nil, err
	}
	written := c.write(o, b.records)
	if o.Show {
		b.Program = written.lines()
	}
	b.loaded, err = ebpf.NewProgram(&ebpf.ProgramSpec{Name: "fd3", Type: c.program, AttachType: c.attach, License: "GPL", Instructions: written.Instructions})
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) && !errors.Is(err, unix.EPERM) {
		b.Refused, b.Log = errno(err), refused.Log
		return b, nil
	}
	if err != nil {
		b.remove()
		return nil, err
	}
	if b.How, err = a.attach(b, p, o); err != nil {
		b.remove()
		return nil, err
	}
	return b, nil
}

// attach puts a loaded program at its place, and says how.
func (a *agent) attach(b *placed, p Place, o put) (how string, err error) {
	c := contexts[p.Name]
	switch c.program {
	case ebpf.CGroupSKB, ebpf.SockOps:
		if a.group == nil {
			return "", errNoCgroup
		}
		b.link, err = link.AttachCgroup(link.CgroupOptions{Path: a.group.path, Attach: c.attach, Program: b.loaded})
		return "in the cgroup of fd3's own, " + a.group.path, err
	case ebpf.SchedCLS:
		b.link, err = link.AttachTCX(link.TCXOptions{Interface: a.index, Program: b.loaded, Attach: c.attach})
		if errors.Is(err, ebpf.ErrNotSupported) { // before Linux 6.6
			b.link, err = a.clsact(&netlink.BpfFilter{FilterAttrs: a.filter(p), Fd: b.loaded.FD(), Name: "fd3", DirectAction: true})
			return "of cls_bpf at the qdisc clsact of " + device, err
		}
		return "tcx, at " + device, err
	case ebpf.XDP:
		modes := []link.XDPAttachFlags{link.XDPDriverMode, link.XDPGenericMode}
		if o.Generic || o.Verb == Redirect { // which a veth(4) pair takes from an sk_buff only, unless its other end has a program too
			modes = modes[1:]
		}
		for _, mode := range modes {
			if b.link, err = link.AttachXDP(link.XDPOptions{Program: b.loaded, Interface: a.index, Flags: mode}); err == nil {
				b.XDP, err = a.xdpMode()
				return map[string]string{native: "in the driver of ", generic: "behind the driver of "}[b.XDP] + device + " (" + b.XDP + ")", err
			}
		}
		return "", err
	}
	return "SO_ATTACH_BPF, at the receiver's socket", link.AttachSocketFilter(descriptor(a.fd), b.loaded)
}

// The modes of XDP.
const (
	native  = "native"  // the driver calls the program, before there is an sk_buff for the stack
	generic = "generic" // the stack does, whatever the driver can
)

// xdpMode asks in which mode a program of XDP is at the interface (IFLA_XDP_ATTACHED).
func (a *agent) xdpMode() (string, error) {
	at, err := netlink.LinkByIndex(a.index)
	if err != nil {
		return "", fmt.Errorf("RTM_GETLINK %s: %w", device, err)
	}
	return modeOf(at.Attrs().Xdp), nil
}

// modeOf is the word for a number of linux/if_link.h.
func modeOf(x *netlink.LinkXdp) string {
	switch {
	case x == nil || !x.Attached:
		return "nothing"
	case x.AttachMode == nl.XDP_ATTACHED_DRV:
		return native
	case x.AttachMode == nl.XDP_ATTACHED_SKB:
		return generic
	}
	return fmt.Sprintf("mode %d", x.AttachMode)
}

func (b *placed) put() Put { return b.Put }

func (b *placed) read() (s Seen) {
	if b.records.Type() == ebpf.Queue {
		s.Moments = takeMoments(b.records)
		return s
	}
	var value [recordSize]byte
	if b.records.Lookup(uint32(0), &value) != nil {
		return s
	}
	s.Time = int64(binary.NativeEndian.Uint64(value[recordTime:]))
	s.Length = int(binary.NativeEndian.Uint32(value[recordLength:]))
	s.Packets = int(binary.NativeEndian.Uint32(value[recordCount:]))
	return s
}

func (b *placed) remove() (err error) {
	if b.link != nil {
		err = b.link.Close()
	}
	b.loaded.Close() // which does nothing where there is none
	b.records.Close()
	return err
}

// descriptor is a socket for a function that wants a syscall.Conn.
type descriptor int

func (d descriptor) SyscallConn() (syscall.RawConn, error) { return d, nil }
func (d descriptor) Control(f func(uintptr)) error         { f(uintptr(d)); return nil }
func (d descriptor) Read(f func(uintptr) bool) error       { f(uintptr(d)); return nil }
func (d descriptor) Write(f func(uintptr) bool) error      { f(uintptr(d)); return nil }

// errno is the number that a kernel's error has, or 0.
func errno(err error) unix.Errno {
	var e unix.Errno
	errors.As(err, &e)
	return e
}
