// Package kernel reads back what the running kernel says about sockets: the
// evidence that fd3 shows after a system call.
//
// Most readings are about another process (the stage), made from the process
// of the fd3 command. Descriptors and threads belong to a process, sockets and
// counters to a network namespace, a Net:
//
//	fds, err := kernel.FDs(pid)              // ls -l /proc/PID/fd
//	task, err := kernel.Thread(pid, pid)     // cat /proc/PID/wchan
//	net, err := kernel.Of(pid)               // nsenter --net=/proc/PID/ns/net ...
//	defer net.Close()
//	rows, err := net.Table("tcp")            // cat /proc/net/tcp
//	sockets, err := net.TCP()                // ss -tane
//	own := sockets.Inode(fds[i].Inode)       // nil if it is not among them
//
// A Snapshot has all of it that concerns some processes, at one moment:
//
//	now, err := kernel.Look(parties, earlier)
//	changed := now.Since(earlier)
//
// A reading takes the lowest free descriptor of the process it runs in for the
// time it lasts, and leaves none behind. It never goes through package os:
// os.Open brings up the poller of the Go runtime, an epoll and an eventfd that
// stay open and shift the descriptor numbers that fd3 teaches.
//
// Opening and parsing are apart: the parsers are functions over text or bytes.
package kernel
