package watch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"fd3/sockets/kernel/types"
)

// tracepoints are eBPF programs at tracepoints of the kernel (raw_syscalls and sched), which
// say what the processes do that are followed. They only read. The kernel removes them with
// their last descriptor, also when this process is killed.
type tracepoints struct {
	processes *ebpf.Map // that are followed, and whether their calls are counted
	pending   *ebpf.Map // the calls that threads have entered, by thread
	wanted    *ebpf.Map // by number of the call: what to do with it
	room      *ebpf.Map // for a record, on each CPU
	pause     *ebpf.Map // until when calls are only counted that are of no more interest
	counted   *ebpf.Map // how many these are, by socket
	before    *ebpf.Map // how often a process has made each call before its first on a socket; nil: that is not counted
	none      *ebpf.Map // what there stands at first
	ring      *ebpf.Map
	programs  []*ebpf.Program
	links     []link.Link // each with its descriptor
	reader    *ringbuf.Reader
}

const (
	mostProcesses = 1 << 14
	mostPending   = 1 << 16
	mostNumbers   = 512
	mostCounted   = 1 << 16
	mostBefore    = 1 << 10
	sizeBefore    = 4 * mostNumbers
	sizeRing      = 8 << 20
)

// What stands with a process that is followed.
const (
	isFollowed = 1
	isNew      = 2 // and has made no call on a socket since it began or was executed: its calls are counted
)

// What is to be done with a call: the first byte has these, the next two are registers that
// are descriptors.
const (
	isWanted    = 1
	isAlways    = 2
	isSkippable = 4
	noRegister  = 6
	sizeWanted  = 4
	wantFirst   = 1
	wantSecond  = 2
	initPIDs    = 0xEFFFFFFC // the inode of the first namespace of pids (PROC_PID_INIT_INO)
	groupExited = 4          // SIGNAL_GROUP_EXIT
)

// openTracepoints loads and attaches the programs. The processes are still to be named.
// With before, the calls of each that begins or is executed later are counted until its first
// one on a socket. Close has to follow.
func openTracepoints(before bool) (t *tracepoints, err error) {
	t = &tracepoints{}
	defer func() {
		if err != nil {
			t.close()
			t = nil
		}
	}()
	var space unix.Stat_t
	if err := unix.Stat("/proc/self/ns/pid", &space); err != nil || space.Ino != initPIDs {
		return t, errors.New("the kernel's programs see other numbers of processes than this namespace of pids has")
	}
	type room struct {
		to   **ebpf.Map
		spec ebpf.MapSpec
	}
	rooms := []room{
		{&t.processes, ebpf.MapSpec{Name: "fd3_processes", Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: mostProcesses}},
		{&t.pending, ebpf.MapSpec{Name: "fd3_pending", Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: mostPending}},
		{&t.wanted, ebpf.MapSpec{Name: "fd3_wanted", Type: ebpf.Array, KeySize: 4, ValueSize: sizeWanted, MaxEntries: mostNumbers}},
		{&t.room, ebpf.MapSpec{Name: "fd3_room", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: (sizeRecord + 7) &^ 7, MaxEntries: 1}},
		{&t.pause, ebpf.MapSpec{Name: "fd3_pause", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}},
		{&t.counted, ebpf.MapSpec{Name: "fd3_counted", Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: mostCounted}},
		{&t.ring, ebpf.MapSpec{Name: "fd3_ring", Type: ebpf.RingBuf, MaxEntries: sizeRing}},
	}
	if before {
		rooms = append(rooms,
			room{&t.before, ebpf.MapSpec{Name: "fd3_before", Type: ebpf.Hash, KeySize: 4, ValueSize: sizeBefore, MaxEntries: mostBefore}},
			room{&t.none, ebpf.MapSpec{Name: "fd3_none", Type: ebpf.Array, KeySize: 4, ValueSize: sizeBefore, MaxEntries: 1}})
	}
	for _, m := range rooms {
		if *m.to, err = ebpf.NewMap(&m.spec); err != nil {
			return t, err
		}
	}
	o, err := kernelOffsets() // not before: where nothing may be loaded it would be read for nothing
	if err != nil {
		return t, err
	}
	for number, i := range interests {
		want := [sizeWanted]byte{isWanted, noRegister, noRegister}
		if i.always || i.waits || len(i.fds) == 0 {
			want[0] |= isAlways
		}
		if i.skippable {
			want[0] |= isSkippable
		}
		for k, register := range i.fds {
			want[wantFirst+k] = byte(register)
		}
		if number < 0 || number >= mostNumbers {
			continue
		}
		if err := t.wanted.Put(uint32(number), want); err != nil {
			return t, err
		}
	}
	if t.reader, err = ringbuf.NewReader(t.ring); err != nil {
		return t, err
	}
	for _, p := range []struct {
		at    string
		write func(*listing)
	}{{"sys_exit", t.returned}, {"sched_process_exit", t.ended}, {"sched_process_exec", t.executed}, {"sched_process_fork", t.forked}, {"sys_enter", t.entered}} {
		written := listing{offsets: o}
		p.write(&written)
		loaded, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "fd3_" + p.at, Type: ebpf.RawTracepoint, License: "GPL", Instructions: written.Instructions})
		if err != nil {
			return t, fmt.Errorf("%s: %w", p.at, err)
		}
		t.programs = append(t.programs, loaded)
		l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: p.at, Program: loaded})
		if err != nil {
			return t, fmt.Errorf("%s: %w", p.at, err)
		}
		t.links = append(t.links, l)
	}
	return t, nil
}

