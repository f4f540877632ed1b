// Package stage is the stepped process: a server, or a client, that makes
// exactly one system call when it is told to, and otherwise stands still.
//
//	command ──Order──▶ control thread ──▶ main thread ── one system call
//	        ◀─Report──                ◀── sockets.Call, entered and returned
//
// The calls are made on the process's main thread, so that strace -p PID and
// /proc/PID/wchan show the server and nothing else. A call that blocks blocks
// the whole server, as in any server with one thread; the control thread goes on
// answering. Orders come over a unix socket that only its user can reach.
//
// Nothing here opens a file or uses a Go timer while it serves: both would bring
// up the runtime's epoll and eventfd, and the first socket would not be
// descriptor 3.
package stage
