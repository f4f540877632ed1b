package watch

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// callInfo is struct ptrace_syscall_info (ptrace(2)).
type callInfo struct {
	op   uint8
	_    [3]uint8
	arch uint32
	_    [2]uint64 // instruction_pointer, stack_pointer
	data [8]uint64 // entry and seccomp: the number and six arguments; exit: the result, and whether it is an error
}

// The ops of a callInfo.
const (
	opEntry   = 1
	opExit    = 2
	opSeccomp = 3
)

// ptrace makes a request of a thread that stands still. An error is of no interest but
// for seize: the thread has been killed, and wait4(2) tells so.
func ptrace(request, tid int, addr, data uintptr) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr, data, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func (i *callInfo) read(tid int) bool {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(*i), uintptr(unsafe.Pointer(i)), 0, 0)
	return errno == 0
}

// quiet has the kernel send this process no SIGCHLD when a thread that it follows stands
// still (SA_NOCLDSTOP, sigaction(2)): wait4(2) tells. Go's runtime would take each, and do
// nothing with it.
func quiet() {
	const noStops, sizeSet = 1, 8 // SA_NOCLDSTOP; the kernel's sigset_t
	var action struct{ handler, flags, restorer, mask uint64 }
	change := func(set, get unsafe.Pointer) unix.Errno {
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD), uintptr(set), uintptr(get), sizeSet, 0, 0)
		return errno
	}
	if change(nil, unsafe.Pointer(&action)) == 0 {
		action.flags |= noStops
		change(unsafe.Pointer(&action), nil)
	}
}
