package sockets

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"

	"golang.org/x/sys/unix"
)

// signalName returns the name of a signal, or "".
func signalName(n int) string {
	switch {
	case n == int(unix.SIGABRT):
		return "SIGABRT" // x/sys says SIGIOT or SIGABRT as its table has it
	case n > 0 && n < firstRealTime:
		return unix.SignalName(unix.Signal(n))
	case n == firstRealTime:
		return "SIGRTMIN"
	case n > firstRealTime && n <= 64:
		return fmt.Sprint("SIGRT_", n-firstRealTime)
	}
	return ""
}

// firstRealTime is the kernel's SIGRTMIN: signal(7).
const firstRealTime = 32

// signal is the number of a signal.
func signal(d *decoder, i int) string {
	name := signalName(int(int32(d.registers[i])))
	if name == "" {
		return signed(d, i)
	}
	return d.named(i, name)
}

// sigset is a set of signals whose size is in another register.
func sigset(length int) kind {
	return func(d *decoder, i int) string {
		d.written(i, "&mask", "&mask")
		if d.registers[i] == 0 {
			d.written(i, "NULL", "nil")
		}
		return d.sigset(d.registers[i], d.registers[length])
	}
}

// lateSigset is sigset, where strace(1) reads it after the return.
func lateSigset(length int) kind {
	return func(d *decoder, i int) string { return d.again(sigset(length)(d, i)) }
}

// sigset shows a set of n bytes. The kernel takes no other size than sigsetSize.
func (d *decoder) sigset(p, n uint64) string {
	if n != sigsetSize {
		return address(p)
	}
	b, ok := d.fetch(p, sigsetSize)
	if !ok {
		return address(p)
	}
	return sigsetText(binary.NativeEndian.Uint64(b))
}

// sigsetSize is the size of a set of signals in the kernel: 64 of them, in bytes.
const sigsetSize = 8

// sigsetText names the signals of a set, or, where most are in it, those that are not.
func sigsetText(set uint64) string {
	not := ""
	if bits.OnesCount64(set) >= 64*2/3 {
		set, not = ^set, "~"
	}
	var names []string
	for n := 1; n <= 64; n++ {
		if set>>(n-1)&1 == 1 {
			names = append(names, strings.TrimPrefix(signalName(n), "SIG"))
		}
	}
	return not + "[" + strings.Join(names, " ") + "]"
}

// sigsetArgument is the last argument of pselect6(2): the address and the size of a
// set, since there is no seventh register.
func sigsetArgument(d *decoder, i int) string {
	b, ok := d.fetch(d.registers[i], 16)
	if !ok {
		return d.address(i)
	}
	p, n := binary.NativeEndian.Uint64(b), binary.NativeEndian.Uint64(b[8:])
	return fmt.Sprintf("{sigmask=%s, sigsetsize=%d}", d.sigset(p, n), n)
}

// actionIn and actionOut are the structs sigaction of rt_sigaction(2).
func actionIn(d *decoder, i int) string {
	b, ok := d.fetch(d.registers[i], sizeSigaction)
	if !ok {
		d.written(i, "NULL", "0")
		return d.address(i)
	}
	handler := binary.NativeEndian.Uint64(b)
	d.written(i, handlerText(handler), fmt.Sprint(handler))
	return actionText(b)
}

func actionOut(d *decoder, i int) string {
	if d.registers[i] == 0 {
		return "NULL"
	}
	if !d.returned {
		return d.changes("")
	}
	b, ok := d.fetch(d.registers[i], sizeSigaction)
	if !ok {
		return d.address(i)
	}
	return actionText(b)
}

// sizeSigaction is that of the kernel's struct sigaction { void *sa_handler; unsigned
// long sa_flags; void *sa_restorer; sigset_t sa_mask; } (include/linux/signal_types.h).
// The C library's struct of that name is another one.
const sizeSigaction = 32

func actionText(b []byte) string {
	word := func(i int) uint64 { return binary.NativeEndian.Uint64(b[i:]) }
	parts := []string{"sa_handler=" + handlerText(word(0)), "sa_mask=" + sigsetText(word(24)),
		"sa_flags=" + several(actionFlags, int(word(8)), "SA_")}
	if word(8)&saRestorer != 0 {
		parts = append(parts, "sa_restorer="+address(word(16)))
	}
	return joined(parts...)
}

func handlerText(handler uint64) string {
	if name := lookup(handlers, int(handler)); name != "" {
		return name
	}
	return address(handler)
}

// actionStatement is rt_sigaction(2) as source, which is sigaction(2) of the C
// library.
func actionStatement(d *decoder) (c, golang string) {
	if d.registers[1] == 0 {
		return "struct sigaction old; sigaction({signum}, NULL, &old);",
			"var old [4]uint64; _, _, errno := unix.Syscall6(unix.SYS_RT_SIGACTION, uintptr({signum}), 0, uintptr(unsafe.Pointer(&old)), {sigsetsize}, 0, 0)"
	}
	return "struct sigaction act = {.sa_handler = {act}}; sigaction({signum}, &act, NULL);",
		"act := [4]uint64{{act}}; _, _, errno := unix.Syscall6(unix.SYS_RT_SIGACTION, uintptr({signum}), uintptr(unsafe.Pointer(&act)), 0, {sigsetsize}, 0, 0)"
}
