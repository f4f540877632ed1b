// Package stage is the stepped process: a server, or a client, that makes
// exactly one system call when it is told to, and otherwise stands still.
//
//	command ──Order──▶ control thread ──▶ main thread ── one system call
//	        ◀─Report──                ◀── sockets.Call, entered and returned
//
// The calls are made on the process's main thread, so that strace -p PID and
// /proc/PID/wchan show the server and nothing else. A call that blocks blocks
// the whole server, as in any server with one thread; the control thread goes on
// answering. Orders come over a unix socket that only its user can reach (Remote), or
// over two socketpairs of the process that owns the stage (Private).
//
// In a stage the low descriptors belong to the lesson: 0 to 2 are /dev/null, the
// first socket is 3. The control socket and its connections, or the socketpairs, and
// the Go runtime's own epoll and eventfd have high numbers.
package stage
