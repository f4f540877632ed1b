package sockets

import (
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A scratch is where a method puts what it makes for the kernel to read. That has to
// be on the heap (Tracer.call), but need not be a new piece of it for each call.
type scratch struct {
	value   int32
	linger  unix.Linger
	timeval unix.Timeval
	how     unix.OpenHow
	iov     unix.Iovec
	msg     unix.Msghdr
	path    []byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func takeScratch() *scratch { return scratches.Get().(*scratch) }

// giveBack ends the use of a scratch, once the call has returned.
func (s *scratch) giveBack() {
	s.iov.Base = nil // the caller's bytes
	scratches.Put(s)
}

// cPath returns a path as the kernel reads it: its bytes up to the first NUL, and one.
func (s *scratch) cPath(path string) unsafe.Pointer {
	path, _, _ = strings.Cut(path, "\x00")
	s.path = append(append(s.path[:0], path...), 0)
	return unsafe.Pointer(&s.path[0])
}
