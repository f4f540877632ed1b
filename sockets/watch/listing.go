package watch

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// MostBytes is how much of a buffer is copied of a process that does not stop.
const MostBytes = 4095

// What the kernel's programs have room for.
const (
	mostPieces   = 8191 // where the last piece begins, behind the head
	mostVectors  = 8    // structs iovec of a call, or of a message
	mostMessages = 4    // of sendmmsg(2) and recvmmsg(2)
	mostBits     = 512  // bytes of a bitmap of descriptors

	sizeRecord = sizeHead + mostPieces + sizePieceHead + MostBytes + 8
)

// A listing is a program for the kernel that is being written. R9 leads to the record all the
// time. R7 and R8 are an address and a length, or a descriptor.
type listing struct {
	asm.Instructions
	offsets offsetsOf
	labels  int
	label   string // of the next instruction
}

// The stack, from its end.
const (
	onThread  = -8  // thread and process, as bpf_get_current_pid_tgid gives them
	onKey     = -16 // u32
	onValue   = -24 // what was read
	onPiece   = -32 // a pointer to the piece
	onCount   = -40
	onLeft    = -48 // bytes that the call has moved, and that are not copied yet
	onVector  = -64 // struct iovec
	onMessage = -64 - unix.SizeofMsghdr - 8
	onAddress = onMessage - 8
	onIndex   = onAddress - 8
	onState   = onIndex - 8  // of the process
	onFiles   = onState - 16 // pointers to the open files of the two descriptors
)

// out is the end of each program.
const out = "out"

func (p *listing) add(all ...asm.Instruction) {
	for _, i := range all {
		if p.label != "" {
			i, p.label = i.WithSymbol(p.label), ""
		}
		p.Instructions = append(p.Instructions, i)
	}
}

// fresh is a label that nothing has yet.
func (p *listing) fresh() string {
	p.labels++
	return fmt.Sprint("l", p.labels)
}

// here gives the next instruction a label.
func (p *listing) here(label string) {
	if p.label != "" { // it has one
		p.add(asm.Mov.Imm(asm.R0, 0))
	}
	p.label = label
}

// load and store move what is in the record, or on the stack.
func (p *listing) load(to asm.Register, at int, n asm.Size) {
	p.add(asm.LoadMem(to, asm.R9, int16(at), n))
}
func (p *listing) store(at int, from asm.Register, n asm.Size) {
	p.add(asm.StoreMem(asm.R9, int16(at), from, n))
}
func (p *listing) push(at int, from asm.Register) {
	p.add(asm.StoreMem(asm.RFP, int16(at), from, asm.DWord))
}
func (p *listing) pop(to asm.Register, at int) {
	p.add(asm.LoadMem(to, asm.RFP, int16(at), asm.DWord))
}

// read reads n bytes at the address in R3 to the stack, or goes to a label.
func (p *listing) read(helper asm.BuiltinFunc, to, n int, otherwise string) {
	p.add(asm.Mov.Reg(asm.R1, asm.RFP), asm.Add.Imm(asm.R1, int32(to)), asm.Mov.Imm(asm.R2, int32(n)),
		helper.Call(), asm.JNE.Imm(asm.R0, 0, otherwise))
}

// member has a register go on to what a pointer in a struct leads to, or to a number there.
func (p *listing) member(r asm.Register, at uint32, n asm.Size, otherwise string) {
	p.add(asm.Mov.Reg(asm.R3, r), asm.Add.Imm(asm.R3, int32(at)))
	p.read(asm.FnProbeReadKernel, onValue, n.Sizeof(), otherwise)
	p.add(asm.LoadMem(r, asm.RFP, onValue, n))
}

// followed goes on if the current process is followed: R0 leads to what stands with it.
func (p *listing) followed(processes int) {
	p.add(asm.Mov.Reg(asm.R6, asm.R1), asm.FnGetCurrentPidTgid.Call())
	p.push(onThread, asm.R0)
	p.add(asm.RSh.Imm(asm.R0, 32), asm.StoreMem(asm.RFP, onKey, asm.R0, asm.Word))
	p.lookup(processes, out)
}

