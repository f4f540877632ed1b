package watch

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// filter returns the program of seccomp(2) that stops at the calls of interest. It looks
// at struct seccomp_data { int nr; __u32 arch; … }. Calls of another architecture have
// other numbers: they pass.
func filter() []unix.SockFilter {
	numbers := Numbers()
	slices.Sort(numbers)
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	equal := func(k uint32, yes, no int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(yes), Jf: uint8(no), K: k}
	}
	back := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	program := []unix.SockFilter{load(4), equal(auditArch, 0, len(numbers)+1), load(0)}
	for i, number := range numbers {
		program = append(program, equal(uint32(number), len(numbers)-i, 0))
	}
	return append(program, back(unix.SECCOMP_RET_ALLOW), back(unix.SECCOMP_RET_TRACE))
}

// install gives the calling thread a filter, for all that it will execute. Who has no
// CAP_SYS_ADMIN has to give up gaining rights for that (PR_SET_NO_NEW_PRIVS).
func install(program []unix.SockFilter) error {
	p := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	set := func() error {
		_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&p)))
		if errno != 0 {
			return errno
		}
		return nil
	}
	err := set()
	if err == unix.EACCES {
		if err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err == nil {
			err = set()
		}
	}
	return err
}
