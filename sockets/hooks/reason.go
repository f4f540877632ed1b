package hooks

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// A Reason is why and where the kernel has thrown a packet away: the tracepoint
// skb:kfree_skb, which names each drop.
type Reason struct {
	Name     string `json:"name"`               // of enum skb_drop_reason, without its prefix
	Function string `json:"function,omitempty"` // the kernel's, where it was; empty where the kernel does not tell
	Time     int64  `json:"time_ns"`            // by CLOCK_MONOTONIC
}

// A watch is an eBPF program at that tracepoint. It only reads, and notes the first drop of
// a datagram to a port.
type watch struct {
	names   map[uint64]string // the reasons, by their numbers
	records *ebpf.Map
	loaded  *ebpf.Program
	link    link.Link
}

// otherHost is why the kernel throws away a frame that is for the interface of another
// host. Where a packet socket looks on, as that of the cable does, the stack behind it gets
// the frame as well, and throws that away.
const otherHost = "OTHERHOST"

// The record of a watch.
const (
	dropTime     = 0  // u64
	dropLocation = 8  // u64: an address in the kernel
	dropReason   = 16 // u64
	dropSize     = 24
)

// watchDrops begins to watch. It fails where this user may not, and where the kernel has
// not told of itself (BTF).
func watchDrops(port uint16) (w *watch, err error) {
	w = &watch{}
	defer func() {
		if err != nil {
			w.end()
		}
	}()
	if w.records, err = ebpf.NewMap(&ebpf.MapSpec{Name: "fd3_drop", Type: ebpf.Array, KeySize: 4, ValueSize: dropSize, MaxEntries: 1}); err != nil {
		return w, err
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return w, err
	}
	var skb *btf.Struct
	if err := kernel.TypeByName("sk_buff", &skb); err != nil {
		return w, err
	}
	head, hasHead := offset(skb.Members, "head")
	network, hasNetwork := offset(skb.Members, "network_header")
	if !hasHead || !hasNetwork {
		return w, errors.New("struct sk_buff has no head, or no network_header")
	}
	w.names = map[uint64]string{}
	var reasons *btf.Enum
	notOurs := uint64(1<<31 - 1)
	if kernel.TypeByName("skb_drop_reason", &reasons) == nil {
		for _, v := range reasons.Values {
			w.names[v.Value] = strings.TrimPrefix(v.Name, "SKB_DROP_REASON_")
			if w.names[v.Value] == otherHost {
				notOurs = v.Value
			}
		}
	}
	w.loaded, err = ebpf.NewProgram(&ebpf.ProgramSpec{Name: "fd3_drop", Type: ebpf.RawTracepoint, License: "GPL", Instructions: dropProgram(w.records, port, head, network, int32(notOurs))})
	if err != nil {
		return w, err
	}
	w.link, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: "kfree_skb", Program: w.loaded})
	return w, err
}

// offset is where in a struct a member is, in bytes, also one of a nameless struct in it.
func offset(members []btf.Member, name string) (at uint32, found bool) {
	for _, m := range members {
		if m.Name == name {
			return m.Offset.Bytes(), true
		}
		if m.Name != "" && m.Name != "headers" {
			continue
		}
		var inner []btf.Member
		switch t := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			inner = t.Members
		case *btf.Union:
			inner = t.Members
		}
		if at, found := offset(inner, name); found {
			return m.Offset.Bytes() + at, true
		}
	}
	return 0, false
}

