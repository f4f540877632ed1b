package server

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// blocking is what Drain needs to know of threads that wait in the kernel.
type blocking struct {
	mu        sync.Mutex
	accepting int // the listener that a thread waits at in accept4; -1: none does
	drained   bool
	conns     map[*conn]bool // true: it waits for a request that has not begun
	watched   *conn          // iterative: the one that is being served
	since     time.Time      // and since when it is silent
}

// wake ends the calls that could wait for ever. shutdown(2) of the reading
// direction makes accept4 return EINVAL and recvfrom return 0. close(2) would not:
// it does not wake who waits on the descriptor.
func (b *blocking) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drained = true
	if b.conns == nil {
		return
	}
	if b.accepting >= 0 && mayWait(b.accepting) {
		unix.Shutdown(b.accepting, unix.SHUT_RD)
	}
	for c, silent := range b.conns {
		if silent {
			unix.Shutdown(c.fd, unix.SHUT_RD)
		}
	}
}

// mayWait says whether accept4 may be waiting at a listener. Where something is in
// the accept queue it is not; and of TCP, shutdown(2) would reset what is there
// (inet_csk_listen_stop).
func mayWait(listener int) bool {
	info, err := unix.GetsockoptTCPInfo(listener, unix.IPPROTO_TCP, unix.TCP_INFO)
	return err != nil || info.Unacked == 0
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
// server is being drained.
func (b *blocking) waits(c *conn, silent bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns[c] = silent
	if b.watched == c && b.since.IsZero() {
		b.since = time.Now()
	}
	return !silent || !b.drained
}

// working says that bytes have come, or the end.
func (b *blocking) working(c *conn) {
	b.mu.Lock()
	if _, ok := b.conns[c]; ok {
		b.conns[c] = false
	}
	if b.watched == c {
		b.since = time.Time{}
	}
	b.mu.Unlock()
}

func (b *blocking) forget(c *conn) {
	b.mu.Lock()
	delete(b.conns, c)
	if b.watched == c {
		b.watched, b.since = nil, time.Time{}
	}
	b.mu.Unlock()
}

// HeldUp says, of the iterative loop, which silent client holds up the others and
// for how long. silent is 0 when none does.
func (s *Server) HeldUp() (fd int, peer string, silent time.Duration) {
	b := &s.blocking
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watched == nil || b.since.IsZero() {
		return -1, "", 0
	}
	return b.watched.fd, b.watched.peer, time.Since(b.since)
}

// runIterative serves one connection after the other. While one is open nobody
// else is served: they wait in the accept queue.
func (s *Server) runIterative() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w := s.worker(0)
	return s.acceptBlocking(w, func(c *conn) {
		s.blocking.mu.Lock()
		s.blocking.watched = c
		s.blocking.mu.Unlock()
		w.serve(c)
	})
}

// runThreads serves each connection on a thread of its own.
func (s *Server) runThreads() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var threads sync.WaitGroup
	defer threads.Wait()
	return s.acceptBlocking(s.worker(0), func(c *conn) {
		threads.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its connection
			s.worker(0).serve(c)
		})
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
	left := -1 // to be accepted while the server is drained
	for left != 0 {
		if !b.accepts(listener) { // what is in the queue is served, nobody is waited for
			if left < 0 {
				unix.SetNonblock(listener, true)
				left = inQueue(listener) + 1
			}
			left--
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
		case s.drains.Load():
			return nil
		case w.exhausted(call, errno), errno != unix.ECONNABORTED:
			time.Sleep(exhaustedPause)
		}
		for s.open.Load() >= int64(s.config.MaxConnections+turnedAway) {
			time.Sleep(exhaustedPause)
		}
	}
	return nil
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