// close removes all of it.
func (t *tracepoints) close() {
	for _, l := range t.links {
		l.Close()
	}
	for _, p := range t.programs {
		p.Close()
	}
	if t.reader != nil {
		t.reader.Close()
	}
	for _, m := range []*ebpf.Map{t.processes, t.pending, t.wanted, t.room, t.pause, t.counted, t.before, t.none, t.ring} {
		m.Close() // which does nothing where there is none
	}
}

// entered says that a call is entered. Its arguments are those of the tracepoint: the
// registers, the number.
func (t *tracepoints) entered(p *listing) {
	send := "send"
	p.followed(t.processes.FD())
	p.add(asm.LoadMem(asm.R7, asm.R6, 8, asm.DWord), asm.LoadMem(asm.R8, asm.R0, 0, asm.Word))
	p.push(onState, asm.R8)
	if t.before != nil {
		rest := p.fresh()
		p.add(asm.JNE.Imm(asm.R8, isNew, rest), asm.JGE.Imm(asm.R7, mostNumbers, rest))
		p.lookup(t.before.FD(), rest)
		p.add(asm.Mov.Reg(asm.R1, asm.R7), asm.LSh.Imm(asm.R1, 2), asm.Add.Reg(asm.R0, asm.R1), asm.Mov.Imm(asm.R1, 1), asm.StoreXAdd(asm.R0, asm.R1, asm.Word))
		p.here(rest)
	}
	p.add(asm.StoreMem(asm.RFP, onKey, asm.R7, asm.Word))
	p.lookup(t.wanted.FD(), out)
	p.add(asm.LoadMem(asm.R1, asm.R0, 0, asm.Word), asm.JEq.Imm(asm.R1, 0, out))
	p.push(onAddress, asm.R1)
	p.head(t.room.FD(), callEntered)
	p.store(atNumber, asm.R7, asm.Word)
	p.arguments()
	for i := range 2 {
		none := p.fresh()
		p.pop(asm.R1, onAddress)
		p.add(asm.RSh.Imm(asm.R1, int32(8*(wantFirst+i))), asm.And.Imm(asm.R1, 7), asm.JEq.Imm(asm.R1, noRegister, none),
			asm.LSh.Imm(asm.R1, 3), asm.Add.Reg(asm.R1, asm.R9), asm.LoadMem(asm.R7, asm.R1, atArgs, asm.DWord))
		p.socket(i)
		p.here(none)
	}
	always := p.fresh()
	p.pop(asm.R1, onAddress)
	p.add(asm.And.Imm(asm.R1, isAlways), asm.JNE.Imm(asm.R1, 0, always))
	p.load(asm.R1, atInodes, asm.DWord)
	p.load(asm.R2, atInodes+8, asm.DWord)
	p.add(asm.Or.Reg(asm.R1, asm.R2), asm.JEq.Imm(asm.R1, 0, out))
	p.here(always)
	t.count(p)
	p.sorts()
	if t.before != nil {
		t.says(p)
	}
	p.parts(send, true)
	p.here(send)
	p.key()
	p.load(asm.R1, atNumber, asm.Word)
	p.load(asm.R2, atMissed, asm.Word)
	p.add(asm.LSh.Imm(asm.R2, 32), asm.Or.Reg(asm.R1, asm.R2))
	p.push(onValue, asm.R1)
	p.update(t.pending.FD())
	p.send(t.ring.FD())
}

