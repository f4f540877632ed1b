package path

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"fd3/sockets/kernel/types"
)

// An SkBuff is what a struct sk_buff says of its bytes at some moment.
type SkBuff struct {
	Len      int `json:"len"`      // how many they are, with the headers that they have by then
	Headroom int `json:"headroom"` // free bytes in front of them, where headers go
}

// Probed says what an eBPF program has seen of a call, at the functions of the network that
// take an sk_buff.
type Probed struct {
	Functions int   `json:"functions"`       // at which it stood
	Entered   int   `json:"entered"`         // of these, those that the thread came to within the call
	Lost      int   `json:"lost,omitempty"`  // how often it had no room for what it saw
	OnNS      int64 `json:"on_ns,omitempty"` // how long it took to put it there

	Unvisited []string `json:"unvisited,omitempty"` // those of Entered that are no Visit: no tracepoint has told of them
}

// A taker is a function that is given a pointer to an sk_buff.
type taker struct {
	function  string
	parameter int // from 0
}

// registers are where a function finds its first parameters: the offsets in struct pt_regs
// of the registers that the C calling convention of the processor says.
var registers = map[string][]int16{
	"amd64": {112, 104, 96, 88, 72}, // di, si, dx, cx, r8
	"arm64": {0, 8, 16, 24, 32},     // x0 to x4
}[runtime.GOARCH]

// NoMulti says that a kernel cannot put a program at many functions at once. It can from
// Linux 5.18 on, where it was built with CONFIG_FPROBE.
const NoMulti = "no kprobe.multi"

// takers are the functions of the running kernel's network that take an sk_buff, and that
// may be traced. To find them takes longer than a call. The error says why none are asked.
var takers = sync.OnceValues(func() (all []taker, err error) {
	if err := multi(); err != nil {
		return nil, err
	}
	if _, err := types.Kernel(); err != nil {
		return nil, deniedAt("/sys/kernel/btf/vmlinux", err)
	}
	traceable, err := traceable()
	if err != nil {
		return nil, err
	}
	for function, layer := range Functions().layers() {
		in := traceable[function]
		if layer == "" || layer == SystemCall || layer == Softirq || len(in) != 1 { // of two with one name it is not known which is meant
			continue
		}
		told, err := types.Module(in[0])
		if err != nil { // a module tells none
			continue
		}
		var f *btf.Func
		if told.TypeByName(function, &f) != nil {
			continue
		}
		if n := takesSkBuff(f); n >= 0 && n < len(registers) {
			all = append(all, taker{function, n})
		}
	}
	if len(all) == 0 {
		return nil, errors.New("none of the network's functions may be traced")
	}
	return all, nil
})

// multi reports with its error whether this kernel puts a program at many functions, at once
// by their names: where it does it looks for a function that there is not.
func multi() error {
	nothing, err := ebpf.NewProgram(enters(asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}))
	if err != nil {
		return deniedAt("bpf(2) for kprobe.multi", err)
	}
	defer nothing.Close()
	attached, err := link.KprobeMulti(nothing, link.KprobeMultiOptions{Symbols: []string{"no function of a kernel"}})
	switch {
	case err == nil:
		attached.Close()
		return nil
	case errors.Is(err, os.ErrNotExist):
		return nil
	case errors.Is(err, ebpf.ErrNotSupported):
		return errors.New(NoMulti)
	}
	return deniedAt("bpf(2) for kprobe.multi", err)
}

// enters is a program that runs as a function is entered.
func enters(does asm.Instructions) *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{Name: "fd3_enter", Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceKprobeMulti, License: "GPL", Instructions: does}
}

// traceable are the functions of the running kernel that may be traced: for each of that name
// the module that it is in, or an empty one.
func traceable() (map[string][]string, error) {
	fs, err := openTracefs()
	if err != nil {
		return nil, err
	}
	defer fs.close()
	const file = "available_filter_functions"
	text, err := read(fs.dir, file)
	if err != nil {
		return nil, deniedAt(file+" of tracefs", err)
	}
	all := make(map[string][]string)
	for line := range strings.Lines(string(text)) { // "name", with " [module]" behind it
		function, module, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[function] = append(all[function], strings.Trim(module, "[]"))
	}
	return all, nil
}

