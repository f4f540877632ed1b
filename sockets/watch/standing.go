package watch

import (
	"os"

	"golang.org/x/sys/unix"

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
	most := atMost(address)
	if uint64(len(b)) > most {
		return sockets.ProcessMemory(s.tid).ReadMemory(address, b)
	}
	known := s.oldest()
	known.start = address
	known.length = uint64(sockets.ProcessMemory(s.tid).ReadMemory(address, known.bytes[:most]))
	return copy(b, known.bytes[:known.length])
}

// ReadAhead implements sockets.Ahead: process_vm_readv(2) reads from several addresses in
// one call, up to the first that leads nowhere.
func (s *standing) ReadAhead(addresses []uint64) {
	var here []unix.Iovec
	var there []unix.RemoteIovec
	var fresh []*stretch
	for _, address := range addresses[:min(len(addresses), len(s.read)-1)] { // and what led to them
		known := s.oldest()
		known.start, known.length = address, 0
		most := atMost(address)
		here = append(here, unix.Iovec{Base: &known.bytes[0], Len: most})
		there = append(there, unix.RemoteIovec{Base: uintptr(address), Len: int(most)})
		fresh = append(fresh, known)
	}
	got, _ := unix.ProcessVMReadv(s.tid, here, there, 0)
	left := uint64(max(got, 0))
	for i, known := range fresh {
		known.length = min(left, here[i].Len)
		left -= known.length
	}
}

// atMost is how many bytes are read at an address: the next page may not be there.
func atMost(address uint64) uint64 {
	page := uint64(os.Getpagesize())
	return min(ahead, page-address%page)
}

// oldest is the stretch that was read first.
func (s *standing) oldest() *stretch {
	known := &s.read[s.next]
	s.next = (s.next + 1) % len(s.read)
	return known
}