// lookup finds the value of the key on the stack: R0 leads to it.
func (p *listing) lookup(fd int, otherwise string) {
	p.add(asm.LoadMapPtr(asm.R1, fd), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, onKey),
		asm.FnMapLookupElem.Call(), asm.JEq.Imm(asm.R0, 0, otherwise))
}

// update gives the key on the stack the value that is there.
func (p *listing) update(fd int) {
	p.add(asm.LoadMapPtr(asm.R1, fd), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, onKey),
		asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, onValue), asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call())
}

// remove removes the key on the stack.
func (p *listing) remove(fd int) {
	p.add(asm.LoadMapPtr(asm.R1, fd), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, onKey), asm.FnMapDeleteElem.Call())
}

// key puts the current thread on the stack as a key.
func (p *listing) key() {
	p.pop(asm.R1, onThread)
	p.add(asm.StoreMem(asm.RFP, onKey, asm.R1, asm.Word))
}

// head begins a record, in the room that each CPU has for one.
func (p *listing) head(room, kind int) {
	p.add(asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.RFP, onKey, asm.R1, asm.Word))
	p.lookup(room, out)
	p.add(asm.Mov.Reg(asm.R9, asm.R0))
	p.pop(asm.R1, onThread)
	p.store(atThread, asm.R1, asm.Word)
	p.add(asm.RSh.Imm(asm.R1, 32))
	p.store(atProcess, asm.R1, asm.Word)
	p.add(asm.FnKtimeGetNs.Call())
	p.store(atTime, asm.R0, asm.DWord)
	p.add(asm.Mov.Imm(asm.R1, 0))
	for i := range 2 {
		p.push(onFiles+8*i, asm.R1)
		p.store(atSorts+8*i, asm.R1, asm.DWord)
	}
	p.add(asm.FnGetSmpProcessorId.Call())
	p.store(atCPU, asm.R0, asm.Word)
	for _, field := range []struct {
		at, value int
		size      asm.Size
	}{{atKind, kind, asm.Word}, {atResult, 0, asm.DWord}, {atLength, sizeHead, asm.Word}, {atFDs, -1, asm.Word}, {atFDs + 4, -1, asm.Word}, {atLast, 0, asm.Word}, {atBefore, 0, asm.DWord}, {atMissed, 0, asm.Word}, {atBacklog, 0, asm.Word}} {
		p.add(asm.Mov.Imm(asm.R1, int32(field.value)))
		p.store(field.at, asm.R1, field.size)
	}
}

// send sends the record, or counts it as lost, and ends.
func (p *listing) send(ring int) {
	p.load(asm.R3, atLength, asm.Word)
	p.add(asm.JGT.Imm(asm.R3, sizeRecord, out),
		asm.LoadMapPtr(asm.R1, ring), asm.Mov.Reg(asm.R2, asm.R9), asm.Mov.Imm(asm.R4, 0), asm.FnRingbufOutput.Call(), asm.JEq.Imm(asm.R0, 0, out))
	p.load(asm.R1, atLost, asm.Word)
	p.add(asm.Add.Imm(asm.R1, 1))
	p.store(atLost, asm.R1, asm.Word)
	p.here(out)
	p.add(asm.Mov.Imm(asm.R0, 0), asm.Return())
}

// arguments puts the registers of the call into the record: R6 leads to a pointer to them.
func (p *listing) arguments() {
	p.add(asm.LoadMem(asm.R8, asm.R6, 0, asm.DWord))
	for i, at := range argumentsAt {
		p.add(asm.Mov.Reg(asm.R1, asm.R9), asm.Add.Imm(asm.R1, int32(atArgs+8*i)), asm.Mov.Imm(asm.R2, 8), asm.Mov.Reg(asm.R3, asm.R8), asm.Add.Imm(asm.R3, at),
			asm.FnProbeReadKernel.Call())
	}
}

