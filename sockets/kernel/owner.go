package kernel

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Owner is a descriptor that holds a socket. A socket has several after fork(2)
// or dup(2).
type Owner struct {
	PID  int
	Comm string // name of the process, at most 15 bytes; "" if it ended meanwhile
	FD   int
}

// Owners searches /proc/*/fd for a socket's inode, as lsof(8) and ss -p do,
// since the kernel keeps no way back from a socket to its processes. It also returns
// how many processes this user may not look into; kernel threads, which have no
// descriptors, are not among these. A /proc mounted with hidepid=2 leaves other
// users' processes out of that count, too.
//
// Inode 0 has no owner: the connection is not accepted yet, or in TIME_WAIT.
func Owners(inode uint64) (owners []Owner, hidden int, err error) {
	if inode == 0 {
		return nil, 0, nil
	}
	err = processes(func(pid int, fds []FD, refused bool) {
		if refused && !isKernelThread(pid) {
			hidden++
		}
		for _, fd := range fds {
			if fd.Inode == inode {
				comm, _ := Comm(pid)
				owners = append(owners, Owner{PID: pid, Comm: comm, FD: fd.Number})
			}
		}
	})
	if err != nil {
		return nil, 0, err
	}
	return owners, hidden, nil
}

// processes calls each with the descriptors of every process. The kernel has refused
// to tell those of another user's.
func processes(each func(pid int, fds []FD, refused bool)) error {
	names, err := readNames("/proc")
	if err != nil {
		return err
	}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		fds, err := FDs(pid)
		switch {
		case err == nil, denied(err):
			each(pid, fds, err != nil)
		case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ESRCH):
			// The process ended meanwhile.
		default:
			return err
		}
	}
	return nil
}

// Comm reads /proc/PID/comm. The kernel appends one newline; any other
// belongs to the name.
func Comm(pid int) (string, error) {
	text, err := readFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSuffix(string(text), "\n"), err
}

// isKernelThread reports whether a process is a kernel thread; false if /proc does not
// tell.
func isKernelThread(pid int) bool {
	text, err := readFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	stat, err := parseStat(string(text))
	return err == nil && stat.flags&kernelThread != 0
}
