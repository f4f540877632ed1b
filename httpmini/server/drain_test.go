package server

import (
	"errors"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A state is where a client is when the server is drained.
type state struct {
	name  string
	sent  string // before
	taken int    // bytes of the answer that it has read before
	rest  string // sent afterwards; "": it has nothing to say
	left  int    // bytes of content that are still owed to it
}

const hugeSize = 24 << 20

var states = []state{
	{name: "nothing sent"},
	{name: "idle", sent: get("/hello.txt"), taken: -1},
	{name: "an empty line behind a request", sent: get("/hello.txt") + "\r\n", taken: -1},
	{name: "half an empty line", sent: get("/hello.txt") + "\r", taken: -1},
	{name: "half a head", sent: "GET /hello.txt HTTP/1.1\r\nHo", rest: "st: a\r\n\r\n", left: len(hello)},
	{name: "half a head after a request", sent: get("/kilo.bin") + "GET /hello.txt HT", taken: -1, rest: "TP/1.1\r\nHost: a\r\n\r\n", left: len(hello)},
	{name: "half a content", sent: request("GET /hello.txt", "Content-Length: 10") + "12345", rest: "67890", left: len(hello)},
	{name: "half an answer", sent: get("/huge.bin"), taken: 1},
	{name: "half an answer and half a head", sent: get("/huge.bin") + "GET /hello.txt HT", taken: 1, rest: "TP/1.1\r\nHost: a\r\n\r\n", left: len(hello)},
}

// TestDrainAnswersWhatHasBegun drains a server with a client in each state. What
// the client has begun to ask it gets, and is told that it is the last; who has not
// begun, finds the connection closed. Then the address is free at once.
func TestDrainAnswersWhatHasBegun(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	sparse(t, dir, "huge.bin", hugeSize)
	sideBySide(t, loops, func(t *testing.T, network string, loop Loop) {
		for _, s := range states {
			t.Run(s.name, func(t *testing.T) {
				// No timeout helps: they are longer than the test waits.
				l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Timeouts: Timeouts{2 * long, 2 * long, 2 * long, 2 * long}})
				c := l.client(t)
				c.send(t, s.sent)
				until(t, "the server to read it", func() bool { return l.received() >= len(s.sent) })
				switch {
				case s.taken < 0:
					_, err := c.answer()
					must(t, err)
				case s.taken > 0:
					_, err := c.in.Peek(s.taken)
					must(t, err)
				}
				until(t, "the connection to be open", func() bool { return l.open() == 1 })
				l.Drain()
				until(t, "the server to be told", func() bool { return len(l.told(Draining)) == 1 })
				if s.taken > 0 {
					r, err := c.answer()
					must(t, err)
					if len(r.body) != hugeSize {
						t.Errorf("%d bytes of %d: %q", len(r.body), hugeSize, r.raw)
					}
				}
				if s.rest != "" {
					c.send(t, s.rest)
					r, err := c.answer()
					must(t, err)
					if r.status != 200 || len(r.body) != s.left || !r.closes() {
						t.Errorf("%q with %d bytes", r.raw, len(r.body))
					}
				}
				if err := ended(c.in); err != nil {
					t.Error(err)
				}
				c.Close()
				l.end(t)
				again(t, l)
			})
		}
	})
}

// received is how many bytes the server is told to have read.
func (l *launched) received() (n int) {
	for _, e := range l.told(Called) {
		if e.Call.Name == "recvfrom" && e.Call.Ret > 0 {
			n += int(e.Call.Ret)
		}
	}
	return n
}

// again listens where the server has listened.
func again(t *testing.T, l *launched) {
	t.Helper()
	if l.addr.Network() == "unix" {
		return // its name stays until somebody removes it
	}
	listener, err := net.Listen("tcp", l.addr.String())
	if err != nil {
		t.Error(err)
		return
	}
	listener.Close()
}