// socket notes in one of the two places of the record which socket the descriptor in R7
// leads to.
func (p *listing) socket(place int) {
	none, file := p.fresh(), p.offsets
	p.store(atFDs+4*place, asm.R7, asm.Word)
	p.add(asm.Mov.Imm(asm.R1, 0))
	p.store(atInodes+8*place, asm.R1, asm.DWord)
	p.store(atFlags+4*place, asm.R1, asm.Word)
	p.add(asm.LSh.Imm(asm.R7, 32), asm.RSh.Imm(asm.R7, 32)) // of 32 bits
	p.add(asm.FnGetCurrentTask.Call(), asm.Mov.Reg(asm.R8, asm.R0))
	p.member(asm.R8, file.files, asm.DWord, none)
	p.member(asm.R8, file.table, asm.DWord, none)
	p.push(onLeft, asm.R8)
	p.member(asm.R8, file.most, asm.Word, none)
	p.add(asm.JGE.Reg(asm.R7, asm.R8, none))
	p.pop(asm.R8, onLeft)
	p.member(asm.R8, file.array, asm.DWord, none)
	p.add(asm.LSh.Imm(asm.R7, 3), asm.Add.Reg(asm.R8, asm.R7))
	p.member(asm.R8, 0, asm.DWord, none)
	p.add(asm.JEq.Imm(asm.R8, 0, none))
	p.push(onLeft, asm.R8)
	p.push(onFiles+8*place, asm.R8)
	p.member(asm.R8, file.status, asm.Word, none)
	p.store(atFlags+4*place, asm.R8, asm.Word)
	p.pop(asm.R8, onLeft)
	p.member(asm.R8, file.inode, asm.DWord, none)
	p.push(onLeft, asm.R8)
	p.member(asm.R8, file.mode, asm.Half, none)
	p.add(asm.And.Imm(asm.R8, unix.S_IFMT), asm.JNE.Imm(asm.R8, unix.S_IFSOCK, none))
	p.pop(asm.R8, onLeft)
	p.member(asm.R8, file.number, asm.DWord, none)
	p.store(atInodes+8*place, asm.R8, asm.DWord)
	p.here(none)
}

// sorts notes what the sockets are whose inodes are in the record.
func (p *listing) sorts() {
	o := p.offsets
	for i := range 2 {
		none := p.fresh()
		p.load(asm.R1, atInodes+8*i, asm.DWord)
		p.add(asm.JEq.Imm(asm.R1, 0, none))
		p.pop(asm.R8, onFiles+8*i)
		p.member(asm.R8, o.private, asm.DWord, none)
		p.add(asm.Mov.Reg(asm.R7, asm.R8))
		p.member(asm.R7, o.sock, asm.DWord, none)
		p.member(asm.R8, o.typ, asm.Half, none)
		p.store(atSorts+8*i+2, asm.R8, asm.Half)
		p.add(asm.Mov.Reg(asm.R8, asm.R7))
		p.member(asm.R8, o.family, asm.Half, none)
		p.store(atSorts+8*i, asm.R8, asm.Half)
		p.member(asm.R7, o.protocol, asm.Half, none)
		p.store(atSorts+8*i+4, asm.R7, asm.Half)
		p.here(none)
	}
}

// rights notes to which sockets the first two descriptors lead that a message has brought
// (SCM_RIGHTS, unix(7)): a struct cmsghdr { size_t len; int level, type; }, and the numbers.
func (p *listing) rights(otherwise string) {
	const size = 16
	p.load(asm.R3, atArgs+8*1, asm.DWord)
	p.read(asm.FnProbeReadUser, onMessage, unix.SizeofMsghdr, otherwise)
	p.pop(asm.R1, onMessage+40)
	p.pop(asm.R6, onMessage+32)
	p.add(asm.JLT.Imm(asm.R1, size+4, otherwise), asm.Mov.Reg(asm.R3, asm.R6))
	p.read(asm.FnProbeReadUser, onVector, size, otherwise)
	for i, want := range []int32{unix.SOL_SOCKET, unix.SCM_RIGHTS} {
		p.add(asm.LoadMem(asm.R1, asm.RFP, int16(onVector+8+4*i), asm.Word), asm.JNE.Imm(asm.R1, want, otherwise))
	}
	for i := range 2 {
		at := int32(size + 4*i)
		p.pop(asm.R1, onVector)
		p.add(asm.JLT.Imm(asm.R1, at+4, otherwise), asm.Mov.Reg(asm.R3, asm.R6), asm.Add.Imm(asm.R3, at))
		p.read(asm.FnProbeReadUser, onValue, 4, otherwise)
		p.add(asm.LoadMem(asm.R7, asm.RFP, onValue, asm.Word))
		p.socket(i)
	}
}

