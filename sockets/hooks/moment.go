package hooks

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"fd3/sockets/kernel"
)

// A Moment is one in the life of a connection at which the kernel has called a program at
// sockops.
type Moment struct {
	Name    string         `json:"name"`            // of linux/bpf.h, without BPF_SOCK_OPS_ and _CB
	State   string         `json:"state,omitempty"` // of the socket; with STATE the one that it leaves
	To      string         `json:"to,omitempty"`    // STATE: the one that it comes to
	Local   netip.AddrPort `json:"local"`
	Remote  netip.AddrPort `json:"remote"`            // the zero port: it has no peer yet
	TimeNS  int64          `json:"time_ns"`           // by CLOCK_MONOTONIC
	Request bool           `json:"request,omitempty"` // it is of a connection that has no socket yet
}

// moments are the names of the moments, by their numbers.
var moments = []string{"VOID", "TIMEOUT_INIT", "RWND_INIT", "TCP_CONNECT", "ACTIVE_ESTABLISHED", "PASSIVE_ESTABLISHED", "NEEDS_ECN", "BASE_RTT",
	"RTO", "RETRANS", "STATE", "TCP_LISTEN", "RTT", "PARSE_HDR_OPT", "HDR_OPT_LEN", "WRITE_HDR_OPT"}

// Those that a program here treats in its own way.
const (
	connecting   = 3
	changesState = 10
)

// asked are BPF_SOCK_OPS_RTO_CB_FLAG, BPF_SOCK_OPS_RETRANS_CB_FLAG and
// BPF_SOCK_OPS_STATE_CB_FLAG of linux/bpf.h: of these moments a program hears on request.
const asked = 1 | 2 | 4

// The fields of struct bpf_sock_ops (linux/bpf.h) in which a program reads.
const (
	opsOp         = 0
	opsArgs       = 4
	opsRemoteIP   = 24
	opsLocalIP    = 28
	opsRemotePort = 64
	opsLocalPort  = 68
	opsFull       = 72
	opsState      = 88
)

// The record of a moment: one value of a queue.
const (
	momentTime   = 0 // u64
	momentOp     = 8 // u32, as what follows
	momentState  = 12
	momentOld    = 16
	momentNew    = 20
	momentLocal  = 24 // the address, in the order of the network
	momentRemote = 28
	momentFrom   = 32 // the port
	momentTo     = 36 // the port, in the order of the network
	momentFull   = 40
	momentSize   = 48
	mostMoments  = 64
)

// newQueue makes the map into which a program puts moments.
func newQueue() (*ebpf.Map, error) {
	return ebpf.NewMap(&ebpf.MapSpec{Name: "fd3", Type: ebpf.Queue, ValueSize: momentSize, MaxEntries: mostMoments})
}

// writeMoments returns the program for sockops. It gets no packet: it is called at moments
// of a connection, and what it returns stops nothing.
func (c given) writeMoments(o put, records *ebpf.Map) *program {
	p := &program{}
	const on = -momentSize // where the record is on the stack
	p.add("r1 is what the kernel gives: a description of a connection, and of the moment. Keep it", asm.Mov.Reg(ctx, asm.R1))
	p.add("note the time", asm.FnKtimeGetNs.Call(), asm.StoreMem(asm.RFP, on+momentTime, asm.R0, asm.DWord))
	note := func(does string, fields ...[2]int16) {
		for _, f := range fields {
			p.add(does, asm.LoadMem(asm.R1, ctx, f[0], asm.Word), asm.StoreMem(asm.RFP, on+f[1], asm.R1, asm.Word))
			does = ""
		}
	}
	p.add("which moment it is", asm.LoadMem(record, ctx, opsOp, asm.Word), asm.StoreMem(asm.RFP, on+momentOp, record, asm.Word))
	note("the state of the socket", [2]int16{opsState, momentState})
	note("where the state changes: the old one, and the new one", [2]int16{opsArgs, momentOld}, [2]int16{opsArgs + 4, momentNew})
	note("both addresses, and both ports", [2]int16{opsLocalIP, momentLocal}, [2]int16{opsRemoteIP, momentRemote}, [2]int16{opsLocalPort, momentFrom}, [2]int16{opsRemotePort, momentTo})
	note("whether there is a whole socket yet", [2]int16{opsFull, momentFull})
	p.add("", asm.StoreImm(asm.RFP, on+momentFull+4, 0, asm.Word))
	p.add("put all that into a queue", asm.LoadMapPtr(asm.R1, records.FD()), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, on), asm.Mov.Imm(asm.R3, 0), asm.FnMapPushElem.Call())
	p.add("ask to be called when the state changes, and when something is sent again", asm.Mov.Reg(asm.R1, ctx), asm.Mov.Imm(asm.R2, asked), asm.FnSockOpsCbFlagsSet.Call())
	switch o.Verb {
	case Rewrite:
		p.add("is it connect, before there is a packet?", asm.JNE.Imm(record, connecting, passes))
		p.add(fmt.Sprintf("set an option of the socket: IP_TOS, %#x", Service), asm.StoreImm(asm.RFP, on+momentOp, Service, asm.Word),
			asm.Mov.Reg(asm.R1, ctx), asm.Mov.Imm(asm.R2, unix.SOL_IP), asm.Mov.Imm(asm.R3, unix.IP_TOS), asm.Mov.Reg(asm.R4, asm.RFP), asm.Add.Imm(asm.R4, on+momentOp), asm.Mov.Imm(asm.R5, 4), asm.FnSetsockopt.Call())
	case Redirect:
		p.add("out of another interface", asm.Mov.Imm(asm.R1, int32(o.aside)), asm.Mov.Imm(asm.R2, 0), asm.FnRedirect.Call())
	}
	end := c.pass
	if o.Verb == Drop {
		end = c.drop
	}
	p.add(end.name, asm.Mov.Imm(asm.R0, end.value).WithSymbol(passes), asm.Return())
	return p
}

// takeMoments takes what is in the queue.
func takeMoments(queue *ebpf.Map) (all []Moment) {
	for {
		var value [momentSize]byte
		if queue.LookupAndDelete(nil, &value) != nil {
			return all
		}
		all = append(all, readMoment(value[:]))
	}
}

func readMoment(b []byte) (m Moment) {
	number := func(at int) int { return int(binary.NativeEndian.Uint32(b[at:])) }
	end := func(address, port int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[address:])), uint16(port))
	}
	m.TimeNS = int64(binary.NativeEndian.Uint64(b[momentTime:]))
	m.Name, m.State = fmt.Sprint(number(momentOp)), kernel.State(number(momentState)).String()
	if op := number(momentOp); op < len(moments) {
		m.Name = moments[op]
	}
	if number(momentOp) == changesState {
		m.State, m.To = kernel.State(number(momentOld)).String(), kernel.State(number(momentNew)).String()
	}
	m.Local, m.Remote = end(momentLocal, number(momentFrom)), end(momentRemote, int(binary.BigEndian.Uint32(b[momentTo:])))
	m.Request = number(momentFull) == 0
	return m
}
