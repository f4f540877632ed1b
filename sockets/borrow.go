package sockets

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Borrow returns a descriptor for what a descriptor of another process refers to, which the
// caller closes. It takes the right to trace the process (pidfd_getfd(2)).
func Borrow(pid, fd int) (int, error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, fmt.Errorf("pidfd_open(2): %w", err)
	}
	defer unix.Close(process)
	mine, err := unix.PidfdGetfd(process, fd, 0)
	if err != nil {
		return -1, fmt.Errorf("pidfd_getfd(2): %w", err)
	}
	return mine, nil
}
