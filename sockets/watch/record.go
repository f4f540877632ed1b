package watch

import (
	"cmp"
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// Where in a record of the kernel's programs each thing is. Behind it the pieces of memory
// stand, or what else there is to say.
const (
	atTime    = 0  // u64: CLOCK_MONOTONIC
	atProcess = 8  // u32
	atThread  = 12 // u32
	atKind    = 16 // u32
	atNumber  = 20 // u32: of the call; the new process; the number that a thread had before
	atResult  = 24 // s64: of the call; 1: the tables of descriptors are one; how a process ended
	atArgs    = 32 // 8 × u64: six registers, and nothing
	atFDs     = 96 // 2 × s32: descriptors
	atInodes  = 104
	atLength  = 120 // u32: of the record
	atLost    = 124 // u32: how many records this CPU has lost so far
	atCPU     = 128 // u32
	atLast    = 132 // u32: 1: no thread of the process is left
	atCounted = 136 // u64: how many calls on the socket have only been counted since the record before
	atBefore  = 144 // u64: how many bytes say how often the process has made each call since it began or was executed; they come before the pieces
	atFlags   = 152 // 2 × u32: of the open files that the descriptors lead to
	atMissed  = 160 // u32: 1: memory of the call could not be read when it was entered; it follows when it has returned
	atBacklog = 164 // u32: of a socket that listens
	atSorts   = 168 // 2 × { u16 domain, type, protocol, nothing }: of the sockets
	sizeHead  = 184
)

// A piece is an address, its length, and the bytes.
const sizePieceHead = 16

// The kinds of a record.
const (
	callEntered = iota + 1
	callReturned
	processForked
	processExecuted
	threadEnded
)

// A record is what a program in the kernel has said.
type record []byte

func (r record) u32(at int) uint32 { return binary.NativeEndian.Uint32(r[at:]) }
func (r record) u64(at int) uint64 { return binary.NativeEndian.Uint64(r[at:]) }

func (r record) registers() (all sockets.Registers) {
	for i := range all {
		all[i] = r.u64(atArgs + 8*i)
	}
	return all
}

// inode returns the socket that a descriptor leads to, if the record says of it.
func (r record) inode(fd int) (inode uint64, said bool) {
	i, said := r.place(fd)
	if !said {
		return 0, false
	}
	return r.u64(atInodes + 8*i), true
}

// flags returns those of the open file that a descriptor leads to, if the record says of it.
func (r record) flags(fd int) (flags int) {
	i, said := r.place(fd)
	if !said {
		return 0
	}
	return int(r.u32(atFlags + 4*i))
}

// sort returns what the socket is that a descriptor leads to, if the record says of it.
func (r record) sort(fd int) (s Sort) {
	i, said := r.place(fd)
	if !said {
		return s
	}
	u16 := func(at int) int { return int(binary.NativeEndian.Uint16(r[atSorts+8*i+at:])) }
	return Sort{u16(0), u16(2), u16(4)}
}

// place is which of the two descriptors of the record one is.
func (r record) place(fd int) (i int, there bool) {
	for i := range 2 {
		if fd >= 0 && int(int32(r.u32(atFDs+4*i))) == fd {
			return i, true
		}
	}
	return 0, false
}

// pieces are the bytes behind the head and the counts.
func (r record) pieces() []byte { return r[min(sizeHead+r.u64(atBefore), uint64(len(r))):] }

// before returns how often the process has made each call, by number; nil: that was not
// counted.
func (r record) before() map[int]int {
	counts := r[sizeHead : len(r)-len(r.pieces())]
	if len(counts) == 0 {
		return nil
	}
	all := make(map[int]int)
	for number := range len(counts) / 4 {
		if n := binary.NativeEndian.Uint32(counts[4*number:]); n > 0 {
			all[number] = int(n)
		}
	}
	return all
}

// executable is the beginning of the file that a process executes now.
func (r record) executable() []byte {
	rest := r[sizeHead:]
	return rest[min(sizeName, len(rest)):min(sizeName+sizeELF, len(rest))]
}

// socket is the one that the call acts on, or 0.
func (r record) socket() uint64 { return cmp.Or(r.u64(atInodes), r.u64(atInodes+8)) }

// captured is memory of which some pieces were copied when the call was entered, and when
// it had returned. The later ones come first.
type captured [2][]byte

// ReadMemory implements sockets.Memory.
func (c captured) ReadMemory(address uint64, b []byte) (most int) {
	for _, pieces := range c {
		for len(pieces) > sizePieceHead {
			start, length := binary.NativeEndian.Uint64(pieces), uint64(binary.NativeEndian.Uint32(pieces[8:]))
			pieces = pieces[sizePieceHead:]
			if length > uint64(len(pieces)) {
				break
			}
			if from := address - start; from < length {
				most = max(most, copy(b, pieces[from:length]))
			}
			if most == len(b) {
				return most
			}
			pieces = pieces[min((length+7)&^7, uint64(len(pieces))):]
		}
	}
	return most
}

// A clock says when something was that the kernel has noted by CLOCK_MONOTONIC.
type clock struct {
	wall time.Time
	at   int64
}

func newClock() clock {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return clock{time.Now(), now.Nano()}
}

func (c clock) time(at uint64) time.Time { return c.wall.Add(time.Duration(int64(at) - c.at)) }