// TestDrainServesTheQueue drains the iterative loop while clients that have asked
// wait in the accept queue behind another. The kernel has told them that they are
// connected, so they are answered.
func TestDrainServesTheQueue(t *testing.T) {
	noneLeft(t)
	everywhere(t, []Loop{Iterative}, func(t *testing.T, network string, loop Loop) {
		l := launch(t, network, Config{Loop: loop, Root: root(t, documents(t))})
		first := l.client(t)
		first.send(t, "GET /hello.txt HTTP/1.1\r\n")
		until(t, "the first to be served", func() bool { return l.received() > 0 })
		others := queued(t, l, 5, get("/hello.txt"))
		l.Drain()
		first.send(t, "Host: a\r\n\r\n")
		for i, c := range append([]*client{first}, others...) {
			if err := c.lastAnswer(); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
			c.Close()
		}
		l.end(t)
		again(t, l)
	})
}

// TestDrainServesALongQueue is the same with a server that has not begun to serve.
func TestDrainServesALongQueue(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	everywhere(t, loops, func(t *testing.T, network string, loop Loop) {
		l := listening(t, network, Config{Loop: loop, Root: root(t, dir), MaxConnections: 1000, Quiet: true})
		all := queued(t, l, 6*maxAccepts, get("/hello.txt"))
		l.Drain()
		l.start()
		lost := 0
		for _, c := range all {
			if err := c.lastAnswer(); err != nil {
				if lost++; lost == 1 {
					t.Error(err)
				}
			}
			c.Close()
		}
		if lost > 0 {
			t.Errorf("%d of %d clients are not answered", lost, len(all))
		}
		l.end(t)
		again(t, l)
	})
}

// Who is accepted late while the server is drained has as long for a request as any other.
// The iterative loop waits for nobody then: others are in the queue.
func TestDrainWaitsForLateClients(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	everywhere(t, []Loop{Threads, Epoll}, func(t *testing.T, network string, loop Loop) {
		l := listening(t, network, Config{Loop: loop, Root: root(t, dir), Quiet: true})
		c, err := knock(l.addr.Network(), l.addr.String())
		must(t, err)
		l.Drain()
		began := time.Now()
		until(t, "the time of those who were there to be over", func() bool { return time.Since(began) > drainGrace+drainGrace/5 })
		l.start()
		until(t, "the connection to be accepted", func() bool { return l.connections.Load() == 1 })
		if _, err := io.WriteString(c, get("/hello.txt")); err != nil {
			t.Error(err)
		} else if err := c.lastAnswer(); err != nil {
			t.Error(err)
		}
		c.Close()
		l.end(t)
	})
}

// TestDrainLosesNobody drains a server at each moment of serving a queue.
func TestDrainLosesNobody(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	everywhere(t, loops, func(t *testing.T, network string, loop Loop) {
		const clients, rounds = 20, 40
		lost := 0
		for i := range rounds {
			l := listening(t, network, Config{Loop: loop, Root: root(t, dir), Quiet: true})
			all := queued(t, l, clients, get("/hello.txt", "Connection: close"))
			l.start()
			for end := time.Now().Add(long); l.requests() < int64(i%clients) && time.Now().Before(end); {
				runtime.Gosched()
			}
			l.Drain()
			for _, c := range all {
				if r, err := c.answer(); err != nil || r.body != hello {
					lost++
				}
				c.Close()
			}
			l.end(t)
		}
		if lost > 0 {
			t.Errorf("of %d clients that had asked %d are not answered", rounds*clients, lost)
		}
	})
}

// queued are clients that have asked for something and wait for accept4.
func queued(t *testing.T, l *launched, n int, request string) (all []*client) {
	t.Helper()
	for range n {
		c := l.client(t)
		c.send(t, request)
		all = append(all, c)
	}
	if l.addr.Network() != "unix" { // where connect(2) has returned, they are in the queue
		until(t, "the queue to be full", func() bool {
			waiting := 0
			for _, fd := range l.config.Listeners {
				info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
				must(t, err)
				waiting += int(info.Unacked) // of a listener: tcp_diag.c, tcp_diag_get_info
			}
			return waiting == n
		})
	}
	return all
}

// lastAnswer reads the last answer and the end.
func (c *client) lastAnswer() error {
	r, err := c.answer()
	switch {
	case err != nil:
		return err
	case r.status != 200 || r.body != hello || !r.closes():
		return fmt.Errorf("%q", r.raw)
	}
	return ended(c.in)
}

