package path

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"fd3/sockets/kernel/types"
)

// Drops waits for packets that the kernel throws away: an eBPF program at its tracepoint
// skb:kfree_skb, which only reads, and counts.
type Drops struct {
	counts, stacks *ebpf.Map
	loaded         *ebpf.Program
	link           link.Link
}

// A Drop is packets that were thrown away in one place for one reason.
type Drop struct {
	Reason   string // the kernel's word (enum skb_drop_reason)
	Function string // that has thrown them away
	File     string // which defines it; empty: the table does not have it
	Process  string // on whose thread it ran: of a softirq that says nothing
	Softirq  bool
	Count    int
}

// The key of a count: all that tells one drop from another.
const (
	dropLocation = 0  // u64: an address in the kernel
	dropReason   = 8  // u32
	dropStack    = 12 // s32: the number of a stack; negative: it could not be kept
	dropProcess  = 16 // 16 characters
	dropKey      = 32
)

// A count: how many, and by CLOCK_MONOTONIC when the first one came.
const (
	dropCount = 0
	dropFirst = 8
	dropValue = 16
)

// How many counts there are, how many stacks, and how deep these are.
const (
	mostDrops  = 4096
	mostStacks = 4096
	deepest    = 64
)

// OpenDrops begins to wait for any packet, or for datagrams to a port of UDP where that is
// not 0. Where this user may not, or the kernel has not told of itself (BTF), the error is a
// *DeniedError. Close has to follow.
func OpenDrops(port uint16) (d *Drops, err error) {
	d = &Drops{}
	defer func() {
		if err != nil {
			d.Close()
			d, err = nil, deniedAt("bpf(2), with a program at skb:kfree_skb,", err)
		}
	}()
	if d.counts, err = ebpf.NewMap(&ebpf.MapSpec{Name: "fd3_drop", Type: ebpf.Hash, KeySize: dropKey, ValueSize: dropValue, MaxEntries: mostDrops}); err != nil {
		return d, err
	}
	if d.stacks, err = ebpf.NewMap(&ebpf.MapSpec{Name: "fd3_stacks", Type: ebpf.StackTrace, KeySize: 4, ValueSize: deepest * 8, MaxEntries: mostStacks}); err != nil {
		return d, err
	}
	l, err := laidOut()
	if err != nil {
		return d, err
	}
	d.loaded, err = ebpf.NewProgram(&ebpf.ProgramSpec{Name: "fd3_drop", Type: ebpf.RawTracepoint, License: "GPL", Instructions: d.program(l, port)})
	if err != nil {
		return d, err
	}
	d.link, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: "kfree_skb", Program: d.loaded})
	return d, err
}

// A layout is what the kernel tells of itself: where in a struct sk_buff two of its members
// are, and the names of the reasons.
type layout struct {
	head, network int32
	reasons       map[uint32]string
}

// laidOut reads that once (/sys/kernel/btf/vmlinux).
var laidOut = sync.OnceValues(func() (l layout, err error) {
	head, err := types.Offset("sk_buff", "head")
	if err != nil {
		return l, err
	}
	network, err := types.Offset("sk_buff", "network_header")
	if err != nil {
		return l, err
	}
	kernel, err := types.Kernel()
	if err != nil {
		return l, err
	}
	l = layout{int32(head), int32(network), map[uint32]string{}}
	var reasons *btf.Enum
	if err := kernel.TypeByName("skb_drop_reason", &reasons); err != nil {
		return l, err
	}
	for _, v := range reasons.Values {
		l.reasons[uint32(v.Value)] = strings.TrimPrefix(v.Name, "SKB_DROP_REASON_")
	}
	return l, nil
})

// program counts by the key. Its arguments are those of the tracepoint: the sk_buff, the
// location, the reason.
func (d *Drops) program(l layout, port uint16) asm.Instructions {
	const (
		out   = "out"
		again = "again"
		key   = -dropKey
		value = key - dropValue
	)
	p := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}
	if port != 0 {
		p = append(p, l.forPort(port, out)...)
	}
	address := func(to asm.Register, at int32) asm.Instructions {
		return asm.Instructions{asm.Mov.Reg(to, asm.RFP), asm.Add.Imm(to, at)}
	}
	lookup := append(asm.Instructions{asm.LoadMapPtr(asm.R1, d.counts.FD())}, address(asm.R2, key)...)
	p = append(p,
		asm.LoadMem(asm.R1, asm.R6, 8, asm.DWord), asm.StoreMem(asm.RFP, key+dropLocation, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R6, 16, asm.DWord), asm.StoreMem(asm.RFP, key+dropReason, asm.R1, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R6), asm.LoadMapPtr(asm.R2, d.stacks.FD()), asm.Mov.Imm(asm.R3, 0), asm.FnGetStackid.Call(),
		asm.StoreMem(asm.RFP, key+dropStack, asm.R0, asm.Word))
	p = append(p, address(asm.R1, key+dropProcess)...)
	p = append(p, asm.Mov.Imm(asm.R2, dropKey-dropProcess), asm.FnGetCurrentComm.Call())
	p = append(p, lookup...)
	p = append(p, asm.FnMapLookupElem.Call(), asm.JNE.Imm(asm.R0, 0, again),
		asm.FnKtimeGetNs.Call(), asm.StoreMem(asm.RFP, value+dropFirst, asm.R0, asm.DWord), asm.Mov.Imm(asm.R1, 1), asm.StoreMem(asm.RFP, value+dropCount, asm.R1, asm.DWord))
	p = append(p, lookup...)
	p = append(p, address(asm.R3, value)...)
	p = append(p, asm.Mov.Imm(asm.R4, int32(ebpf.UpdateNoExist)), asm.FnMapUpdateElem.Call(), asm.JEq.Imm(asm.R0, 0, out))
	p = append(p, lookup...) // another CPU was first
	return append(p, asm.FnMapLookupElem.Call(), asm.JEq.Imm(asm.R0, 0, out),
		asm.Mov.Imm(asm.R1, 1).WithSymbol(again), asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol(out), asm.Return())
}

