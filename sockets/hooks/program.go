package hooks

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// A Line is an instruction of a program, or a part of a rule.
type Line struct {
	Code string `json:"code"`           // as the kernel's verifier writes it, or nft(8)
	Does string `json:"does,omitempty"` // what it and those below it do; empty: the same as the one above
}

// A given is what an eBPF program of one type is given of a packet (bpf-helpers(7),
// struct __sk_buff and struct xdp_md of linux/bpf.h).
type given struct {
	program    ebpf.ProgramType
	attach     ebpf.AttachType
	data, end  int16 // where it says where the packet begins, and ends; 0, 0: the packet cannot be read directly
	udp        int16 // where the header of UDP begins in the packet
	pass, drop verdict
}

// A verdict is what a program returns.
type verdict struct {
	value int32
	name  string
}

var contexts = map[string]given{
	"cgroup-egress":  {ebpf.CGroupSKB, ebpf.AttachCGroupInetEgress, 76, 80, 20, verdict{1, "let it pass"}, verdict{0, "drop it"}},
	"cgroup-ingress": {ebpf.CGroupSKB, ebpf.AttachCGroupInetIngress, 76, 80, 20, verdict{1, "let it pass"}, verdict{0, "drop it"}},
	"tc-egress":      {ebpf.SchedCLS, ebpf.AttachTCXEgress, 76, 80, 34, verdict{-1, "TC_ACT_UNSPEC: whoever is next decides"}, verdict{shot, "TC_ACT_SHOT: drop it"}},
	"tc-ingress":     {ebpf.SchedCLS, ebpf.AttachTCXIngress, 76, 80, 34, verdict{-1, "TC_ACT_UNSPEC: whoever is next decides"}, verdict{shot, "TC_ACT_SHOT: drop it"}},
	"xdp":            {ebpf.XDP, ebpf.AttachXDP, 0, 4, 34, verdict{2, "XDP_PASS: let it pass"}, verdict{1, "XDP_DROP: drop it"}},
	"sockops":        {ebpf.SockOps, ebpf.AttachCGroupSockOps, 0, 0, 0, verdict{1, "go on"}, verdict{0, "no: the kernel takes that for no answer, and goes on"}},
	"socket":         {ebpf.SocketFilter, ebpf.AttachNone, 0, 0, 0, verdict{0xffff, "so many bytes may pass: all"}, verdict{0, "no byte may pass: drop it"}},
}

// shot is TC_ACT_SHOT of linux/pkt_cls.h.
const shot = 2

// The record of a program: one value of an array map.
const (
	recordTime   = 0  // u64: when it saw the packet last, by CLOCK_MONOTONIC
	recordLength = 8  // u32: how long that was
	recordCount  = 12 // u32: how many it saw
	recordSize   = 16
)

// The registers that a program keeps across calls.
const (
	ctx    = asm.R6
	record = asm.R7
	packet = asm.R8
)

// A program is instructions, with what they do.
type program struct {
	asm.Instructions
	does []string
}

func (p *program) add(does string, all ...asm.Instruction) {
	for _, ins := range all {
		p.Instructions = append(p.Instructions, ins)
		p.does = append(p.does, does)
		does = ""
	}
}

// The labels of a program.
const (
	passes = "pass"
)

// write returns the program for a place. It acts on datagrams to a port, counts them in a
// map, and does what the verb says. With unchecked it does not look whether the packet is
// as long as it reads.
func (c given) write(o put, records *ebpf.Map) *program {
	if c.program == ebpf.SockOps {
		return c.writeMoments(o, records)
	}
	p := &program{}
	p.add("r1 is what the kernel gives: a description of the packet. Keep it", asm.Mov.Reg(ctx, asm.R1))
	if c.end != 0 {
		c.match(p, o)
	}
	c.keep(p, records)
	switch {
	case o.Verb == Drop:
		p.add(c.drop.name, asm.Mov.Imm(asm.R0, c.drop.value), asm.Return())
	case o.Verb == Redirect:
		p.add("out of another interface", asm.Mov.Imm(asm.R1, int32(o.aside)), asm.Mov.Imm(asm.R2, 0), asm.FnRedirect.Call(), asm.Return())
	case o.Verb == Rewrite && c.program == ebpf.XDP:
		c.overwrite(p)
	case o.Verb == Rewrite:
		c.rewrite(p)
	}
	p.add(c.pass.name, asm.Mov.Imm(asm.R0, c.pass.value).WithSymbol(passes), asm.Return())
	return p
}

