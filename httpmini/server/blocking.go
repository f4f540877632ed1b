package server

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/kernel"
)

// blocking is what Drain needs to know of threads that wait in the kernel.
type blocking struct {
	mu        sync.Mutex
	accepting int // the listener that a thread waits at in accept4; -1: none does
	drained   bool
	over      bool           // and so is drainGrace
	conns     map[*conn]bool // true: it waits for a request that has not begun
	held      *conn          // iterative: the one that is being served
	since     time.Time      // when it was accepted
	silent    time.Time      // since when nothing has come that is waited for; zero: nothing is
	full      time.Time      // since when it has to read before anything goes on; zero: it has not
}

// wake ends the calls that could wait for ever. shutdown(2) of the reading
// direction makes accept4 return EINVAL and recvfrom return 0. close(2) would not:
// it does not wake who waits on the descriptor.
func (b *blocking) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drained = true
	time.AfterFunc(drainGrace, b.end)
	if b.conns == nil {
		return
	}
	// Where something is in the accept queue accept4 does not wait; and of TCP,
	// shutdown would reset what is there (inet_csk_listen_stop).
	if b.accepting >= 0 {
		if queue, err := kernel.Own().AcceptQueue(b.accepting); err != nil || queue.Waiting == 0 {
			unix.Shutdown(b.accepting, unix.SHUT_RD)
		}
	}
}

// end closes who has not gone on since the server is drained.
func (b *blocking) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	for c, silent := range b.conns {
		if silent {
			unix.Shutdown(c.fd, unix.SHUT_RD)
		}
	}
}

// accepts says that the thread is about to wait at the listener, or -1 that it
// does not any more. It is false when the server is being drained.
func (b *blocking) accepts(listener int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accepting = listener
	return !b.drained
}

// waits says that the connection is about to wait for bytes. silent: none of the
// next request has come. It is false when there is no use in waiting, since the
// server has been drained for a while. Who was accepted since then, by a thread of its own,
// has until its deadline.
func (b *blocking) waits(c *conn, silent bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	silent = silent && (!c.late || b.held == c)
	b.conns[c] = silent
	if b.held == c && b.silent.IsZero() {
		b.silent = time.Now()
	}
	return !silent || !b.over
}

// needsRoom says that the connection has been waiting so long for the client to read.
func (b *blocking) needsRoom(c *conn, waiting time.Duration) {
	b.mu.Lock()
	if b.held == c {
		b.full = time.Now().Add(-waiting)
	}
	b.mu.Unlock()
}

// reads says that the client has taken something.
func (b *blocking) reads(c *conn) {
	b.mu.Lock()
	if b.held == c {
		b.full = time.Time{}
	}
	b.mu.Unlock()
}

// working says that bytes have come, or the end.
func (b *blocking) working(c *conn) {
	b.mu.Lock()
	if _, ok := b.conns[c]; ok {
		b.conns[c] = false
	}
	if b.held == c {
		b.silent = time.Time{}
	}
	b.mu.Unlock()
}

func (b *blocking) forget(c *conn) {
	b.mu.Lock()
	delete(b.conns, c)
	if b.held == c {
		b.held = nil
	}
	b.mu.Unlock()
}

// Held is the client that the iterative loop serves while all others wait.
type Held struct {
	Conn   uint64 // the number of the connection, from 1
	FD     int
	Peer   string
	Served time.Duration // since it was accepted
	Silent time.Duration // since the server waits for what it sends; 0: it does not
	Full   time.Duration // since the server waits for it to read; 0: it does not
}

// HeldUp returns the client that the iterative loop serves. FD is -1 when there is none.
func (s *Server) HeldUp() Held {
	b := &s.blocking
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held == nil {
		return Held{FD: -1}
	}
	h := Held{Conn: b.held.id, FD: b.held.fd, Peer: b.held.peer, Served: time.Since(b.since)}
	if !b.silent.IsZero() {
		h.Silent = time.Since(b.silent)
	}
	if !b.full.IsZero() {
		h.Full = time.Since(b.full)
	}
	return h
}

// runIterative serves one connection after the other. While one is open nobody
// else is served: they wait in the accept queue.
func (s *Server) runIterative() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w := s.worker(0)
	return s.acceptBlocking(w, func(c *conn) {
		b := &s.blocking
		b.mu.Lock()
		b.held, b.since, b.silent, b.full = c, time.Now(), time.Time{}, time.Time{}
		b.mu.Unlock()
		w.serve(c)
	})
}

// acceptBlocking is the life of a listener in blocking calls.
func (s *Server) acceptBlocking(w *worker, serve func(*conn)) error {
	listener := s.config.Listeners[0]
	b := &s.blocking
	b.mu.Lock()
	b.conns = make(map[*conn]bool)
	b.mu.Unlock()
	unix.SetNonblock(listener, false)
	defer w.closeListener(listener)
	for {
		if !b.accepts(listener) { // what is in the queue is served, nobody is waited for
			unix.SetNonblock(listener, true)
		}
		w.clock()
		w.turn(nil)
		fd, call, errno := w.acceptAloud(listener)
		b.accepts(-1)
		w.clock()
		switch {
		case errno == 0:
			c := w.open(fd, call)
			b.mu.Lock()
			b.conns[c] = false
			b.mu.Unlock()
			serve(c)
		case s.drains.Load() && (errno == unix.EAGAIN || errno == unix.EINVAL || s.open.Load() == 0):
			return nil
		case w.exhausted(call, errno), errno != unix.ECONNABORTED:
			time.Sleep(exhaustedPause)
		}
		for s.open.Load() >= int64(s.config.MaxConnections+turnedAway) {
			time.Sleep(exhaustedPause)
		}
	}
}

// exhaustedPause is how long nobody is accepted when there is no descriptor left.
// The clients wait in the kernel's queue.
const exhaustedPause = 50 * time.Millisecond

// serve serves one connection to its end.
func (w *worker) serve(c *conn) {
	b := &w.server.blocking
	next := forBytes
	w.turn(c)
	if c.turned {
		w.turnAway(c)
		next = w.flush(c)
	}
	for next != forNothing {
		w.turn(c)
		w.hurry = next == forBytes && !b.waits(c, c.silent())
		next = w.run(c)
	}
	w.hurry = false
	b.forget(c)
	w.end(c)
}
