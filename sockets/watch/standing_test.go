package watch

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// What is read ahead is what is there, up to where the memory ends.
func TestStanding(t *testing.T) {
	page := os.Getpagesize()
	there, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(there)
	for i := range there {
		there[i] = byte(rand.Uint32())
	}
	if err := unix.Mprotect(there[2*page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	start := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(there))))
	var s standing
	s.at(os.Getpid())
	for range 20000 {
		if rand.IntN(50) == 0 { // it has gone on
			there[rand.IntN(2*page)]++
			s.at(os.Getpid())
		}
		address := start + uint64(rand.IntN(3*page))
		if rand.IntN(4) == 0 {
			s.ReadAhead([]uint64{start + uint64(rand.IntN(3*page)), address, start + uint64(rand.IntN(3*page)), address, 8})
		}
		size := 1 + rand.IntN(1<<rand.IntN(13))
		got, want := make([]byte, size), make([]byte, size)
		n := s.ReadMemory(address, got)
		if whole := sockets.ProcessMemory(os.Getpid()).ReadMemory(address, want); n != whole || !bytes.Equal(got[:n], want[:n]) {
			t.Fatalf("%d bytes from %d on: %d, and there are %d", size, address-start, n, whole)
		}
	}
}