// match lets all pass that is not for the port.
func (c given) match(p *program, o put) {
	p.add("where the packet begins, and where it ends", asm.LoadMem(packet, ctx, c.data, asm.Word), asm.LoadMem(asm.R3, ctx, c.end, asm.Word))
	if !o.Unchecked {
		p.add("is it as long as what is read below? Without this the kernel takes no such program",
			asm.Mov.Reg(asm.R2, packet), asm.Add.Imm(asm.R2, int32(c.udp)+4), asm.JGT.Reg(asm.R2, asm.R3, passes))
	}
	p.add(fmt.Sprintf("the destination port of UDP is at byte %d here: is it %d?", c.udp+2, o.Port),
		asm.LoadMem(asm.R2, packet, c.udp+2, asm.Half), asm.HostTo(asm.BE, asm.R2, asm.Half), asm.JNE.Imm(asm.R2, int32(o.Port), passes))
}

// keep notes what the program sees.
func (c given) keep(p *program, records *ebpf.Map) {
	p.add("find the record, entry 0 of a map",
		asm.StoreImm(asm.RFP, -4, 0, asm.Word), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -4), asm.LoadMapPtr(asm.R1, records.FD()),
		asm.FnMapLookupElem.Call(), asm.JEq.Imm(asm.R0, 0, passes), asm.Mov.Reg(record, asm.R0))
	p.add("note the time", asm.FnKtimeGetNs.Call(), asm.StoreMem(record, recordTime, asm.R0, asm.DWord))
	length := []asm.Instruction{asm.LoadMem(asm.R1, ctx, 0, asm.Word)}
	if c.program == ebpf.XDP {
		length = []asm.Instruction{asm.LoadMem(asm.R2, ctx, c.data, asm.Word), asm.LoadMem(asm.R1, ctx, c.end, asm.Word), asm.Sub.Reg(asm.R1, asm.R2)}
	}
	p.add("note the packet's length", append(length, asm.StoreMem(record, recordLength, asm.R1, asm.Word))...)
	p.add("and count", asm.LoadMem(asm.R1, record, recordCount, asm.Word), asm.Add.Imm(asm.R1, 1), asm.StoreMem(record, recordCount, asm.R1, asm.Word))
}

// rewrite has the kernel's helpers change the packet.
func (c given) rewrite(p *program) {
	ip := int32(c.udp) - 20
	if c.end != 0 {
		p.add("the first two bytes of the IP header, as they are, and with another type of service",
			asm.LoadMem(record, packet, int16(ip), asm.Half), asm.StoreMem(asm.RFP, -8, record, asm.Half),
			asm.StoreImm(asm.RFP, -7, Service, asm.Byte), asm.LoadMem(asm.R4, asm.RFP, -8, asm.Half))
		p.add("mend the header's checksum",
			asm.Mov.Reg(asm.R1, ctx), asm.Mov.Imm(asm.R2, ip+10), asm.Mov.Reg(asm.R3, record), asm.Mov.Imm(asm.R5, 2), asm.FnL3CsumReplace.Call())
	} else {
		ip = 0
		p.add("another type of service", asm.StoreImm(asm.RFP, -7, Service, asm.Byte))
	}
	p.add("write that byte into the packet",
		asm.Mov.Reg(asm.R1, ctx), asm.Mov.Imm(asm.R2, ip+1), asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, -7), asm.Mov.Imm(asm.R4, 1), asm.Mov.Imm(asm.R5, 0),
		asm.FnSkbStoreBytes.Call())
}

