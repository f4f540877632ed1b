package main

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/sockets/stage"
)

// These are the needs of the Go runtime and fd3, measured: with less the runtime ends
// the process somewhere on the way, with a traceback. With much less that happens before
// main, and nothing here can say it better.
const (
	neededDescriptors = 8       // free ones: the runtime's epoll and eventfd, a pipe, a lock, the control socket
	neededProcesses   = 16      // threads of this process alone
	neededMemory      = 2 << 30 // bytes of address space, most of it never used
)

// lowLimit is a number of descriptors that a command may come near to.
const lowLimit = 64

// enough returns an error that names the limit under which fd3 cannot work.
func enough() error {
	if free := freeDescriptors(neededDescriptors); free < neededDescriptors {
		return fmt.Errorf("only %d descriptors are free, and fd3 needs %d: %s", free, neededDescriptors, stage.LimitText(unix.RLIMIT_NOFILE))
	}
	for _, l := range []struct {
		resource int
		needed   uint64
		what     string
	}{
		{unix.RLIMIT_NPROC, neededProcesses, "processes and threads"},
		{unix.RLIMIT_AS, neededMemory, "bytes of address space"},
	} {
		var limit unix.Rlimit
		if unix.Getrlimit(l.resource, &limit) == nil && limit.Cur < l.needed && !(l.resource == unix.RLIMIT_NPROC && unix.Geteuid() == 0) {
			return fmt.Errorf("too few %s, and fd3 needs %d: %s", l.what, l.needed, stage.LimitText(l.resource))
		}
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && limit.Cur < lowLimit {
		stage.RaisePoller() // now, since without room for it later the runtime ends the process
	}
	return nil
}

// freeDescriptors counts the free descriptors, up to a number, by taking them.
func freeDescriptors(most int) int {
	var taken []int
	for len(taken) < most {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err == unix.EMFILE {
			break
		} else if err != nil {
			return most // it is not the limit of descriptors
		}
		taken = append(taken, fd)
	}
	for _, fd := range taken {
		unix.Close(fd)
	}
	return len(taken)
}
