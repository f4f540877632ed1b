// Package server serves HTTP/1.x by system calls alone: accept4, recvfrom,
// sendto, sendfile, and epoll where it is asked for. No package net.
//
// There is one state machine for a connection, conn.run, and three loops that
// drive it, each a lesson in what it can and cannot do:
//
//	iterative   one client at a time, in blocking calls: an idle one blocks all
//	threads     a thread for each connection, in blocking calls
//	epoll       one loop for each CPU, many connections, calls that never block
//
// The data flows one way:
//
//	loop ─▶ conn.run: recv ─▶ httpmini parses ─▶ answer ─▶ send ─▶ loop
//	             │
//	             └─▶ Event, through a bounded queue that never slows the serving
//
// All calls on a connection go through a sockets.Tracer; one that nobody is told of
// costs what a bare call does.
package server
