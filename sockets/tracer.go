package sockets

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Tracer makes calls and tells Observe of each, once entered and once returned. It
// has a method for each system call, with the call's name.
//
// Without Observe a call costs little more than the call itself, and nothing is put
// into words: the Call that a method returns has its Name, its FD, what it returned,
// and the bytes and the address that the caller gave room for, but no arguments, no
// statements and no times. A nil Tracer is one without Observe.
type Tracer struct {
	// Observe is called on the thread that makes the call. It may be nil.
	Observe func(Call)

	// Nonblocking reports that the sockets are non-blocking, and that no SO_LINGER has
	// close(2) wait, as it may also then. The calls on them that nobody observes are over
	// at once, and are made without telling the Go scheduler, which is a quarter of a
	// server's throughput (RawSyscall). Calls that may wait for a disk, or wait by design,
	// are not among them.
	Nonblocking bool
}

// Observed reports whether anybody is told of the calls.
func (t *Tracer) Observed() bool { return t != nil && t.Observe != nil }

// call is the one place where a call is made: by number, with the arguments as they
// go into the registers. A call that a signal interrupted (EINTR, signal(7)) is
// reported as it was and then made again; but not close(2), which has given the
// descriptor back even then.
//
// A pointer among the arguments is converted in the list of the arguments itself, as
// in uintptr(unsafe.Pointer(&st)). For such, the directive below has the compiler put
// what it points to on the heap, where nothing moves, and keep it alive until call
// returns. So the number is a good address in the kernel, on the screen, and for the
// decoder that looks there afterwards.
//
//go:uintptrescapes
func (t *Tracer) call(c *Call, number, a0, a1, a2, a3, a4, a5 uintptr) {
	if t.Observed() {
		t.observed(c, number, a0, a1, a2, a3, a4, a5)
		return
	}
	s := &table[number]
	prompt := s.prompt && t != nil && t.Nonblocking
	for {
		var ret uintptr
		if prompt {
			ret, _, c.Errno = unix.RawSyscall6(number, a0, a1, a2, a3, a4, a5)
		} else {
			ret, _, c.Errno = unix.Syscall6(number, a0, a1, a2, a3, a4, a5)
		}
		c.Ret = int64(ret)
		if !c.interrupted(number) {
			break
		}
	}
	c.Name, c.Returned, c.FD = s.name, true, -1
	if s.onFD {
		c.FD = int(a0)
	}
}

// observed is call where somebody is told of it. It is a function of its own to keep
// the other one's frame small.
func (t *Tracer) observed(c *Call, number, a0, a1, a2, a3, a4, a5 uintptr) {
	for {
		entered := Describe(int(number), Registers{uint64(a0), uint64(a1), uint64(a2), uint64(a3), uint64(a4), uint64(a5)}, own{})
		entered.Start = time.Now()
		t.Observe(entered)
		ret, _, errno := unix.Syscall6(number, a0, a1, a2, a3, a4, a5)
		entered.Duration = time.Since(entered.Start)
		*c = entered.Return(int64(ret), errno, own{})
		t.Observe(*c)
		if !c.interrupted(number) {
			return
		}
	}
}

// interrupted reports whether the call has to be made again.
func (c *Call) interrupted(number uintptr) bool {
	return c.Errno == unix.EINTR && number != unix.SYS_CLOSE
}

// bytes gives the call its Data: n bytes of buf, as many as were moved. A described
// call has them already.
func (c *Call) bytes(buf []byte) {
	if c.Errno == 0 && c.Data == nil && buf != nil {
		c.Data = buf[:min(int(c.Ret), len(buf))] // MSG_TRUNC gives the whole length of a datagram
	}
}

// A Peer is room for an address that the kernel writes: struct sockaddr_storage, and
// how much of it was written.
type Peer struct {
	addr [sizeStorage]byte
	size uint32
}

// from gives the call its Addr: what the kernel wrote.
func (c *Call) from(p *Peer) {
	if c.Errno == 0 && c.Addr == nil {
		c.Addr = p.addr[:min(p.size, sizeStorage)]
	}
}

// data is where the kernel finds bytes.
func data(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }
