package stage

import (
	"time"

	"golang.org/x/sys/unix"
)

// RaisePoller has the Go runtime open its epoll and eventfd now, while the low
// descriptors are taken, so that they get high ones. The runtime would open them
// at its first timer (the garbage collector has one), and they would stand among
// the sockets that a learner counts.
func RaisePoller() { raisePoller(FirstControlFD) }

func raisePoller(first int) {
	var low []int
	for {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil { // the limit is below first: the poller gets the highest there are
			for range min(4, len(low)) {
				unix.Close(low[len(low)-1])
				low = low[:len(low)-1]
			}
			break
		}
		low = append(low, fd)
		if fd >= first-1 {
			break
		}
	}
	time.AfterFunc(0, func() {}) // starts the poller before it returns (runtime.netpollGenericInit)
	for _, fd := range low {
		unix.Close(fd)
	}
}