// takesSkBuff is which of its parameters is the first pointer to an sk_buff; -1: none is.
func takesSkBuff(f *btf.Func) int {
	proto, ok := f.Type.(*btf.FuncProto)
	if !ok {
		return -1
	}
	return slices.IndexFunc(proto.Params, func(p btf.FuncParam) bool {
		pointer, ok := p.Type.(*btf.Pointer)
		if !ok {
			return false
		}
		to, ok := btf.UnderlyingType(pointer.Target).(*btf.Struct)
		return ok && to.Name == "sk_buff"
	})
}

// A probe is a program at the takers, which notes what their sk_buffs say while a thread
// comes through. It ends with the last descriptor of its link, as this process does.
type probe struct {
	entered, count *ebpf.Map
	loaded         *ebpf.Program
	link           link.Link
	at             []taker
	on             time.Duration // that it took to put it there
}

// mostEntered is how many times a function may be entered.
const mostEntered = 1 << 14

// What is noted each time.
const (
	enteredAt       = 0  // u64: CLOCK_MONOTONIC, in nanoseconds
	enteredFunction = 8  // u32: its place among the takers
	enteredLen      = 12 // u32
	enteredHeadroom = 16 // u32
	enteredSize     = 24
)

// newProbe puts a program at the takers, for one thread.
func newProbe(tid int) (*probe, error) {
	all, err := takers()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	p, err := loadProbe(tid)
	if err == nil {
		err = p.attach(all)
	}
	if err != nil {
		p.close()
		return nil, deniedAt("bpf(2) for kprobe.multi", err)
	}
	p.on = time.Since(start)
	return p, nil
}

// loadProbe loads the program, and what it notes into.
func loadProbe(tid int) (p *probe, err error) {
	p = &probe{}
	if p.entered, err = ebpf.NewMap(&ebpf.MapSpec{Name: "fd3_entered", Type: ebpf.Array, KeySize: 4, ValueSize: enteredSize, MaxEntries: mostEntered}); err != nil {
		return p, err
	}
	if p.count, err = ebpf.NewMap(&ebpf.MapSpec{Name: "fd3_count", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}); err != nil {
		return p, err
	}
	does, err := p.program(tid)
	if err == nil {
		p.loaded, err = ebpf.NewProgram(enters(does))
	}
	return p, err
}

// attach puts the program at functions.
func (p *probe) attach(functions []taker) (err error) {
	p.at = functions
	var at link.KprobeMultiOptions
	for n, f := range functions {
		at.Symbols = append(at.Symbols, f.function)
		at.Cookies = append(at.Cookies, uint64(n)<<8|uint64(f.parameter))
	}
	p.link, err = link.KprobeMulti(p.loaded, at)
	return err
}

