package watch

import (
	"debug/elf"

	"golang.org/x/sys/unix"
)

// oldDup2 and the others are -1 on machines that do not have them.
const (
	oldDup2   = -1
	oldPoll   = -1
	oldSelect = -1

	auditArch  = unix.AUDIT_ARCH_AARCH64
	elfMachine = elf.EM_AARCH64
)

// argumentsAt is where in struct pt_regs the six arguments of a call are: the first as it
// was when the call was entered (arch/arm64/include/asm/ptrace.h).
var argumentsAt = [...]int32{272, 8, 16, 24, 32, 40}