// says puts into the record of a process that is new how often it has made each call. If
// this one is on a socket, it is not new any more.
func (t *tracepoints) says(p *listing) {
	rest, first := p.fresh(), p.fresh()
	p.pop(asm.R1, onState)
	p.add(asm.JNE.Imm(asm.R1, isNew, rest))
	p.load(asm.R1, atProcess, asm.Word)
	p.add(asm.StoreMem(asm.RFP, onKey, asm.R1, asm.Word))
	p.lookup(t.before.FD(), rest)
	p.add(asm.Mov.Reg(asm.R3, asm.R0), asm.Mov.Reg(asm.R1, asm.R9), asm.Add.Imm(asm.R1, sizeHead), asm.Mov.Imm(asm.R2, sizeBefore),
		asm.FnProbeReadKernel.Call(), asm.JNE.Imm(asm.R0, 0, rest), asm.Mov.Imm(asm.R1, sizeBefore))
	p.store(atBefore, asm.R1, asm.DWord)
	p.add(asm.Mov.Imm(asm.R1, sizeHead+sizeBefore))
	p.store(atLength, asm.R1, asm.Word)
	p.load(asm.R1, atInodes, asm.DWord)
	p.load(asm.R2, atInodes+8, asm.DWord)
	p.add(asm.Or.Reg(asm.R1, asm.R2), asm.JNE.Imm(asm.R1, 0, first))
	p.load(asm.R1, atNumber, asm.Word)
	p.add(asm.JEq.Imm(asm.R1, unix.SYS_SOCKET, first), asm.JNE.Imm(asm.R1, unix.SYS_SOCKETPAIR, rest))
	p.here(first)
	p.remove(t.before.FD())
	p.add(asm.Mov.Imm(asm.R1, isFollowed))
	p.push(onValue, asm.R1)
	p.update(t.processes.FD())
	p.here(rest)
}

// follows has the process whose number is in R6 be followed. It has begun, or was executed.
func (t *tracepoints) follows(p *listing) {
	state := int32(isFollowed)
	if t.before != nil {
		state = isNew
	}
	p.add(asm.StoreMem(asm.RFP, onKey, asm.R6, asm.Word), asm.Mov.Imm(asm.R1, state))
	p.push(onValue, asm.R1)
	p.update(t.processes.FD())
	if t.before == nil {
		return
	}
	rest := p.fresh()
	p.add(asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.RFP, onKey, asm.R1, asm.Word))
	p.lookup(t.none.FD(), rest)
	p.push(onAddress, asm.R0)
	p.add(asm.StoreMem(asm.RFP, onKey, asm.R6, asm.Word), asm.LoadMapPtr(asm.R1, t.before.FD()), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, onKey))
	p.pop(asm.R3, onAddress)
	p.add(asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call())
	p.here(rest)
}

