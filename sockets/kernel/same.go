package kernel

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// kcmpFile is KCMP_FILE, the first of enum kcmp_type in include/uapi/linux/kcmp.h.
const kcmpFile = 0

// SameFile reports whether two descriptors are one open file description, by
// kcmp(2): they are after dup(2), fork(2) or SCM_RIGHTS. Two sockets may look alike
// everywhere else. The error is EPERM if this user may not ptrace one of the
// processes, ENOSYS if the kernel is built without kcmp, EBADF if a descriptor is not
// open, and ESRCH if a process is gone.
func SameFile(pid1, fd1, pid2, fd2 int) (bool, error) {
	order, _, errno := unix.RawSyscall6(unix.SYS_KCMP,
		uintptr(pid1), uintptr(pid2), kcmpFile, uintptr(fd1), uintptr(fd2), 0)
	if errno != 0 {
		return false, fmt.Errorf("kcmp %d:%d and %d:%d: %w", pid1, fd1, pid2, fd2, errno)
	}
	// 1 and 2 put the two in an order that is good for sorting; 3 is no order.
	return order == 0, nil
}
