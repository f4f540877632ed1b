package server

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini/server/docroot"
)

// Loop is a way to serve many connections.
type Loop string

const (
	// Iterative serves one connection after the other.
	Iterative Loop = "iterative"
	// Threads serves each connection on a thread of its own.
	Threads Loop = "threads"
	// Epoll serves many connections on each of a few threads. epoll(7).
	Epoll Loop = "epoll"
)

// Config says what to serve and how. Only Listeners has to be there.
type Config struct {
	// Loop is Epoll unless said otherwise.
	Loop Loop
	// Listeners are listening sockets. Epoll runs a loop for each; the other loops
	// take one. The Server closes them.
	Listeners []int
	// Loops is how many epoll loops share one listener; 0 is one for each
	// listener. It is for Unix sockets, which have no SO_REUSEPORT.
	Loops int
	// Root is the directory to serve. Without one there is a single page, at /,
	// that shows visitors their own connection.
	Root *docroot.Root
	// Listing shows the names in a directory that has no index.html.
	Listing  bool
	Timeouts Timeouts
	// MaxConnections limits open connections; further clients get a 503. 0 means
	// as many as RLIMIT_NOFILE and the loop leave room for.
	MaxConnections int
	// MaxBody is the longest content of a request in bytes; a longer one gets a
	// 413. 0 means 1 MiB.
	MaxBody int64
	// Quiet sends no Events.
	Quiet bool
	// Log gets a line for each request in Common Log Format. It may be late by
	// a second, and is written to from a goroutine of its own.
	Log io.Writer
}

// Timeouts are how long a client may take. Zero means DefaultTimeout.
type Timeouts struct {
	// Head is from the connection, or from the first byte of a later request,
	// to the empty line. It is a limit on the whole, since a byte a second
	// would be progress for ever.
	Head time.Duration
	// Body is the wait for content. It begins anew when content has come at MinRate.
	Body time.Duration
	// Idle is between two requests.
	Idle time.Duration
	// Write is the wait for a client that does not read. It begins anew when
	// the answer has been taken at MinRate.
	Write time.Duration
}

const (
	// DefaultTimeout is longer than a lost segment takes to be sent again.
	DefaultTimeout = 10 * time.Second

	// MinRate in bytes a second stops a client that sends, or reads, a byte
	// now and then in order to hold a connection.
	MinRate = 500

	// LingerTime is how long the server reads on when its last answer has been
	// sent, so that what the client still sends does not draw an RST that takes the
	// answer from it. RFC 9112 section 9.6. Until then Timeouts.Write counts.
	LingerTime = 2 * time.Second

	defaultMaxBody = 1 << 20

	// maxThreads is below what the Go runtime allows, 10,000. Other limits are looked at
	// for each thread: see threadGate.
	maxThreads = 4000

	// reservedFDs are for what is no connection: standard streams, the root, and
	// for each loop a listener, an epoll instance, an eventfd, and open files.
	reservedFDs        = 16
	reservedFDsPerLoop = docroot.MaxOpen + 8
)

func (c *Config) complete() error {
	switch c.Loop {
	case "":
		c.Loop = Epoll
	case Iterative, Threads, Epoll:
	default:
		return fmt.Errorf("no loop is called %q: there are iterative, threads and epoll", c.Loop)
	}
	switch {
	case len(c.Listeners) == 0:
		return errors.New("no listening socket")
	case len(c.Listeners) > 1 && c.Loop != Epoll:
		return fmt.Errorf("%d listening sockets for one %s loop", len(c.Listeners), c.Loop)
	}
	if c.Loops = max(c.Loops, len(c.Listeners)); len(c.Listeners) > 1 && c.Loops != len(c.Listeners) {
		return fmt.Errorf("%d loops for %d listening sockets: they share one, or have one each", c.Loops, len(c.Listeners))
	}
	for _, d := range []*time.Duration{&c.Timeouts.Head, &c.Timeouts.Body, &c.Timeouts.Idle, &c.Timeouts.Write} {
		if *d <= 0 {
			*d = DefaultTimeout
		}
	}
	if c.MaxBody <= 0 {
		c.MaxBody = defaultMaxBody
	}
	if room := roomForConnections(c.Loop, c.Loops); c.MaxConnections <= 0 || c.MaxConnections > room {
		c.MaxConnections = room
	}
	return nil
}

// roomForConnections is what the limits of the process leave. getrlimit(2).
func roomForConnections(l Loop, loops int) int {
	room := 1 << 20
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && limit.Cur < uint64(room) {
		room = int(limit.Cur)
	}
	room = max(room-reservedFDs-loops*reservedFDsPerLoop, room/2, 1)
	if l == Threads {
		room = min(room, maxThreads)
	}
	return room
}
