package kernel

import (
	"fmt"
	"strconv"
	"strings"
)

// Syscall is the system call that a thread is blocked in, as far as
// /proc/PID/task/TID/syscall tells (proc_pid_syscall(5)).
type Syscall struct {
	Form   SyscallForm // says which fields below are filled
	Number int         // as in asm/unistd.h of this machine; with SyscallBlocked
	Args   [6]uint64   // the argument registers, also those that this call does not use; with SyscallBlocked
}

// SyscallForm is one of the forms of the file. A thread that asks about itself finds
// itself in the call that asks.
type SyscallForm uint8

const (
	SyscallUnknown SyscallForm = iota // this user may not look: it takes the right to attach with ptrace(2)
	SyscallRunning                    // "running": on a processor or ready for one, nothing to read
	SyscallBlocked                    // blocked inside a call
	SyscallOutside                    // "-1": blocked, but not in a call: in a page fault, or stopped
)

// parseSyscall reads "running", "-1 SP PC" or "NR A0 A1 A2 A3 A4 A5 SP PC".
func parseSyscall(text string) (Syscall, error) {
	fields := strings.Fields(text)
	if len(fields) == 1 && fields[0] == "running" {
		return Syscall{Form: SyscallRunning}, nil
	}
	var values []uint64
	for _, field := range fields[min(1, len(fields)):] {
		value, err := strconv.ParseUint(field, 0, 64)
		if err != nil {
			return Syscall{}, fmt.Errorf("register %q: %w", field, err)
		}
		values = append(values, value)
	}
	switch {
	case len(values) == 2 && fields[0] == "-1":
		return Syscall{Form: SyscallOutside}, nil
	case len(values) == 8:
		number, err := strconv.Atoi(fields[0])
		if err != nil {
			return Syscall{}, fmt.Errorf("number: %w", err)
		}
		return Syscall{Form: SyscallBlocked, Number: number, Args: [6]uint64(values[:6])}, nil
	}
	return Syscall{}, fmt.Errorf("no known form: %q", text)
}
