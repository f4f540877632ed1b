package sockets

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Memory is the memory that the pointers of a call lead into.
type Memory interface {
	// ReadMemory copies the bytes at an address to b and returns how many of them
	// there are: fewer than len(b) where the memory ends.
	ReadMemory(address uint64, b []byte) int
}

// An Ahead is a Memory that is told where will be read next, and may read it at once.
type Ahead interface {
	Memory
	ReadAhead(addresses []uint64)
}

// ProcessMemory is the memory of a process, by its pid. It is read with
// process_vm_readv(2), which the kernel allows where it allows ptrace(2).
type ProcessMemory int

// ReadMemory implements Memory.
func (p ProcessMemory) ReadMemory(address uint64, b []byte) int {
	if len(b) == 0 {
		return 0
	}
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	remote := []unix.RemoteIovec{{Base: uintptr(address), Len: len(b)}}
	n, err := unix.ProcessVMReadv(int(p), local, remote, 0)
	if err != nil {
		return 0
	}
	return n
}

// own is the memory of a call that a Tracer makes. The Tracer's methods give the
// kernel pointers to Go's own objects, which Tracer.call keeps alive and in their
// place, with lengths that are true; so what the shape of the call says is at an
// address can be looked at there without a further system call. It is not for
// pointers of anybody else: nothing would stop a wrong one.
type own struct{}

func (own) ReadMemory(address uint64, b []byte) int { return copy(b, own{}.view(address, len(b))) }

// view returns the n bytes at an address, where they are.
func (own) view(address uint64, n int) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&address)), n)
}

// string returns the bytes up to the NUL that ends them, but at most n.
func (m own) string(address uint64, n int) (text []byte, ended bool) {
	for i := range n {
		if m.view(address+uint64(i), 1)[0] == 0 {
			return m.view(address, i), true
		}
	}
	return m.view(address, n), false
}

// peek returns the n bytes at an address, or false where not all of them are.
func (d *decoder) peek(address uint64, n int) ([]byte, bool) {
	if n < 0 || n > maxPeek || n > 0 && (address == 0 || d.memory == nil) {
		return nil, false
	}
	if _, ok := d.memory.(own); ok {
		return own{}.view(address, n), true
	}
	b := make([]byte, n)
	return b, n == 0 || d.memory.ReadMemory(address, b) == n
}

// fetch is peek for what a call that has failed leaves alone: strace(1) does not
// look there then.
func (d *decoder) fetch(address uint64, n int) ([]byte, bool) {
	if address == 0 || d.failed() {
		return nil, false
	}
	return d.peek(address, n)
}

// peekString returns the bytes up to the NUL that ends them, but at most n. It is
// false where the memory ends before.
func (d *decoder) peekString(address uint64, n int) (text []byte, ended, ok bool) {
	if m, ok := d.memory.(own); ok {
		text, ended = m.string(address, n)
		return text, ended, true
	}
	if d.memory == nil {
		return nil, false, false
	}
	page := uint64(os.Getpagesize())
	for len(text) < n {
		// Not beyond the page: the next may not be there, and nothing of it be meant.
		chunk := min(int(page-address%page), n-len(text))
		b := make([]byte, chunk)
		got := d.memory.ReadMemory(address, b)
		for i := range got {
			if b[i] == 0 {
				return append(text, b[:i]...), true, true
			}
		}
		if got < chunk {
			return nil, false, false
		}
		text = append(text, b...)
		address += uint64(chunk)
	}
	return text, false, true
}

// maxPeek bounds what is read at once: the bits of a select(2) of a million
// descriptors. maxData bounds what Call.Data holds of another process's bytes.
const (
	maxPeek = 1 << 20
	maxData = 64 << 10
)

// data returns n bytes for Call.Data: where they are in our own memory, else a copy
// of the first maxData of them.
func (d *decoder) data(address, n uint64) []byte {
	if address == 0 || d.memory == nil {
		return nil
	}
	if m, ok := d.memory.(own); ok {
		return m.view(address, int(n))
	}
	b := make([]byte, min(n, maxData))
	return b[:d.memory.ReadMemory(address, b)]
}