// forPort reads the packet's own bytes, and goes on if it is for a port of UDP.
func (l layout) forPort(port uint16, out string) asm.Instructions {
	const header = -48 // on the stack: 24 bytes, of IP and the first four of UDP
	read := func(to, size int32) asm.Instructions {
		return asm.Instructions{
			asm.Mov.Reg(asm.R1, asm.RFP), asm.Add.Imm(asm.R1, to), asm.Mov.Imm(asm.R2, size),
			asm.FnProbeReadKernel.Call(), asm.JNE.Imm(asm.R0, 0, out),
		}
	}
	p := asm.Instructions{asm.LoadMem(asm.R7, asm.R6, 0, asm.DWord), asm.Mov.Reg(asm.R3, asm.R7), asm.Add.Imm(asm.R3, l.head)}
	p = append(p, read(-8, 8)...)
	p = append(p, asm.Mov.Reg(asm.R3, asm.R7), asm.Add.Imm(asm.R3, l.network))
	p = append(p, read(-16, 2)...)
	p = append(p, asm.LoadMem(asm.R3, asm.RFP, -8, asm.DWord), asm.LoadMem(asm.R2, asm.RFP, -16, asm.Half), asm.Add.Reg(asm.R3, asm.R2))
	p = append(p, read(header, 24)...)
	return append(p,
		asm.LoadMem(asm.R1, asm.RFP, header+9, asm.Byte), asm.JNE.Imm(asm.R1, unix.IPPROTO_UDP, out),
		asm.LoadMem(asm.R1, asm.RFP, header+22, asm.Half), asm.HostTo(asm.BE, asm.R1, asm.Half), asm.JNE.Imm(asm.R1, int32(port), out))
}

// End returns what was thrown away until now, in the order in which it came. Unspecified is
// the reason of what was freed without one: mostly nothing is lost then.
func (d *Drops) End() ([]Drop, error) {
	type counted struct{ key, value []byte }
	var all []counted
	var key, value []byte
	for entries := d.counts.Iterate(); entries.Next(&key, &value); {
		all = append(all, counted{slices.Clone(key), slices.Clone(value)})
	}
	if len(all) == 0 {
		return nil, nil
	}
	l, err := laidOut()
	if err != nil {
		return nil, err
	}
	number := binary.NativeEndian
	slices.SortFunc(all, func(a, b counted) int {
		return cmp.Compare(number.Uint64(a.value[dropFirst:]), number.Uint64(b.value[dropFirst:]))
	})
	functions := symbols()
	var drops []Drop
	at := map[Drop]int{} // by all but the count
	for _, c := range all {
		reason := number.Uint32(c.key[dropReason:])
		drop := Drop{Reason: l.reasons[reason], Function: in(functions, number.Uint64(c.key[dropLocation:]))}
		if drop.Reason == "" {
			drop.Reason = fmt.Sprint(reason)
		}
		drop.File = Functions().File(drop.Function)
		var known bool
		if drop.Softirq, known = d.softirq(int32(number.Uint32(c.key[dropStack:])), functions); known && !drop.Softirq {
			drop.Process, _, _ = strings.Cut(string(c.key[dropProcess:]), "\x00")
		}
		i, seen := at[drop]
		if !seen {
			i, at[drop] = len(drops), len(drops)
			drops = append(drops, drop)
		}
		drops[i].Count += int(number.Uint64(c.value[dropCount:]))
	}
	return drops, nil
}

// softirq reports whether a stack is one of a softirq, where it was kept.
func (d *Drops) softirq(stack int32, functions []symbol) (is, known bool) {
	if stack < 0 {
		return false, false
	}
	addresses, err := d.stacks.LookupBytes(uint32(stack))
	if err != nil {
		return false, false
	}
	for a := range slices.Chunk(addresses, 8) {
		if slices.Contains(softirqs, in(functions, binary.NativeEndian.Uint64(a))) {
			return true, true
		}
	}
	return false, len(addresses) > 0
}

// Close ends it.
func (d *Drops) Close() error {
	if d == nil {
		return nil
	}
	if d.link != nil {
		d.link.Close()
	}
	d.loaded.Close() // which does nothing where there is none
	d.stacks.Close()
	return d.counts.Close()
}
