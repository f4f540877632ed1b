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
