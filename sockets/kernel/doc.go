// Package kernel reads back what the running kernel says about sockets: the
// evidence that fd3 shows after a system call.
//
// Most readings are about another process (the stage), made from the process
// of the fd3 command:
//
//	fds, err := kernel.FDs(pid)                       // ls -l /proc/PID/fd
//	task, err := kernel.Thread(pid, pid)              // where is it blocked?
//	rows, err := kernel.Table(pid, "tcp")             // cat /proc/PID/net/tcp
//	all, err := kernel.InetSockets(unix.AF_UNSPEC, unix.IPPROTO_TCP, kernel.AllStates)
//	own, ok := kernel.FindInode(all, fds[i].Inode)    // ss -tlne
//
// A reading takes the lowest free descriptor of the process it runs in for the
// time it lasts, and leaves none behind. It never goes through package os:
// os.Open brings up the poller of the Go runtime, an epoll and an eventfd that
// stay open and shift the descriptor numbers that fd3 teaches.
//
// Opening and parsing are apart: the parsers are functions over text or bytes.
package kernel
