package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Disposition is what the kernel does with a signal that no handler takes.
type Disposition uintptr

// The two of signal(7), from include/uapi/asm-generic/signal-defs.h.
const (
	SIG_DFL Disposition = 0 // the signal's own action: SIGPIPE ends the process
	SIG_IGN Disposition = 1 // none
)

func (d Disposition) String() string {
	switch d {
	case SIG_DFL:
		return "SIG_DFL"
	case SIG_IGN:
		return "SIG_IGN"
	}
	return fmt.Sprintf("%#x", uintptr(d))
}

// RtSigaction wraps rt_sigaction(2), which is sigaction(2) of the C library. It is
// made raw, behind the back of the Go runtime, which has a handler for every
// signal and lets SIGPIPE end a program only when it writes to 1 or 2 (os/signal).
func (t *Tracer) RtSigaction(signal unix.Signal, d Disposition) Call {
	// struct sigaction { void *sa_handler; unsigned long sa_flags; void *sa_restorer; sigset_t sa_mask; }
	// (include/linux/signal_types.h): without a handler all but the first is 0. The
	// C library's struct of that name is another one.
	var act struct {
		handler         Disposition
		flags, restorer uintptr
		mask            uint64
	}
	act.handler = d
	const maskSize = unsafe.Sizeof(act.mask)
	name := unix.SignalName(signal)
	if name == "" {
		name = fmt.Sprint(int(signal))
	}
	c := Call{
		Name: "rt_sigaction",
		FD:   -1,
		Args: []Arg{
			in("signum", name),
			in("act", fmt.Sprintf("{sa_handler=%s, sa_mask=[], sa_flags=0}", d)),
			in("oldact", "NULL"),
			inInt("sigsetsize", int(maskSize)),
		},
		C: fmt.Sprintf("struct sigaction act = {.sa_handler = %s}; sigaction(%s, &act, NULL);", d, name),
		Go: fmt.Sprintf("act := [4]uint64{%d}; _, _, errno := unix.Syscall6(unix.SYS_RT_SIGACTION, uintptr(%s), uintptr(unsafe.Pointer(&act)), 0, %d, 0, 0)",
			d, goNames(name), maskSize),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		_, _, errno := unix.Syscall6(unix.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(&act)), 0, maskSize, 0, 0)
		return 0, errno
	}, nil)
}