// count ends the program for a call that is only to be counted. For another, the record says
// how many there were on the socket.
func (t *tracepoints) count(p *listing) {
	tell, first, known, none := p.fresh(), p.fresh(), p.fresh(), p.fresh()
	p.load(asm.R7, atInodes, asm.DWord)
	p.add(asm.JNE.Imm(asm.R7, 0, first))
	p.load(asm.R7, atInodes+8, asm.DWord)
	p.here(first)
	p.pop(asm.R1, onState)
	p.add(asm.JEq.Imm(asm.R1, isNew, tell))
	p.pop(asm.R1, onAddress)
	p.add(asm.And.Imm(asm.R1, isSkippable), asm.JEq.Imm(asm.R1, 0, tell), asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.RFP, onKey, asm.R1, asm.Word))
	p.lookup(t.pause.FD(), tell)
	p.add(asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord))
	p.load(asm.R2, atTime, asm.DWord)
	p.add(asm.JGE.Reg(asm.R2, asm.R1, tell))
	p.push(onKey, asm.R7)
	p.add(asm.Mov.Imm(asm.R1, 1))
	p.push(onValue, asm.R1)
	p.lookup(t.counted.FD(), known)
	p.add(asm.Mov.Imm(asm.R1, 1), asm.StoreXAdd(asm.R0, asm.R1, asm.DWord), asm.Ja.Label(out))
	p.here(known) // not yet
	p.update(t.counted.FD())
	p.add(asm.JEq.Imm(asm.R0, 0, out))
	p.here(tell)
	p.add(asm.Mov.Imm(asm.R1, 0))
	p.store(atCounted, asm.R1, asm.DWord)
	p.push(onKey, asm.R7)
	p.lookup(t.counted.FD(), none)
	p.add(asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord))
	p.store(atCounted, asm.R1, asm.DWord)
	p.remove(t.counted.FD())
	p.here(none)
}

// returned says that a call has returned which was told of. Its arguments are those of the
// tracepoint: the registers, the result.
func (t *tracepoints) returned(p *listing) {
	send := "send"
	p.followed(t.processes.FD())
	p.key()
	p.lookup(t.pending.FD(), out)
	p.add(asm.LoadMem(asm.R7, asm.R0, 0, asm.DWord), asm.LoadMem(asm.R8, asm.R6, 8, asm.DWord))
	p.push(onAddress, asm.R8)
	p.push(onState, asm.R7)
	p.remove(t.pending.FD())
	p.head(t.room.FD(), callReturned)
	p.add(asm.LSh.Imm(asm.R7, 32), asm.RSh.Imm(asm.R7, 32)) // of 32 bits
	p.store(atNumber, asm.R7, asm.Word)
	p.store(atResult, asm.R8, asm.DWord)
	p.arguments()
	made, pair, message, listens, sorts, parts, all := p.fresh(), p.fresh(), p.fresh(), p.fresh(), p.fresh(), p.fresh(), p.fresh()
	p.pop(asm.R8, onAddress)
	p.add(asm.JSLT.Imm(asm.R8, 0, parts))
	for _, number := range makers() {
		p.add(asm.JEq.Imm(asm.R7, int32(number), made))
	}
	p.add(asm.JEq.Imm(asm.R7, unix.SYS_SOCKETPAIR, pair), asm.JEq.Imm(asm.R7, unix.SYS_RECVMSG, message), asm.JEq.Imm(asm.R7, unix.SYS_LISTEN, listens), asm.Ja.Label(parts))
	p.here(made)
	p.add(asm.Mov.Reg(asm.R7, asm.R8))
	p.socket(0)
	p.add(asm.Ja.Label(sorts))
	p.here(pair)
	for i := range 2 {
		p.load(asm.R3, atArgs+8*3, asm.DWord)
		p.add(asm.Add.Imm(asm.R3, int32(4*i)))
		p.read(asm.FnProbeReadUser, onValue, 4, sorts)
		p.add(asm.LoadMem(asm.R7, asm.RFP, onValue, asm.Word))
		p.socket(i)
	}
	p.add(asm.Ja.Label(sorts))
	p.here(listens)
	p.load(asm.R7, atArgs, asm.DWord)
	p.socket(0)
	p.pop(asm.R8, onFiles)
	p.member(asm.R8, p.offsets.private, asm.DWord, parts)
	p.member(asm.R8, p.offsets.sock, asm.DWord, parts)
	p.member(asm.R8, p.offsets.backlog, asm.Word, parts)
	p.store(atBacklog, asm.R8, asm.Word)
	p.add(asm.Ja.Label(parts))
	p.here(message)
	p.rights(sorts)
	p.here(sorts)
	p.sorts()
	p.here(parts)
	p.pop(asm.R1, onState)
	p.add(asm.RSh.Imm(asm.R1, 32), asm.JEq.Imm(asm.R1, 0, all))
	p.store(atMissed, asm.R1, asm.Word)
	p.parts(all, true)
	p.here(all)
	p.parts(send, false)
	p.here(send)
	p.send(t.ring.FD())
}

