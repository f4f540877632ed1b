package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// FD is one open descriptor of a process, an entry of /proc/PID/fd
// (proc_pid_fd(5)).
type FD struct {
	Number int    // the descriptor, as system calls take it
	Target string // from readlink(2): "socket:[123]", "pipe:[5]", "/dev/null"
	Inode  uint64 // of a socket, the number in "socket:[123]"; 0 for anything else
}

// FDs lists the open descriptors of a process by number. The descriptor that
// the listing itself needs is not in it. A descriptor that closes meanwhile is
// left out. The caller needs the right to ptrace the process (ptrace(2),
// PTRACE_MODE_READ).
func FDs(pid int) ([]FD, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	names, err := readNames(dir)
	if err != nil {
		return nil, err
	}
	fds := make([]FD, 0, len(names))
	for _, name := range names {
		number, err := strconv.Atoi(name)
		if err != nil {
			return nil, fmt.Errorf("%s: unexpected entry %q", dir, name)
		}
		target, err := readLink(dir + "/" + name)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return nil, err
		}
		fds = append(fds, FD{Number: number, Target: target, Inode: socketInode(target)})
	}
	slices.SortFunc(fds, func(a, b FD) int { return cmp.Compare(a.Number, b.Number) })
	return fds, nil
}

// socketInode returns the inode in "socket:[123]", or 0 if it is not a socket.
func socketInode(target string) uint64 {
	digits, ok := strings.CutPrefix(target, "socket:[")
	if !ok {
		return 0
	}
	digits, ok = strings.CutSuffix(digits, "]")
	if !ok {
		return 0
	}
	inode, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0
	}
	return inode
}