// program notes what the sk_buff says that a function was given. Its cookie says which
// function that is, and which of its parameters.
func (p *probe) program(tid int) (asm.Instructions, error) {
	const (
		out   = "out"
		given = "given"
		room  = -8
		begin = -16
		bytes = -24
		key   = -28
	)
	fetchAdd := asm.FetchAdd.Mem(asm.R0, asm.R1, asm.DWord, 0)
	fetchAdd.Constant = 1 // BPF_FETCH, which cilium/ebpf 0.22.0 leaves out
	does := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.FnGetCurrentPidTgid.Call(), asm.LSh.Imm(asm.R0, 32), asm.RSh.Imm(asm.R0, 32), asm.JNE.Imm(asm.R0, int32(tid), out),
		asm.Mov.Reg(asm.R1, asm.R6), asm.FnGetAttachCookie.Call(), asm.Mov.Reg(asm.R7, asm.R0),
		asm.Mov.Reg(asm.R1, asm.R7), asm.And.Imm(asm.R1, 0xff), asm.RSh.Imm(asm.R7, 8),
	}
	for n, register := range registers {
		next := fmt.Sprintf("not %d", n)
		does = append(does, asm.JNE.Imm(asm.R1, int32(n), next), asm.LoadMem(asm.R8, asm.R6, register, asm.DWord), asm.Ja.Label(given),
			asm.Mov.Imm(asm.R0, 0).WithSymbol(next))
	}
	does = append(does, asm.Ja.Label(out), asm.Mov.Imm(asm.R0, 0).WithSymbol(given))
	for _, m := range []struct {
		name     string
		to, size int32
	}{{"len", bytes, 4}, {"head", begin, 8}, {"data", room, 8}} {
		at, err := types.Offset("sk_buff", m.name)
		if err != nil {
			return nil, err
		}
		does = append(does, asm.Mov.Reg(asm.R1, asm.RFP), asm.Add.Imm(asm.R1, m.to), asm.Mov.Imm(asm.R2, m.size), asm.Mov.Reg(asm.R3, asm.R8), asm.Add.Imm(asm.R3, int32(at)),
			asm.FnProbeReadKernel.Call(), asm.JNE.Imm(asm.R0, 0, out))
	}
	element := func(m *ebpf.Map) asm.Instructions {
		return asm.Instructions{asm.LoadMapPtr(asm.R1, m.FD()), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, key), asm.FnMapLookupElem.Call(), asm.JEq.Imm(asm.R0, 0, out)}
	}
	does = append(does, asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.RFP, key, asm.R1, asm.Word))
	does = append(does, element(p.count)...)
	does = append(does, asm.Mov.Imm(asm.R1, 1), fetchAdd, asm.StoreMem(asm.RFP, key, asm.R1, asm.Word))
	does = append(does, element(p.entered)...)
	return append(does, asm.Mov.Reg(asm.R9, asm.R0),
		asm.StoreMem(asm.R9, enteredFunction, asm.R7, asm.Word),
		asm.LoadMem(asm.R1, asm.RFP, bytes, asm.Word), asm.StoreMem(asm.R9, enteredLen, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.RFP, room, asm.DWord), asm.LoadMem(asm.R2, asm.RFP, begin, asm.DWord), asm.Sub.Reg(asm.R1, asm.R2), asm.StoreMem(asm.R9, enteredHeadroom, asm.R1, asm.Word),
		asm.FnKtimeGetNs.Call(), asm.StoreMem(asm.R9, enteredAt, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol(out), asm.Return()), nil
}

// An entry is a function that was entered with an sk_buff.
type entry struct {
	function string
	at       time.Duration // by CLOCK_MONOTONIC
	SkBuff
}

// end takes the program away, and returns what it has noted, in the order in which it came.
func (p *probe) end() (all []entry, lost int, err error) {
	p.link.Close()
	var count uint64
	if err := p.count.Lookup(uint32(0), &count); err != nil {
		return nil, 0, err
	}
	number := binary.NativeEndian
	for n := range min(count, mostEntered) {
		note, err := p.entered.LookupBytes(uint32(n))
		if err != nil {
			return nil, 0, err
		}
		all = append(all, entry{p.at[number.Uint32(note[enteredFunction:])].function, time.Duration(number.Uint64(note[enteredAt:])),
			SkBuff{int(number.Uint32(note[enteredLen:])), int(number.Uint32(note[enteredHeadroom:]))}})
	}
	return all, int(count) - len(all), nil
}

// close ends it.
func (p *probe) close() {
	if p == nil {
		return
	}
	if p.link != nil {
		p.link.Close()
	}
	p.loaded.Close() // which does nothing where there is none
	p.entered.Close()
	p.count.Close()
}

// precision is how far the time of a record may be from the moment: it is told in whole
// microseconds.
const precision = 500 * time.Nanosecond

// active returns what the sk_buffs said of functions, the outermost first, which were
// entered after one record and were active in the next one: each was entered before those
// that it has called. It is nil for one that has not told.
func active(entered []entry, functions []string, after, until time.Duration) []*SkBuff {
	all := make([]*SkBuff, len(functions))
	end, _ := slices.BinarySearchFunc(entered, until+precision, func(e entry, t time.Duration) int { return int(e.at - t) })
	for n, function := range slices.Backward(functions) {
		for i := end - 1; i >= 0 && entered[i].at > after-precision; i-- {
			if entered[i].function == function {
				all[n], end = &entered[i].SkBuff, i
				break
			}
		}
	}
	return all
}

// distinct are the functions that were entered within a call, each once, in their order; took is
// 0 where it has not returned.
func distinct(entered []entry, took time.Duration) (all []string) {
	seen := make(map[string]bool)
	for _, e := range entered {
		if e.at > -precision && (took == 0 || e.at < took+precision) && !seen[e.function] {
			seen[e.function] = true
			all = append(all, e.function)
		}
	}
	return all
}