// forked says that a process has started another. Its arguments are those of the
// tracepoint: the two.
func (t *tracepoints) forked(p *listing) {
	p.followed(t.processes.FD())
	p.add(asm.LoadMem(asm.R7, asm.R6, 8, asm.DWord), asm.LoadMem(asm.R8, asm.R6, 0, asm.DWord), asm.Mov.Reg(asm.R6, asm.R7))
	p.member(asm.R6, p.offsets.process, asm.Word, out)
	p.pop(asm.R1, onThread)
	p.add(asm.RSh.Imm(asm.R1, 32), asm.JEq.Reg(asm.R1, asm.R6, out)) // a thread
	t.follows(p)
	p.head(t.room.FD(), processForked)
	p.store(atNumber, asm.R6, asm.Word)
	p.member(asm.R7, p.offsets.files, asm.DWord, out)
	p.member(asm.R8, p.offsets.files, asm.DWord, out)
	apart := p.fresh()
	p.add(asm.JNE.Reg(asm.R7, asm.R8, apart), asm.Mov.Imm(asm.R1, 1))
	p.store(atResult, asm.R1, asm.DWord)
	p.here(apart)
	p.send(t.ring.FD())
}

// executed says that a process has become another program: its name, how its file begins,
// and which of its descriptors are open still. Its arguments are those of the tracepoint: the
// process, the number that the thread had before, and the struct linux_binprm.
func (t *tracepoints) executed(p *listing) {
	p.followed(t.processes.FD())
	p.add(asm.LoadMem(asm.R7, asm.R6, 8, asm.DWord), asm.LoadMem(asm.R8, asm.R6, 16, asm.DWord))
	if t.before != nil {
		p.pop(asm.R6, onThread)
		p.add(asm.RSh.Imm(asm.R6, 32))
		t.follows(p)
	}
	p.head(t.room.FD(), processExecuted)
	p.store(atNumber, asm.R7, asm.Word)
	p.add(asm.Mov.Reg(asm.R1, asm.R9), asm.Add.Imm(asm.R1, sizeHead), asm.Mov.Imm(asm.R2, sizeName), asm.FnGetCurrentComm.Call(),
		asm.Mov.Reg(asm.R1, asm.R9), asm.Add.Imm(asm.R1, sizeHead+sizeName), asm.Mov.Imm(asm.R2, sizeELF),
		asm.Mov.Reg(asm.R3, asm.R8), asm.Add.Imm(asm.R3, int32(p.offsets.image)), asm.FnProbeReadKernel.Call(),
		asm.FnGetCurrentTask.Call(), asm.Mov.Reg(asm.R8, asm.R0))
	send, fits := p.fresh(), p.fresh()
	p.member(asm.R8, p.offsets.files, asm.DWord, out)
	p.member(asm.R8, p.offsets.table, asm.DWord, out)
	p.push(onAddress, asm.R8)
	p.member(asm.R8, p.offsets.most, asm.Word, out)
	p.add(asm.RSh.Imm(asm.R8, 3), asm.JLE.Imm(asm.R8, mostBits, fits), asm.Mov.Imm(asm.R8, mostBits))
	p.here(fits)
	p.pop(asm.R7, onAddress)
	p.member(asm.R7, p.offsets.open, asm.DWord, out)
	p.add(asm.Mov.Reg(asm.R1, asm.R9), asm.Add.Imm(asm.R1, sizeHead+sizeName+sizeELF), asm.Mov.Reg(asm.R2, asm.R8), asm.Mov.Reg(asm.R3, asm.R7), asm.FnProbeReadKernel.Call(),
		asm.Add.Imm(asm.R8, sizeHead+sizeName+sizeELF))
	p.store(atLength, asm.R8, asm.Word)
	p.here(send)
	p.send(t.ring.FD())
}

