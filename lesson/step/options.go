package step

import (
	"math"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// Options are what a learner can say about a step. Each field says which steps
// read it. DefaultOptions has what is usual.
type Options struct {
	Role      stage.Role       // which process: the server unless told otherwise; connect is the client's
	Only      bool             // make this call and no other, and show what the kernel says
	FD        int              // the descriptor to act on; Fitting: the newest that makes sense
	Explain   lesson.Explain   // how much to say
	Timeout   time.Duration    // accept, recv, send, connect: how long the call may block; 0 is for ever
	Domain    int              // socket: AF_INET, AF_INET6, AF_UNIX; 0: that of Addr, else AF_INET
	Type      int              // socket: SOCK_STREAM, SOCK_DGRAM; 0: SOCK_STREAM
	Proto     int              // socket
	Addr      sockets.Sockaddr // bind, connect, send: the address; nil: the usual one
	Localhost bool             // Addr was given by that name, for which fd3 takes 127.0.0.1
	Backlog   int              // listen
	Count     int              // connect: how many clients; more than 1 makes them non-blocking
	Size      int              // recv: how many bytes at most
	How       int              // shutdown: SHUT_RD, SHUT_WR, SHUT_RDWR
	Data      []byte           // send: these bytes and no others; nil: HTTP is composed
	Method    string           // send by the client: the request's method
	Target    string           // send by the client: the request's target
	Status    int              // send by the server: the status code
	MediaType string           // send by the server: the body's media type
	Body      []byte           // send by the server: the body
	FreePort  string           // what to type for a port of the kernel's choice

	goesOn bool // further steps follow by themselves: none is to be typed next
	limit  int  // timeout: SO_RCVTIMEO or SO_SNDTIMEO
}

// Fitting is no descriptor: one that fits is to be chosen. -1 is one that a learner may
// name, to see EBADF.
const Fitting = math.MinInt

// The usual values of some Options, and the usual address.
const (
	defaultBacklog = 5                // the number that books write
	defaultSize    = 4096             // one page, the buffer that most first servers have
	DefaultAddr    = "127.0.0.1:8080" // loopback: no other machine can connect
)

// recapOnly tells a step in one line.
const recapOnly lesson.Explain = "recap"

// DefaultOptions returns what every step starts from.
func DefaultOptions() Options {
	return Options{
		Role:      server,
		FD:        Fitting,
		Explain:   lesson.Full,
		Backlog:   defaultBacklog,
		Count:     1,
		Size:      defaultSize,
		How:       unix.SHUT_WR,
		Method:    "GET",
		Target:    "/",
		Status:    200,
		MediaType: "text/plain; charset=utf-8",
		Body:      []byte("Hello from a socket.\n"),
		FreePort:  "fd3 bind :0",
	}
}

// recap returns the options of a prerequisite: the learner's address, family, type
// and count where they concern it, and nothing said in full.
func (o Options) recap(t todo) Options {
	p := DefaultOptions()
	p.Role, p.Explain = t.role, recapOnly
	p.Domain, p.Type, p.Proto, p.Count = o.Domain, o.Type, o.Proto, o.Count
	if t.step.Named {
		p.Addr = o.Addr
	}
	return p
}
