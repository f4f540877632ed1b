package server

import (
	"errors"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini/server/docroot"
)

// Server serves what its Config says.
type Server struct {
	config      Config
	start       time.Time
	loopback    bool   // only this machine reaches the listeners
	hostname    string // its name
	queue       queue
	log         *log
	counts      []counters    // by loop
	open        atomic.Int64  // connections
	serving     atomic.Int64  // of them, without those that are turned away
	connections atomic.Uint64 // accepted so far
	late        atomic.Int64  // connections that had no thread, and are closed in a moment
	drains      atomic.Bool
	users       atomic.Int64 // loops that still use the one listener that they share

	ending sync.Mutex
	ended  bool // Run has returned: wakes are closed

	caches   []*docroot.Cache
	gone     string // what has become of the root, as far as it was told; of the trimming goroutine
	wakes    []int  // epoll: an eventfd for each loop
	blocking blocking
}

// New makes a Server that Run sets to work.
func New(c Config) (*Server, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s := &Server{config: c, start: time.Now(), loopback: onLoopback(c.Listeners), hostname: ownName()}
	length := queueLength
	if c.Quiet {
		length = 0
	}
	s.queue.events = make(chan Event, length)
	s.counts = make([]counters, max(c.Loops, 1))
	s.users.Store(int64(c.Loops))
	for range s.counts {
		if c.Root != nil {
			cache := docroot.NewCache(c.Root)
			cache.Prepare = prepare
			s.caches = append(s.caches, cache)
		}
	}
	if c.Log != nil {
		s.log = newLog(c.Log)
	}
	if c.Loop == Epoll {
		for range s.counts {
			fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
			if err != nil {
				s.closeWakes()
				return nil, err
			}
			s.wakes = append(s.wakes, fd)
		}
	}
	return s, nil
}

// Events returns the channel of events, for one reader. Run closes it at its end. A
// slow reader never slows the server; events it misses are dropped.
func (s *Server) Events() <-chan Event { return s.queue.events }

// Skipped returns how many connections were accepted, and requests answered, without
// an Event since the last call of Skipped.
func (s *Server) Skipped() (connections, requests int64) {
	return s.queue.unheard.Swap(0), s.queue.skipped.Swap(0)
}

// Run serves until Drain has been called and the last connection has ended. The
// calls are made on this thread, and for further loops and connections on others.
func (s *Server) Run() error {
	defer s.end()
	ended := make(chan struct{})
	defer close(ended)
	go s.trim(ended)
	var err error
	switch s.config.Loop {
	case Epoll:
		err = s.runEpoll()
	case Threads:
		err = s.runThreads()
	default:
		err = s.runIterative()
	}
	if s.log != nil {
		err = errors.Join(err, s.log.close())
	}
	return err
}

// Drain takes no new connections, has those that are idle closed and the requests
// that have begun answered; then Run returns. It may be called from any goroutine.
func (s *Server) Drain() {
	if s.drains.Swap(true) {
		return
	}
	s.ending.Lock()
	defer s.ending.Unlock()
	if s.ended {
		return
	}
	if !s.config.Quiet {
		s.queue.put(Event{Kind: Draining})
	}
	s.shutDoors()
	for _, fd := range s.wakes {
		unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	s.blocking.wake()
}

// end is after the last event.
func (s *Server) end() {
	s.ending.Lock()
	defer s.ending.Unlock()
	s.ended = true
	close(s.queue.events)
	s.closeWakes()
}

func (s *Server) runEpoll() error {
	loops := make([]*epollLoop, 0, s.config.Loops)
	for i := range s.config.Loops {
		l, err := s.epollLoop(i, s.config.Listeners[i%len(s.config.Listeners)])
		if err != nil {
			for _, l := range loops {
				unix.Close(l.epoll)
			}
			for _, fd := range s.config.Listeners {
				unix.Close(fd)
			}
			return err
		}
		loops = append(loops, l)
	}
	errs := make([]error, len(loops))
	var others sync.WaitGroup
	for i, l := range loops[1:] {
		others.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its loop
			errs[i+1] = l.run()
			s.Drain()
		})
	}
	errs[0] = loops[0].run()
	s.Drain()
	others.Wait()
	return errors.Join(errs...)
}

// drainGrace is how long a connection is kept while the server is drained, if it was
// accepted or answered not longer ago: a client that goes on at once has its request on
// the way, and may have to wait for a CPU.
const drainGrace = 500 * time.Millisecond

// shutDoors has the kernel take in no more connections, so that the accept queues come
// to an end and nobody in them is left. A TCP listener asks for the highest TTL there is
// (IP_MINTTL, ip(7); IPV6_MINHOPCOUNT), and packets come with less, so each SYN is
// dropped (tcp_v4_rcv()), as by a full queue: the client's kernel sends it again, and
// finds that nobody listens. A filter could do the same, but an ordinary user may have
// none on a TCP socket (EPERM on Linux 6.18). A Unix socket refuses by itself
// (unix_stream_connect()).
func (s *Server) shutDoors() {
	const highest = math.MaxUint8
	for _, fd := range s.config.Listeners {
		domain, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
		if domain == unix.AF_UNIX {
			unix.Shutdown(fd, unix.SHUT_RD)
			continue
		}
		unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_MINTTL, highest)
		if domain == unix.AF_INET6 { // which may take IPv4 in too
			unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_MINHOPCOUNT, highest)
		}
	}
}

// lastUser reports whether the caller was the last loop to use its listener.
func (s *Server) lastUser() bool {
	return len(s.config.Listeners) == s.config.Loops || s.users.Add(-1) == 0
}

func (s *Server) closeWakes() {
	for _, fd := range s.wakes {
		unix.Close(fd)
	}
	s.wakes = nil
}

// cache returns the cache of a loop, or nil without a root.
func (s *Server) cache(loop int) *docroot.Cache {
	if s.caches == nil {
		return nil
	}
	return s.caches[loop]
}

// trim has the caches let go what nobody asks for, until the server ends.
func (s *Server) trim(ended <-chan struct{}) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			for _, c := range s.caches {
				c.Close()
			}
			return
		case <-tick.C:
			for _, c := range s.caches {
				c.Trim(time.Since(s.start))
			}
			s.watchRoot()
		}
	}
}

const trimEvery = time.Second

// watchRoot tells once what has become of a root that is not where it was.
func (s *Server) watchRoot() {
	if s.config.Root == nil {
		return
	}
	why := s.config.Root.Gone()
	s.ending.Lock() // nobody hears of it after the end
	defer s.ending.Unlock()
	if why != s.gone && why != "" && !s.config.Quiet && !s.ended {
		s.queue.put(Event{Kind: Gone, Why: why})
	}
	s.gone = why
}

// LoopStats are the numbers of one loop.
type LoopStats struct {
	Loop                           int
	Listener                       int   // the descriptor
	Open, Accepted, Requests, Sent int64 // Sent in bytes
}

// Stats returns the numbers of each loop so far.
func (s *Server) Stats() []LoopStats {
	all := make([]LoopStats, len(s.counts))
	for i := range s.counts {
		c := &s.counts[i]
		all[i] = LoopStats{i, s.config.Listeners[i%len(s.config.Listeners)], c.open.Load(), c.accepted.Load(), c.requests.Load(), c.sent.Load()}
	}
	return all
}
