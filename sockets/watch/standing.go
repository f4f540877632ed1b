package watch

import (
	"os"

	"fd3/sockets"
)

// standing is the memory of a thread that stands still. What lies close together is read
// at once, and kept until it goes on.
type standing struct {
	tid  int
	read [4]stretch // what was read last
	next int        // the oldest of them
}

// A stretch is some bytes of memory, and where they were.
type stretch struct {
	start  uint64
	length uint64
	bytes  [ahead]byte
}

// ahead is how many bytes are read where fewer are asked for: a head of HTTP, or what a
// function has on its stack.
const ahead = 1 << 10

// at is told that a thread has stopped.
func (s *standing) at(tid int) {
	s.tid = tid
	for i := range s.read {
		s.read[i].length = 0
	}
}

// ReadMemory implements sockets.Memory.
func (s *standing) ReadMemory(address uint64, b []byte) int {
	for i := range s.read {
		known := &s.read[i]
		if from := address - known.start; from < known.length && known.length-from >= uint64(len(b)) {
			return copy(b, known.bytes[from:])
		}
	}
	memory := sockets.ProcessMemory(s.tid)
	page := uint64(os.Getpagesize())
	most := min(ahead, page-address%page) // the next page may not be there
	if uint64(len(b)) > most {
		return memory.ReadMemory(address, b)
	}
	known := &s.read[s.next]
	s.next = (s.next + 1) % len(s.read)
	known.start = address
	known.length = uint64(memory.ReadMemory(address, known.bytes[:most]))
	return copy(b, known.bytes[:known.length])
}