// TestDrainAtRest drains a server that has no client, before it runs, while it
// starts and when it has been serving; and several times.
func TestDrainAtRest(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	everywhere(t, loops, func(t *testing.T, network string, loop Loop) {
		for _, when := range []string{"before", "while", "after"} {
			l := listening(t, network, Config{Loop: loop, Root: root(t, dir), Quiet: true})
			switch when {
			case "before":
				l.Drain()
				l.start()
			case "while":
				l.start()
			case "after":
				l.start()
				c := l.client(t)
				c.gets(t, "/hello.txt", hello)
				c.Close()
			}
			var drains sync.WaitGroup
			for range 4 {
				drains.Go(l.Drain)
			}
			drains.Wait()
			l.end(t)
			l.Drain()
			again(t, l)
		}
	})
}

// TestDrainUnderLoad drains a server while clients come all the time. An answer that
// has begun comes to its end, none comes after one that said it was the last, and
// the server ends although there would always be somebody to serve.
func TestDrainUnderLoad(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	everywhere(t, loops, func(t *testing.T, network string, loop Loop) {
		l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Quiet: true})
		var clients sync.WaitGroup
		var over atomic.Bool // for the case that the server does not end
		for range 8 {
			clients.Go(func() {
				for !over.Load() {
					c, err := knock(l.addr.Network(), l.addr.String())
					if err != nil {
						return // nobody listens any more
					}
					err = c.asksOn()
					c.Close()
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		until(t, "a few hundred answers", func() bool { return l.requests() > 300 })
		l.end(t)
		over.Store(true)
		clients.Wait()
		again(t, l)
	})
}

// asksOn asks and reads until the server closes.
func (c *client) asksOn() error {
	for i := range 20 {
		if _, err := io.WriteString(c, get("/kilo.bin")); err != nil {
			return nil
		}
		if _, err := c.in.Peek(1); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
				return nil // it was idle when the server ended it
			}
			return err
		}
		r, err := c.answer()
		switch {
		case err != nil:
			return fmt.Errorf("answer %d: %w", i, err)
		case r.status != 200 || r.body != kilo:
			return fmt.Errorf("answer %d: %q %.100q", i, r.raw, r.body)
		case r.closes():
			return ended(c.in)
		}
	}
	return nil
}

