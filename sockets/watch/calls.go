package watch

import "golang.org/x/sys/unix"

// An interest is when a call is of interest: always, or if a descriptor among its
// arguments is a socket's.
type interest struct {
	always bool
	fds    []int // which registers are descriptors
	waits  bool  // several descriptors lie in its memory: poll(2), select(2)

	skippable bool // it neither makes nor closes a descriptor, nor brings one
}

// interests are the calls at which a program is stopped, by number.
var interests = map[int]interest{
	unix.SYS_SOCKET:      {always: true},
	unix.SYS_SOCKETPAIR:  {always: true},
	unix.SYS_BIND:        {always: true, fds: []int{0}},
	unix.SYS_LISTEN:      {always: true, fds: []int{0}},
	unix.SYS_ACCEPT:      {always: true, fds: []int{0}},
	unix.SYS_ACCEPT4:     {always: true, fds: []int{0}},
	unix.SYS_CONNECT:     {always: true, fds: []int{0}},
	unix.SYS_GETSOCKNAME: {always: true, fds: []int{0}, skippable: true},
	unix.SYS_GETPEERNAME: {always: true, fds: []int{0}, skippable: true},
	unix.SYS_SETSOCKOPT:  {always: true, fds: []int{0}, skippable: true},
	unix.SYS_GETSOCKOPT:  {always: true, fds: []int{0}, skippable: true},
	unix.SYS_SHUTDOWN:    {always: true, fds: []int{0}},
	unix.SYS_SENDTO:      {always: true, fds: []int{0}, skippable: true},
	unix.SYS_RECVFROM:    {always: true, fds: []int{0}, skippable: true},
	unix.SYS_SENDMSG:     {always: true, fds: []int{0}},
	unix.SYS_RECVMSG:     {always: true, fds: []int{0}},
	unix.SYS_SENDMMSG:    {always: true, fds: []int{0}},
	unix.SYS_RECVMMSG:    {always: true, fds: []int{0}},

	unix.SYS_READ:     {fds: []int{0}, skippable: true},
	unix.SYS_WRITE:    {fds: []int{0}, skippable: true},
	unix.SYS_READV:    {fds: []int{0}, skippable: true},
	unix.SYS_WRITEV:   {fds: []int{0}, skippable: true},
	unix.SYS_PREADV:   {fds: []int{0}, skippable: true},
	unix.SYS_PWRITEV:  {fds: []int{0}, skippable: true},
	unix.SYS_PREADV2:  {fds: []int{0}, skippable: true},
	unix.SYS_PWRITEV2: {fds: []int{0}, skippable: true},
	unix.SYS_SENDFILE: {fds: []int{0, 1}, skippable: true},
	unix.SYS_SPLICE:   {fds: []int{0, 2}, skippable: true},

	unix.SYS_CLOSE:       {fds: []int{0}},
	unix.SYS_CLOSE_RANGE: {},
	unix.SYS_DUP:         {fds: []int{0}},
	unix.SYS_DUP3:        {fds: []int{0, 1}},
	unix.SYS_FCNTL:       {fds: []int{0}},
	unix.SYS_IOCTL:       {fds: []int{0}, skippable: true},
	unix.SYS_PIDFD_GETFD: {always: true},

	unix.SYS_PPOLL:         {waits: true, skippable: true},
	unix.SYS_PSELECT6:      {waits: true, skippable: true},
	unix.SYS_EPOLL_CREATE1: {always: true},
	unix.SYS_EPOLL_CTL:     {always: true, fds: []int{2}, skippable: true},
	unix.SYS_EPOLL_PWAIT:   {always: true, skippable: true},
	unix.SYS_EPOLL_PWAIT2:  {always: true, skippable: true},

	unix.SYS_IO_URING_SETUP:  {always: true},
	unix.SYS_RESTART_SYSCALL: {},
}

// makers returns the calls that return a new descriptor, or may.
func makers() []int {
	all := []int{unix.SYS_SOCKET, unix.SYS_ACCEPT, unix.SYS_ACCEPT4, unix.SYS_DUP, unix.SYS_DUP3, unix.SYS_PIDFD_GETFD, unix.SYS_FCNTL}
	if oldDup2 >= 0 {
		all = append(all, oldDup2)
	}
	return all
}

// Numbers returns the calls of interest, in no order.
func Numbers() []int {
	all := make([]int, 0, len(interests))
	for number := range interests {
		all = append(all, number)
	}
	return all
}