// dropProgram reads the packet's own bytes, and so knows that it is ours. Its arguments are
// those of the tracepoint: the sk_buff, the location, the reason.
func dropProgram(records *ebpf.Map, port uint16, head, network uint32, notOurs int32) asm.Instructions {
	const out = "out"
	const header = -48 // on the stack: 24 bytes, of IP and the first four of UDP
	readTo := func(to, size int32) asm.Instructions {
		return asm.Instructions{
			asm.Mov.Reg(asm.R1, asm.RFP), asm.Add.Imm(asm.R1, to), asm.Mov.Imm(asm.R2, size),
			asm.FnProbeReadKernel.Call(), asm.JNE.Imm(asm.R0, 0, out),
		}
	}
	p := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1), asm.LoadMem(asm.R7, asm.R6, 0, asm.DWord),
		asm.LoadMem(asm.R1, asm.R6, 16, asm.DWord), asm.JEq.Imm(asm.R1, notOurs, out),
		asm.Mov.Reg(asm.R3, asm.R7), asm.Add.Imm(asm.R3, int32(head)),
	}
	p = append(p, readTo(-8, 8)...)
	p = append(p, asm.Mov.Reg(asm.R3, asm.R7), asm.Add.Imm(asm.R3, int32(network)))
	p = append(p, readTo(-16, 2)...)
	p = append(p, asm.LoadMem(asm.R3, asm.RFP, -8, asm.DWord), asm.LoadMem(asm.R2, asm.RFP, -16, asm.Half), asm.Add.Reg(asm.R3, asm.R2))
	p = append(p, readTo(header, 24)...)
	p = append(p,
		asm.LoadMem(asm.R1, asm.RFP, header+9, asm.Byte), asm.JNE.Imm(asm.R1, unix.IPPROTO_UDP, out),
		asm.LoadMem(asm.R1, asm.RFP, header+22, asm.Half), asm.HostTo(asm.BE, asm.R1, asm.Half), asm.JNE.Imm(asm.R1, int32(port), out),
		asm.StoreImm(asm.RFP, -4, 0, asm.Word), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -4), asm.LoadMapPtr(asm.R1, records.FD()),
		asm.FnMapLookupElem.Call(), asm.JEq.Imm(asm.R0, 0, out), asm.Mov.Reg(asm.R8, asm.R0),
		asm.LoadMem(asm.R1, asm.R8, dropTime, asm.DWord), asm.JNE.Imm(asm.R1, 0, out), // the first is it
		asm.FnKtimeGetNs.Call(), asm.StoreMem(asm.R8, dropTime, asm.R0, asm.DWord),
		asm.LoadMem(asm.R1, asm.R6, 8, asm.DWord), asm.StoreMem(asm.R8, dropLocation, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R6, 16, asm.DWord), asm.StoreMem(asm.R8, dropReason, asm.R1, asm.DWord),
	)
	return append(p, asm.Mov.Imm(asm.R0, 0).WithSymbol(out), asm.Return())
}

// said returns the drop that was seen, or nil.
func (w *watch) said() *Reason {
	if w == nil || w.link == nil {
		return nil
	}
	var value [dropSize]byte
	if w.records.Lookup(uint32(0), &value) != nil {
		return nil
	}
	r := &Reason{Time: int64(binary.NativeEndian.Uint64(value[dropTime:]))}
	if r.Time == 0 {
		return nil
	}
	number := binary.NativeEndian.Uint64(value[dropReason:]) & 0xffffffff // an int
	if r.Name = w.names[number]; r.Name == "" {
		r.Name = fmt.Sprint(number)
	}
	r.Function = function(binary.NativeEndian.Uint64(value[dropLocation:]))
	return r
}

func (w *watch) end() {
	if w == nil {
		return
	}
	if w.link != nil {
		w.link.Close()
	}
	w.loaded.Close()
	w.records.Close()
}

// function is the name of the kernel's function that an address is in, or "".
func function(at uint64) (name string) {
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return ""
	}
	defer file.Close()
	var nearest uint64
	for lines := bufio.NewScanner(file); lines.Scan(); {
		address, rest, _ := strings.Cut(lines.Text(), " ")
		kind, symbol, _ := strings.Cut(rest, " ")
		if kind != "t" && kind != "T" {
			continue
		}
		if n, err := strconv.ParseUint(address, 16, 64); err == nil && n <= at && n > nearest {
			nearest = n
			name, _, _ = strings.Cut(symbol, "\t")
		}
	}
	return name
}