// ended says that a thread has ended, and how its process has if it was the last.
func (t *tracepoints) ended(p *listing) {
	p.followed(t.processes.FD())
	p.head(t.room.FD(), threadEnded)
	p.add(asm.FnGetCurrentTask.Call(), asm.Mov.Reg(asm.R7, asm.R0), asm.Mov.Reg(asm.R8, asm.R0))
	p.member(asm.R7, p.offsets.signal, asm.DWord, out)
	p.member(asm.R8, p.offsets.code, asm.Word, out)
	p.store(atResult, asm.R8, asm.DWord)
	p.add(asm.Mov.Reg(asm.R8, asm.R7))
	p.member(asm.R8, p.offsets.flags, asm.Word, out)
	single := p.fresh()
	p.add(asm.And.Imm(asm.R8, groupExited), asm.JEq.Imm(asm.R8, 0, single), asm.Mov.Reg(asm.R8, asm.R7))
	p.member(asm.R8, p.offsets.groupCode, asm.Word, out)
	p.store(atResult, asm.R8, asm.DWord)
	p.here(single)
	p.member(asm.R7, p.offsets.live, asm.Word, out)
	p.key()
	p.remove(t.pending.FD())
	others := p.fresh()
	p.add(asm.JNE.Imm(asm.R7, 0, others), asm.Mov.Imm(asm.R1, 1))
	p.store(atLast, asm.R1, asm.Word)
	p.load(asm.R1, atProcess, asm.Word)
	p.add(asm.StoreMem(asm.RFP, onKey, asm.R1, asm.Word))
	p.remove(t.processes.FD())
	if t.before != nil {
		p.remove(t.before.FD())
	}
	p.here(others)
	p.send(t.ring.FD())
}

const (
	sizeName = 16 // TASK_COMM_LEN
	sizeELF  = 24 // up to e_version of the header (elf(5))
)

// lost is how many records could not be sent.
func (t *tracepoints) lost() (sum int) {
	var rooms [][]byte
	if t.room.Lookup(uint32(0), &rooms) != nil {
		return 0
	}
	for _, room := range rooms {
		sum += int(binary.NativeEndian.Uint32(room[atLost:]))
	}
	return sum
}

// offsetsOf says where members of the kernel's structs are.
type offsetsOf struct {
	files, process, signal, code uint32 // struct task_struct
	table                        uint32 // struct files_struct
	most, array, open            uint32 // struct fdtable
	inode, status, private       uint32 // struct file
	mode, number                 uint32 // struct inode
	typ, sock                    uint32 // struct socket
	family, protocol, backlog    uint32 // struct sock
	live, flags, groupCode       uint32 // struct signal_struct
	image                        uint32 // struct linux_binprm
}

// kernelOffsets reads them once from what the kernel tells of itself (BTF).
var kernelOffsets = sync.OnceValues(func() (o offsetsOf, err error) {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		return o, err
	}
	for _, m := range []struct {
		to           *uint32
		name, member string
	}{
		{&o.files, "task_struct", "files"}, {&o.process, "task_struct", "tgid"}, {&o.signal, "task_struct", "signal"}, {&o.code, "task_struct", "exit_code"},
		{&o.table, "files_struct", "fdt"},
		{&o.most, "fdtable", "max_fds"}, {&o.array, "fdtable", "fd"}, {&o.open, "fdtable", "open_fds"},
		{&o.inode, "file", "f_inode"}, {&o.status, "file", "f_flags"}, {&o.private, "file", "private_data"},
		{&o.typ, "socket", "type"}, {&o.sock, "socket", "sk"},
		{&o.family, "sock_common", "skc_family"}, {&o.protocol, "sock", "sk_protocol"}, {&o.backlog, "sock", "sk_max_ack_backlog"},
		{&o.mode, "inode", "i_mode"}, {&o.number, "inode", "i_ino"},
		{&o.live, "signal_struct", "live"}, {&o.flags, "signal_struct", "flags"}, {&o.groupCode, "signal_struct", "group_exit_code"},
		{&o.image, "linux_binprm", "buf"},
	} {
		at, err := types.Offset(m.name, m.member)
		if err != nil {
			return o, err
		}
		*m.to = at
	}
	return o, nil
})
