package watch

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A part is some memory of a call that the kernel is to copy, as long as the call stands
// there: what lies at the address in a register.
type part struct {
	kind partKind
	at   int  // the register
	size size // of the bytes, or how many structs there are
}

type partKind uint8

const (
	bytesPart    partKind = iota
	iovecPart             // structs iovec, and the bytes that they lead to
	headersPart           // a struct msghdr, and its structs iovec
	messagePart           // a struct msghdr, and all that it leads to
	messagesPart          // structs mmsghdr, and all that they lead to
)

// A size is a number of bytes.
type size struct {
	kind     sizeKind
	register int
	unit     int // what it is a number of; with fixed: it
}

type sizeKind uint8

const (
	fixed    sizeKind = iota
	whole             // a register says, of 64 bits
	narrow            // a register says, of 32 bits
	returned          // what the call returns, but at most what a register says; -1: none does
	pointed           // the int at the address in a register
	bitmap            // a register says how many bits
)

// bytesOf and the others are sizes that registers say.
func bytesOf(register int) size { return size{whole, register, 1} }
func intOf(register, unit int) size {
	return size{narrow, register, unit}
}
func returnedOf(register int) size { return size{returned, register, 1} }
func sizeAt(register int) size     { return size{pointed, register, 1} }
func just(n int) size              { return size{fixed, 0, n} }
func bitsOf(register int) size     { return size{bitmap, register, 1} }

// A capture is what is copied when a call is entered, and when it has returned.
type capture struct{ in, out []part }

const (
	sizePoll     = 8                                     // struct pollfd
	sizeEpoll    = int(unsafe.Sizeof(unix.EpollEvent{})) // struct epoll_event
	sizeTime     = 16                                    // struct timespec, struct timeval
	sizeSignals  = 8                                     // the kernel's sigset_t
	sizeMessages = unix.SizeofMsghdr + 8                 // struct mmsghdr
)

// The captures that several calls have.
var (
	addressIn  = capture{in: []part{{at: 1, size: intOf(2, 1)}}}
	addressOut = capture{in: []part{{at: 2, size: just(4)}}, out: []part{{at: 2, size: just(4)}, {at: 1, size: sizeAt(2)}}}
	intoKernel = capture{in: []part{{at: 1, size: bytesOf(2)}}}
	outOf      = capture{out: []part{{at: 1, size: returnedOf(2)}}}
	gathered   = capture{in: []part{{kind: iovecPart, at: 1, size: intOf(2, 1)}}}
	scattered  = capture{in: []part{{at: 1, size: intOf(2, unix.SizeofIovec)}}, out: []part{{kind: iovecPart, at: 1, size: intOf(2, 1)}}}
	selected   = capture{
		in:  []part{{at: 1, size: bitsOf(0)}, {at: 2, size: bitsOf(0)}, {at: 3, size: bitsOf(0)}, {at: 4, size: just(sizeTime)}, {at: 5, size: just(16)}},
		out: []part{{at: 1, size: bitsOf(0)}, {at: 2, size: bitsOf(0)}, {at: 3, size: bitsOf(0)}, {at: 4, size: just(sizeTime)}},
	}
	polled = capture{
		in:  []part{{at: 0, size: intOf(1, sizePoll)}},
		out: []part{{at: 0, size: intOf(1, sizePoll)}},
	}
	polledWithTime = capture{
		in:  append([]part{{at: 2, size: just(sizeTime)}, {at: 3, size: just(sizeSignals)}}, polled.in...),
		out: append([]part{{at: 2, size: just(sizeTime)}}, polled.out...),
	}
	events = capture{
		in:  []part{{at: 4, size: just(sizeSignals)}},
		out: []part{{at: 1, size: size{returned, -1, sizeEpoll}}, {at: 4, size: just(sizeSignals)}},
	}
	offsets = capture{in: []part{{at: 1, size: just(8)}, {at: 3, size: just(8)}}, out: []part{{at: 1, size: just(8)}, {at: 3, size: just(8)}}}
)

// captures are what is copied of the calls of interest, by number. Of the others the
// registers say all.
var captures = map[int]capture{
	unix.SYS_BIND:        addressIn,
	unix.SYS_CONNECT:     addressIn,
	unix.SYS_ACCEPT:      addressOut,
	unix.SYS_ACCEPT4:     addressOut,
	unix.SYS_GETSOCKNAME: addressOut,
	unix.SYS_GETPEERNAME: addressOut,
	unix.SYS_SOCKETPAIR:  {out: []part{{at: 3, size: just(8)}}},
	unix.SYS_SETSOCKOPT:  {in: []part{{at: 3, size: intOf(4, 1)}}},
	unix.SYS_GETSOCKOPT: {
		in:  []part{{at: 4, size: just(4)}, {at: 3, size: sizeAt(4)}},
		out: []part{{at: 4, size: just(4)}, {at: 3, size: sizeAt(4)}},
	},
	unix.SYS_SENDTO: {in: []part{{at: 1, size: bytesOf(2)}, {at: 4, size: intOf(5, 1)}}},
	unix.SYS_RECVFROM: {
		in:  []part{{at: 5, size: just(4)}},
		out: []part{{at: 1, size: returnedOf(2)}, {at: 5, size: just(4)}, {at: 4, size: sizeAt(5)}},
	},
	unix.SYS_SENDMSG:  {in: []part{{kind: messagePart, at: 1}}},
	unix.SYS_RECVMSG:  {in: []part{{kind: headersPart, at: 1}}, out: []part{{kind: messagePart, at: 1}}},
	unix.SYS_SENDMMSG: {in: []part{{kind: messagesPart, at: 1, size: intOf(2, 1)}}, out: []part{{at: 1, size: intOf(2, sizeMessages)}}},
	unix.SYS_RECVMMSG: {
		in:  []part{{at: 1, size: intOf(2, sizeMessages)}, {at: 4, size: just(sizeTime)}},
		out: []part{{kind: messagesPart, at: 1, size: size{returned, -1, 1}}, {at: 4, size: just(sizeTime)}},
	},

	unix.SYS_READ:     outOf,
	unix.SYS_WRITE:    intoKernel,
	unix.SYS_READV:    scattered,
	unix.SYS_WRITEV:   gathered,
	unix.SYS_PREADV:   scattered,
	unix.SYS_PWRITEV:  gathered,
	unix.SYS_PREADV2:  scattered,
	unix.SYS_PWRITEV2: gathered,
	unix.SYS_SENDFILE: {in: []part{{at: 2, size: just(8)}}, out: []part{{at: 2, size: just(8)}}},
	unix.SYS_SPLICE:   offsets,

	unix.SYS_IOCTL: {in: []part{{at: 2, size: just(4)}}, out: []part{{at: 2, size: just(4)}}},
	unix.SYS_FCNTL: {in: []part{{at: 2, size: just(8)}}, out: []part{{at: 2, size: just(8)}}},

	unix.SYS_PPOLL:          polledWithTime,
	unix.SYS_PSELECT6:       selected,
	unix.SYS_EPOLL_CTL:      {in: []part{{at: 3, size: just(sizeEpoll)}}},
	unix.SYS_EPOLL_PWAIT:    events,
	unix.SYS_EPOLL_PWAIT2:   {in: []part{{at: 3, size: just(sizeTime)}, {at: 4, size: just(sizeSignals)}}, out: append([]part{{at: 3, size: just(sizeTime)}}, events.out...)},
	unix.SYS_IO_URING_SETUP: {in: []part{{at: 1, size: just(120)}}, out: []part{{at: 1, size: just(120)}}},
}