// piece copies R8 bytes at the address in R7, but not more than MostBytes. Memory that the
// program has not touched yet may not be there before the call itself reads it.
func (p *listing) piece() {
	none, fits, missed := p.fresh(), p.fresh(), p.fresh()
	p.add(asm.JEq.Imm(asm.R7, 0, none), asm.JEq.Imm(asm.R8, 0, none), asm.JLE.Imm(asm.R8, MostBytes, fits), asm.Mov.Imm(asm.R8, MostBytes))
	p.here(fits)
	p.load(asm.R1, atLength, asm.Word)
	p.add(asm.JGT.Imm(asm.R1, sizeHead+mostPieces, none), asm.Add.Reg(asm.R1, asm.R9),
		asm.StoreMem(asm.R1, 0, asm.R7, asm.DWord), asm.StoreMem(asm.R1, 8, asm.R8, asm.DWord),
		asm.Add.Imm(asm.R1, sizePieceHead), asm.Mov.Reg(asm.R2, asm.R8), asm.Mov.Reg(asm.R3, asm.R7), asm.FnProbeReadUser.Call(), asm.JNE.Imm(asm.R0, 0, missed),
		asm.Add.Imm(asm.R8, 7), asm.And.Imm(asm.R8, ^7))
	p.load(asm.R1, atLength, asm.Word)
	p.add(asm.Add.Reg(asm.R1, asm.R8), asm.Add.Imm(asm.R1, sizePieceHead))
	p.store(atLength, asm.R1, asm.Word)
	p.add(asm.Ja.Label(none))
	p.here(missed)
	p.add(asm.Mov.Imm(asm.R1, 1))
	p.store(atMissed, asm.R1, asm.Word)
	p.here(none)
}

// length has R8 be a size, or goes to a label.
func (p *listing) length(s size, otherwise string) {
	register := atArgs + 8*s.register
	switch s.kind {
	case fixed:
		p.add(asm.Mov.Imm(asm.R8, int32(s.unit)))
		return
	case whole:
		p.load(asm.R8, register, asm.DWord)
	case narrow:
		p.load(asm.R8, register, asm.Word)
	case returned:
		p.load(asm.R8, atResult, asm.DWord)
		p.add(asm.JSLE.Imm(asm.R8, 0, otherwise))
		if s.register >= 0 {
			p.load(asm.R1, register, asm.DWord)
			fits := p.fresh()
			p.add(asm.JLE.Reg(asm.R8, asm.R1, fits), asm.Mov.Reg(asm.R8, asm.R1))
			p.here(fits)
		}
	case pointed:
		p.load(asm.R3, register, asm.DWord)
		p.read(asm.FnProbeReadUser, onValue, 4, otherwise)
		p.add(asm.LoadMem(asm.R8, asm.RFP, onValue, asm.Word))
	case bitmap:
		p.load(asm.R8, register, asm.Word)
		p.add(asm.Add.Imm(asm.R8, 63), asm.RSh.Imm(asm.R8, 6), asm.LSh.Imm(asm.R8, 3))
	}
	if s.unit > 1 {
		fits := p.fresh()
		p.add(asm.JLE.Imm(asm.R8, MostBytes, fits), asm.Mov.Imm(asm.R8, MostBytes))
		p.here(fits)
		p.add(asm.Mul.Imm(asm.R8, int32(s.unit)))
	}
}

// part copies a part of a call.
func (p *listing) part(of part, entering bool) {
	next := p.fresh()
	address := func() { p.load(asm.R7, atArgs+8*of.at, asm.DWord) }
	switch of.kind {
	case bytesPart:
		p.length(of.size, next)
		address()
		p.piece()
	case iovecPart:
		p.moved(entering)
		p.length(of.size, next)
		p.push(onCount, asm.R8)
		p.load(asm.R6, atArgs+8*of.at, asm.DWord)
		p.vectors(true)
	case headersPart, messagePart:
		p.moved(entering)
		address()
		p.push(onAddress, asm.R7)
		p.message(unix.SizeofMsghdr, of.kind == messagePart, next)
	case messagesPart:
		p.length(of.size, next)
		p.push(onIndex, asm.R8)
		address()
		p.push(onAddress, asm.R7)
		for i := range mostMessages {
			p.pop(asm.R8, onIndex)
			p.add(asm.JLE.Imm(asm.R8, int32(i), next))
			p.moved(true) // how many bytes it was stands in the message itself
			p.message(sizeMessages, true, next)
			p.pop(asm.R7, onAddress)
			p.add(asm.Add.Imm(asm.R7, sizeMessages))
			p.push(onAddress, asm.R7)
		}
	}
	p.here(next)
}

// moved notes how many bytes have gone: all that there are, where the call is only entered.
func (p *listing) moved(entering bool) {
	if entering {
		p.add(asm.Mov.Imm(asm.R1, 1<<30))
	} else {
		none := p.fresh()
		p.load(asm.R1, atResult, asm.DWord)
		p.add(asm.JSGT.Imm(asm.R1, 0, none), asm.Mov.Imm(asm.R1, 0))
		p.here(none)
	}
	p.push(onLeft, asm.R1)
}

// message copies the struct msghdr at the address on the stack, of so many bytes, and, if
// they are wanted, the name, the control messages and the bytes that it leads to.
func (p *listing) message(n int, everything bool, otherwise string) {
	p.pop(asm.R3, onAddress)
	p.read(asm.FnProbeReadUser, onMessage, n, otherwise)
	p.pop(asm.R7, onAddress)
	p.add(asm.Mov.Imm(asm.R8, int32(n)))
	p.piece()
	if everything {
		p.pop(asm.R7, onMessage)
		p.add(asm.LoadMem(asm.R8, asm.RFP, onMessage+8, asm.Word))
		p.piece()
		p.pop(asm.R7, onMessage+32)
		p.pop(asm.R8, onMessage+40)
		p.piece()
	}
	p.pop(asm.R6, onMessage+16)
	p.pop(asm.R8, onMessage+24)
	p.push(onCount, asm.R8)
	p.vectors(everything)
}

// vectors copies structs iovec at R6, as many as are noted, and, if they are wanted, the
// bytes that they lead to, as many as are left.
func (p *listing) vectors(data bool) {
	end, fits := p.fresh(), p.fresh()
	p.add(asm.Mov.Reg(asm.R7, asm.R6))
	p.pop(asm.R8, onCount)
	p.add(asm.JLE.Imm(asm.R8, MostBytes/unix.SizeofIovec, fits), asm.Mov.Imm(asm.R8, MostBytes/unix.SizeofIovec))
	p.here(fits)
	p.add(asm.Mul.Imm(asm.R8, unix.SizeofIovec))
	p.piece()
	for i := range mostVectors {
		if !data {
			break
		}
		rest := p.fresh()
		p.pop(asm.R8, onCount)
		p.add(asm.JLE.Imm(asm.R8, int32(i), end), asm.Mov.Reg(asm.R3, asm.R6), asm.Add.Imm(asm.R3, int32(i*unix.SizeofIovec)))
		p.read(asm.FnProbeReadUser, onVector, unix.SizeofIovec, end)
		p.pop(asm.R7, onVector)
		p.pop(asm.R8, onVector+8)
		p.pop(asm.R1, onLeft)
		p.add(asm.JLE.Reg(asm.R8, asm.R1, rest), asm.Mov.Reg(asm.R8, asm.R1))
		p.here(rest)
		p.add(asm.Sub.Reg(asm.R1, asm.R8))
		p.push(onLeft, asm.R1)
		p.piece()
	}
	p.here(end)
}

// parts copies what is wanted of the call whose number is in the record, and goes to a label.
func (p *listing) parts(next string, entering bool) {
	begin := p.fresh()
	p.load(asm.R7, atNumber, asm.Word)
	numbers := slices.Sorted(maps.Keys(captures))
	of := func(c capture) []part {
		if entering {
			return c.in
		}
		return c.out
	}
	for _, number := range numbers {
		if len(of(captures[number])) > 0 {
			p.add(asm.JEq.Imm(asm.R7, int32(number), fmt.Sprint(begin, "call", number)))
		}
	}
	p.add(asm.Ja.Label(next))
	for _, number := range numbers {
		all := of(captures[number])
		if len(all) == 0 {
			continue
		}
		p.here(fmt.Sprint(begin, "call", number))
		for _, part := range all {
			p.part(part, entering)
		}
		p.add(asm.Ja.Label(next))
	}
}
