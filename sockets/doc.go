// Package sockets makes the system calls of a server and of a client, and describes
// them: its own, and those of any other program. These are two acts.
//
// Describe reads a call from its number, its six registers and the memory that they
// point into, as it is entered; Call.Return completes it. One table says by number how
// a call looks: shape.go has what a row is, table.go the rows, and each family of
// arguments a file of its own. What is shown is what strace(1) shows.
//
// A Tracer has a method for each call that fd3 makes. All go through one place,
// Tracer.call, which tells an observer twice: when the call is entered and when it has
// returned. Between the two a call may block for as long as the kernel likes. Without
// an observer nothing is described, and a call costs what a bare one does.
//
//	t := sockets.Tracer{Observe: func(c sockets.Call) { fmt.Println(c.Strace()) }}
//	call := t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
//	fd, err := int(call.Ret), call.Err()
//
// Nothing here imports net, and nothing here prints.
package sockets