// overwrite writes into the packet itself. The type of service was 0, so the checksum
// becomes less by the new one, in one's complement (RFC 1624).
func (c given) overwrite(p *program) {
	ip := c.udp - 20
	p.add("another type of service, straight into the packet", asm.StoreImm(packet, ip+1, Service, asm.Byte))
	p.add("mend the header's checksum: less by as much, in one's complement",
		asm.LoadMem(asm.R1, packet, ip+10, asm.Half), asm.HostTo(asm.BE, asm.R1, asm.Half), asm.Add.Imm(asm.R1, 0xffff-Service),
		asm.Mov.Reg(asm.R2, asm.R1), asm.RSh.Imm(asm.R2, 16), asm.And.Imm(asm.R1, 0xffff), asm.Add.Reg(asm.R1, asm.R2),
		asm.HostTo(asm.BE, asm.R1, asm.Half), asm.StoreMem(packet, ip+10, asm.R1, asm.Half))
}

// lines returns the program as the kernel's verifier writes it (kernel/bpf/disasm.c).
func (p *program) lines() []Line {
	at := map[string]int{}
	number := 0
	numbers := make([]int, len(p.Instructions))
	for i, ins := range p.Instructions {
		if ins.Symbol() != "" {
			at[ins.Symbol()] = number
		}
		numbers[i] = number
		number += int(ins.Size() / asm.InstructionSize)
	}
	lines := make([]Line, len(p.Instructions))
	for i, ins := range p.Instructions {
		lines[i] = Line{fmt.Sprintf("%d: %s", numbers[i], code(ins, numbers[i], at)), p.does[i]}
	}
	return lines
}

var sizes = map[asm.Size]string{asm.Byte: "u8", asm.Half: "u16", asm.Word: "u32", asm.DWord: "u64"}

// code is one instruction. Only those are known that programs here have.
func code(ins asm.Instruction, number int, at map[string]int) string {
	op := ins.OpCode
	dst, src := fmt.Sprintf("r%d", ins.Dst), fmt.Sprintf("r%d", ins.Src)
	memory := func(register string) string {
		return fmt.Sprintf("*(%s *)(%s %+d)", sizes[op.Size()], register, ins.Offset)
	}
	operand := src
	if op.Source() == asm.ImmSource {
		operand = fmt.Sprint(ins.Constant)
	}
	switch op.Class() {
	case asm.LdClass:
		return fmt.Sprintf("%s = map", dst)
	case asm.LdXClass:
		return fmt.Sprintf("%s = %s", dst, memory(src))
	case asm.StClass:
		return fmt.Sprintf("%s = %d", memory(dst), ins.Constant)
	case asm.StXClass:
		return fmt.Sprintf("%s = %s", memory(dst), src)
	case asm.ALUClass, asm.ALU64Class:
		switch op.ALUOp() {
		case asm.Mov:
			return fmt.Sprintf("%s = %s", dst, operand)
		case asm.Swap:
			return fmt.Sprintf("%s = be%d %[1]s", dst, ins.Constant)
		}
		sign := map[asm.ALUOp]string{asm.Add: "+=", asm.Sub: "-=", asm.And: "&=", asm.RSh: ">>="}[op.ALUOp()]
		return fmt.Sprintf("%s %s %s", dst, sign, operand)
	case asm.JumpClass:
		switch op.JumpOp() {
		case asm.Exit:
			return "exit"
		case asm.Call:
			return fmt.Sprintf("call %s", helper(asm.BuiltinFunc(ins.Constant)))
		}
		sign := map[asm.JumpOp]string{asm.JEq: "==", asm.JNE: "!=", asm.JGT: ">"}[op.JumpOp()]
		return fmt.Sprintf("if %s %s %s goto %d", dst, sign, operand, at[ins.Reference()])
	}
	return fmt.Sprint(ins)
}

// helper is the name of a function that the kernel has for programs, bpf-helpers(7).
func helper(f asm.BuiltinFunc) string {
	switch f {
	case asm.FnMapLookupElem:
		return "bpf_map_lookup_elem"
	case asm.FnMapPushElem:
		return "bpf_map_push_elem"
	case asm.FnKtimeGetNs:
		return "bpf_ktime_get_ns"
	case asm.FnSockOpsCbFlagsSet:
		return "bpf_sock_ops_cb_flags_set"
	case asm.FnSetsockopt:
		return "bpf_setsockopt"
	case asm.FnRedirect:
		return "bpf_redirect"
	case asm.FnL3CsumReplace:
		return "bpf_l3_csum_replace"
	case asm.FnSkbStoreBytes:
		return "bpf_skb_store_bytes"
	}
	return f.String()
}
