package watch

import (
	"debug/elf"

	"golang.org/x/sys/unix"
)

// The calls that only older machines have.
func init() {
	interests[unix.SYS_DUP2] = interest{fds: []int{0, 1}}
	interests[unix.SYS_POLL] = interest{waits: true, skippable: true}
	interests[unix.SYS_SELECT] = interest{waits: true, skippable: true}
	interests[unix.SYS_EPOLL_CREATE] = interest{always: true}
	interests[unix.SYS_EPOLL_WAIT] = interest{always: true, skippable: true}

	captures[unix.SYS_POLL] = polled
	captures[unix.SYS_SELECT] = selected
	captures[unix.SYS_EPOLL_WAIT] = events
}

// argumentsAt is where in struct pt_regs the six arguments of a call are (arch/x86/include/
// asm/ptrace.h).
var argumentsAt = [...]int32{112, 104, 96, 56, 72, 64}

// oldDup2 and the others are -1 on machines that do not have them.
const (
	oldDup2   = unix.SYS_DUP2
	oldPoll   = unix.SYS_POLL
	oldSelect = unix.SYS_SELECT

	auditArch  = unix.AUDIT_ARCH_X86_64
	elfMachine = elf.EM_X86_64
)
