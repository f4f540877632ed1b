package sockets

import "golang.org/x/sys/unix"

// The calls that only older machines have. Each has a younger sister in the table.
func init() {
	for number, s := range map[int]shape{
		unix.SYS_DUP2: {name: "dup2", onFD: true,
			params: []param{{"oldfd", descriptor}, {"newfd", descriptor}},
			c:      "int fd = dup2({oldfd}, {newfd});",
			golang: "err := unix.Dup2({oldfd}, {newfd})"},
		unix.SYS_POLL: {name: "poll",
			params: []param{{"fds", pollfds}, {"nfds", unsigned}, {"timeout", signed}},
			c:      "int n = poll(fds, {nfds}, {timeout});",
			golang: "n, err := unix.Poll(fds[:{nfds}], {timeout})",
			result: pollResult((*decoder).ready, nothingLeft)},
		unix.SYS_SELECT: {name: "select",
			params: []param{{"nfds", signed}, {"readfds", fdset}, {"writefds", fdset}, {"exceptfds", fdset}, {"timeout", timeval}},
			c:      "int n = select({nfds}, {readfds}, {writefds}, {exceptfds}, {timeout});",
			golang: "n, err := unix.Select({nfds}, {readfds}, {writefds}, {exceptfds}, {timeout})",
			result: selectResult("tv_usec")},
		unix.SYS_EPOLL_WAIT: {name: "epoll_wait", onFD: true,
			params: []param{{"epfd", descriptor}, {"events", eventsOut}, {"maxevents", signed}, {"timeout", signed}},
			c:      "int n = epoll_wait({epfd}, events, {maxevents}, {timeout});",
			golang: "n, err := unix.EpollWait({epfd}, events[:{maxevents}], {timeout})"},
		unix.SYS_EPOLL_CREATE: {name: "epoll_create",
			params: []param{{"size", signed}},
			c:      "int epfd = epoll_create({size});",
			golang: "epfd, err := unix.EpollCreate({size})"},
		unix.SYS_PIPE: {name: "pipe",
			params: []param{{"pipefd", twoDescriptors}},
			c:      "int fd[2]; pipe(fd);",
			golang: "err := unix.Pipe(fd[:])"},
		unix.SYS_FORK:  {name: "fork", c: "pid_t pid = fork();"},
		unix.SYS_VFORK: {name: "vfork", c: "pid_t pid = vfork();"},
	} {
		table[number] = s
	}
}

// cloneParams are the arguments of clone(2), which strace(1) prints in an order of
// its own. The kernel's order differs from machine to machine: the address for the
// child's number is the fourth here, and the thread storage the fifth.
var cloneParams = []param{{"stack", at(1, childStack)}, {"flags", at(0, cloneFlagsKind)}, {"parent_tid", at(2, parentTID)},
	{"tls", at(4, threadStorage)}, {"child_tid", at(3, childTID)}}
