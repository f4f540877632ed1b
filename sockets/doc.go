// Package sockets makes the system calls of a server and of a client, one
// function a call, and records each of them as it was made.
//
// Every call goes through one place, Tracer.do, which tells an observer twice:
// when the call is entered and when it has returned. Between the two a call may
// block for as long as the kernel likes.
//
//	t := sockets.Tracer{Observe: func(c sockets.Call) { fmt.Println(c.Strace()) }}
//	call := t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
//	fd, err := int(call.Ret), call.Err()
//
// Nothing here imports net, and nothing here prints.
package sockets