// TestDrainAnswersWhatHasCome drains a server whose clients ask without a pause, on new
// connections and on kept ones. Whoever the kernel has connected is answered, until an
// answer says that it was the last.
func TestDrainAnswersWhatHasCome(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	everywhere(t, []Loop{Threads, Epoll}, func(t *testing.T, network string, loop Loop) {
		for range 5 {
			l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Quiet: true})
			var clients sync.WaitGroup
			var over atomic.Bool
			for i := range 8 {
				clients.Go(func() {
					for !over.Load() {
						knocked := time.Now()
						c, err := knock(l.addr.Network(), l.addr.String())
						if err != nil {
							return // nobody listens any more
						}
						err = c.asksForAll(knocked, 1+i%2*100)
						c.Close()
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			until(t, "a few hundred answers", func() bool { return l.requests() > 300 })
			l.end(t)
			over.Store(true)
			clients.Wait()
		}
	})
}

// asksForAll asks so often, until the server says that it closes. Each request has to
// be answered, but for one that comes so late after since, or after the answer before it,
// that the server may have given the client up: that had to wait for a CPU.
func (c *client) asksForAll(since time.Time, requests int) error {
	for i := range requests {
		_, err := io.WriteString(c, get("/kilo.bin"))
		late := time.Since(since) > drainGrace
		if err == nil {
			var r *response
			if r, err = c.answer(); err == nil && r.closes() {
				return ended(c.in)
			}
		}
		switch {
		case err != nil && late:
			return nil
		case err != nil:
			return fmt.Errorf("request %d: %w", i, err)
		}
		since = time.Now()
	}
	return nil
}

// TestStoppedServer stops a server for longer than its patience, while the requests of
// its kept connections come: SIGSTOP, signal(7). Going on it reads them before it ends
// anything.
func TestStoppedServer(t *testing.T) {
	dir := documents(t)
	sideBySide(t, []Loop{Threads, Epoll}, func(t *testing.T, network string, loop Loop) {
		patience := 3 * time.Second
		s, clients, took := stoppedServer(t, network, order{Role: "server", Loop: loop, Dir: dir, Descriptors: 1000, Patience: patience})
		for took > patience/2 { // a busy machine: some may have been idle for too long before it was stopped
			must(t, s.cmd.Process.Signal(unix.SIGCONT))
			s.leave(t)
			patience *= 2
			s, clients, took = stoppedServer(t, network, order{Role: "server", Loop: loop, Dir: dir, Descriptors: 1000, Patience: patience})
		}
		began := time.Now()
		for _, c := range clients {
			c.send(t, get("/hello.txt"))
		}
		until(t, "its patience to be over", func() bool { return time.Since(began) > patience+patience/5 })
		must(t, s.cmd.Process.Signal(unix.SIGCONT))
		lost := 0
		for _, c := range clients {
			if r, err := c.answer(); err != nil || r.body != hello {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("%d of %d that had asked are not answered", lost, len(clients))
		}
		for _, c := range clients {
			c.Close()
		}
		s.leave(t)
	})
}

// stoppedServer is a server that is stopped, with 300 clients, two of three of which have
// had an answer, and how long it took to have them.
func stoppedServer(t *testing.T, network string, o order) (s *childServer, clients []*client, took time.Duration) {
	t.Helper()
	s = spawnServer(t, network, o)
	began := time.Now()
	for i := range 300 {
		c := s.client(t)
		if i%3 > 0 {
			c.gets(t, "/hello.txt", hello)
		}
		clients = append(clients, c)
	}
	must(t, s.cmd.Process.Signal(unix.SIGSTOP))
	return s, clients, time.Since(began)
}

// A listener whose door is shut takes nobody in, whatever the family of its clients.
func TestShutDoors(t *testing.T) {
	noneLeft(t)
	loopback4, loopback6 := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}, &unix.SockaddrInet6{Addr: [16]byte{15: 1}}
	for name, c := range map[string]struct{ listens, connects unix.Sockaddr }{
		"IPv4":            {loopback4, loopback4},
		"IPv6":            {loopback6, loopback6},
		"IPv4 to [::]":    {&unix.SockaddrInet6{}, loopback4},
		"IPv6 to [::]":    {&unix.SockaddrInet6{}, loopback6},
		"IPv4 to 0.0.0.0": {&unix.SockaddrInet4{}, loopback4},
	} {
		t.Run(name, func(t *testing.T) {
			made := func(sa unix.Sockaddr, flags int) int {
				family := unix.AF_INET
				if _, six := sa.(*unix.SockaddrInet6); six {
					family = unix.AF_INET6
				}
				fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
				must(t, err)
				return fd
			}
			listener := made(c.listens, 0)
			defer unix.Close(listener)
			must(t, unix.Bind(listener, c.listens))
			must(t, unix.Listen(listener, 8))
			port := int(sockets.Sockname(listener).Port())
			to4, to6 := *loopback4, *loopback6
			to4.Port, to6.Port = port, port
			connect := func() (fd int, connected bool) {
				fd = made(c.connects, unix.SOCK_NONBLOCK)
				if _, six := c.connects.(*unix.SockaddrInet6); six {
					unix.Connect(fd, &to6)
				} else {
					unix.Connect(fd, &to4)
				}
				n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 50)
				must(t, err)
				return fd, n == 1
			}
			before, connected := connect()
			defer unix.Close(before)
			if !connected {
				t.Fatal("nobody gets in, although the door is open")
			}
			s := &Server{config: Config{Listeners: []int{listener}}}
			s.shutDoors()
			after, connected := connect()
			defer unix.Close(after)
			if connected {
				t.Error("somebody gets in")
			}
			if q, err := kernel.Own().AcceptQueue(listener); err != nil || q.Waiting != 1 {
				t.Errorf("in the queue: %+v, %v", q, err)
			}
		})
	}
}
