package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// long is how long a test waits for what an idle machine does at once.
const long = 20 * time.Second

// TestTenThousandIdle has so many clients stay on, and the server answer a new one
// as if they were not there, and each of them when it asks again.
func TestTenThousandIdle(t *testing.T) {
	const idlers = 10000
	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	if limit.Max < idlers+500 {
		t.Skipf("RLIMIT_NOFILE can be raised to %d only, and %d are needed here", limit.Max, idlers+500)
	}
	noneLeft(t)
	dir := documents(t)
	l := launch(t, "tcp", Config{
		Loop: Epoll, Root: root(t, dir), MaxConnections: idlers + 300, Quiet: true, Timeouts: Timeouts{Idle: 2 * long},
	})
	idle := spawn(t, order{Role: "idlers", Network: "tcp", Addr: l.addr.String(), Count: idlers})
	idle.expect(t, "ready")
	if n := l.open(); n != idlers {
		t.Errorf("%d connections are open, not %d", n, idlers)
	}
	var waits []time.Duration
	for range 20 {
		asked := time.Now()
		c := l.client(t)
		c.gets(t, "/hello.txt", hello)
		waits = append(waits, time.Since(asked))
		c.Close()
	}
	if slices.Sort(waits); waits[len(waits)/2] > long/4 {
		t.Errorf("a new client waits %v for its answer", waits[len(waits)/2])
	}
	idle.say(t, "ask")
	idle.expect(t, "asked")
	idle.leave(t)
	until(t, "all to be gone", func() bool { return l.open() == 0 })
	l.end(t)
}

// TestSlowClients has two hundred of them send a byte at a time. Each is told that
// its time is over, and others are served meanwhile.
func TestSlowClients(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	for _, loop := range []Loop{Threads, Epoll} {
		t.Run(string(loop), func(t *testing.T) {
			l := launch(t, "tcp", Config{
				Loop: loop, Root: root(t, dir), MaxConnections: 500, Quiet: true,
				Timeouts: Timeouts{Head: time.Second, Body: time.Second, Idle: long},
			})
			const slow = 200
			over := make(chan error, slow)
			for i := range slow {
				c := l.client(t)
				text := get("/hello.txt", "X: "+strings.Repeat("slow", 1000))
				if i%2 == 1 {
					text = strings.Repeat("slow", 1000)
					c.send(t, request("POST /hello.txt", "Content-Length: 4000"))
				}
				go c.drip(t, text)
				go func() {
					over <- c.timedOut()
					c.Close()
				}()
			}
			kept := l.client(t)
			served, gone := 0, 0
			for gone < slow {
				select {
				case err := <-over:
					gone++
					if err != nil {
						t.Errorf("a slow client: %v", err)
					}
				default:
					kept.gets(t, "/hello.txt", hello)
					if served%20 == 0 {
						c := l.client(t)
						c.gets(t, "/kilo.bin", kilo)
						c.Close()
					}
					served++
				}
			}
			if served == 0 {
				t.Error("nobody else was served meanwhile")
			}
			l.end(t)
		})
	}
}

// TestSlowClientOfTheIterativeLoop is what that loop can do: it ends the slow
// client, and then the next is served.
func TestSlowClientOfTheIterativeLoop(t *testing.T) {
	noneLeft(t)
	l := launch(t, "tcp", Config{Loop: Iterative, Root: root(t, documents(t)), Quiet: true, Timeouts: Timeouts{Head: time.Second}})
	slow := l.client(t)
	slow.send(t, "G")
	go slow.drip(t, get("/hello.txt", "X: "+strings.Repeat("slow", 1000))[1:])
	until(t, "the slow client to be served", func() bool { return l.open() == 1 })
	next := l.client(t)
	next.send(t, get("/hello.txt", "Connection: close"))
	must(t, slow.timedOut())
	slow.Close()
	r, err := next.answer()
	must(t, err)
	if r.body != hello {
		t.Errorf("%q %q", r.raw, r.body)
	}
	l.end(t)
}

// TestClientsThatDoNotRead ends them when they do not take their answer, be it a
// file or many small answers, and the next is served.
func TestClientsThatDoNotRead(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	sparse(t, dir, "huge.bin", 64<<20)
	sparse(t, dir, "small.bin", 60<<10)
	sends := map[string]string{"a file": get("/huge.bin"), "many answers": strings.Repeat(get("/small.bin"), 700)}
	sideBySide(t, loops, func(t *testing.T, network string, loop Loop) {
		all := subtests{}
		for what, send := range sends {
			all[what] = func(t *testing.T) { doesNotRead(t, network, Config{Loop: loop, Root: root(t, dir)}, send) }
		}
		all.sideBySide(t)
	})
}

func doesNotRead(t *testing.T, network string, config Config, send string) {
	config.Timeouts = Timeouts{Write: 500 * time.Millisecond, Idle: long}
	l := listening(t, network, config)
	c := l.client(t) // it is in the queue before the server does anything
	l.listen()
	l.start()
	sent := make(chan error, 1)
	go func() { // the server may stop reading before it has all
		_, err := io.WriteString(c, send)
		sent <- err
	}()
	_, err := c.in.Peek(1)
	must(t, err)
	next := l.client(t)
	next.send(t, get("/hello.txt", "Connection: close"))
	r, err := next.answer()
	must(t, err)
	if r.body != hello {
		t.Errorf("the next client: %q %q", r.raw, r.body)
	}
	until(t, "the server to give up", func() bool { return l.open() == 0 })
	<-sent
	if n, err := io.Copy(io.Discard, c.in); n > 40<<20 { // the client's and the server's buffers are below 10 MiB
		t.Errorf("%d bytes were sent to a client that did not read: %v", n, err)
	}
	l.end(t)
	if n := len(l.told(Ran)); n != 1 {
		t.Errorf("patience ran out %d times", n)
	} else if e := l.told(Ran)[0]; e.Why != "write" || e.Conn == 0 || e.FD == 0 {
		t.Errorf("%+v", e)
	}
}

// TestClientsThatReadSlowly lets them have the whole of an answer that takes much
// longer than the timeout, since they go on reading: in that time not as much as the
// kernel wants to be free before it says that there is room.
func TestClientsThatReadSlowly(t *testing.T) {
	noneLeft(t)
	const size = 16 << 20
	const patience = 1500 * time.Millisecond
	dir := documents(t)
	sparse(t, dir, "huge.bin", size)
	sideBySide(t, loops, func(t *testing.T, network string, loop Loop) {
		l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Quiet: true, Timeouts: Timeouts{Write: patience}})
		c := l.client(t)
		c.send(t, get("/huge.bin", "Connection: close"))
		b := make([]byte, 8<<10)
		total, began := 0, time.Now()
		for tick := time.NewTicker(30 * time.Millisecond); time.Since(began) < 3*patience; <-tick.C {
			n, err := c.in.Read(b)
			total += n
			must(t, err)
		}
		n, err := io.Copy(io.Discard, c.in)
		if total += int(n); total < size || err != nil {
			t.Errorf("%d bytes of %d, %v", total, size, err)
		}
		l.end(t)
	})
}

// TestLateBytes has clients send something while the last answer is still on its
// way: close(2) would reset the connection then, and the answer would be lost.
func TestLateBytes(t *testing.T) {
	noneLeft(t)
	const size = 2 << 20 // which the send buffer takes at once, and the client does not
	dir := documents(t)
	sparse(t, dir, "huge.bin", size)
	sideBySide(t, loops, func(t *testing.T, network string, loop Loop) {
		l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Quiet: true})
		for _, request := range []string{old("GET /huge.bin"), get("/huge.bin", "Connection: close")} {
			for _, late := range []string{"\r\n", get("/hello.txt")} {
				c := l.client(t)
				c.send(t, request)
				_, err := c.in.Peek(1)
				must(t, err)
				sent := l.Stats()
				until(t, "the server to send what it can", func() bool {
					before := sent
					sent = l.Stats()
					return slices.Equal(before, sent)
				})
				c.send(t, late)
				r, err := c.answer()
				must(t, err)
				if len(r.body) != size {
					t.Errorf("%d bytes of %d", len(r.body), size)
				}
				must(t, ended(c.in))
				c.Close()
			}
		}
		l.end(t)
	})
}

// TestNobodyTakesTheRest ends a client that does not read the last of an answer that
// the send buffer has taken whole.
func TestNobodyTakesTheRest(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	sparse(t, dir, "huge.bin", 2<<20)
	for _, loop := range loops {
		t.Run(string(loop), func(t *testing.T) {
			t.Parallel()
			l := launch(t, "tcp", Config{Loop: loop, Root: root(t, dir), Timeouts: Timeouts{Write: time.Second}})
			c := l.client(t)
			c.send(t, get("/huge.bin", "Connection: close"))
			until(t, "the server to give up", func() bool { return len(l.told(Ran)) == 1 && l.open() == 0 })
			if n, err := io.Copy(io.Discard, c.in); err == nil {
				t.Errorf("the client has %d bytes, and no reset", n)
			}
			l.end(t)
		})
	}
}

// TestHalfClosedClients serves those who have said all that they will say.
func TestHalfClosedClients(t *testing.T) {
	noneLeft(t)
	const size = 24 << 20
	dir := documents(t)
	sparse(t, dir, "huge.bin", size)
	everywhere(t, loops, func(t *testing.T, network string, loop Loop) {
		l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Quiet: true})
		c := l.client(t)
		c.send(t, get("/hello.txt")+get("/huge.bin")+get("/kilo.bin"))
		c.halfClose(t)
		for _, length := range []int{len(hello), size, len(kilo)} {
			r, err := c.answer()
			must(t, err)
			if len(r.body) != length {
				t.Errorf("%d bytes, not %d: %q", len(r.body), length, r.raw)
			}
		}
		must(t, ended(c.in))
		l.end(t)
	})
}

// launched is a server whose end a test sees.
type launched struct {
	*Server
	addr    net.Addr
	running bool
	stuck   bool          // it did not end in time
	ran     chan struct{} // closed when Run has returned
	err     error         // what it returned

	mu     sync.Mutex
	events []Event
	heard  sync.WaitGroup
}

// launch starts a server on "tcp", "tcp6" or "unix". Unless it is quiet its events
// are collected. A test that succeeds ends it.
func launch(t *testing.T, network string, c Config) *launched {
	t.Helper()
	l := listening(t, network, c)
	l.listen()
	l.start()
	return l
}

// listening makes the server and its listening sockets. Clients can connect to them
// before it runs.
func listening(t *testing.T, network string, c Config) *launched {
	t.Helper()
	var addr net.Addr
	if c.Listeners, addr = listenOn(t, network); network == "tcp" && c.Loop == Epoll && c.Loops == 0 {
		second, _ := listenTCP(t, addr.(*net.TCPAddr).Port)
		must(t, unix.SetsockoptInt(second, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
		must(t, unix.Listen(second, queue4096))
		c.Listeners = append(c.Listeners, second)
	}
	if c.Loop == Epoll && c.Loops == 0 {
		c.Loops = 2
	}
	s, err := New(c)
	must(t, err)
	l := &launched{Server: s, addr: addr, ran: make(chan struct{})}
	t.Cleanup(func() {
		l.start()
		l.end(t)
	})
	return l
}

// queue4096 is the backlog: longer than the clients of a test are many.
const queue4096 = 4096

// listenOn makes a listening socket, where a server that had the same address a
// moment ago would not be in the way.
func listenOn(t *testing.T, network string) ([]int, net.Addr) {
	t.Helper()
	switch network {
	case "unix":
		short, err := os.MkdirTemp("", "fd3") // t.TempDir may be too long for a sockaddr_un
		must(t, err)
		t.Cleanup(func() { os.RemoveAll(short) })
		path := filepath.Join(short, "s")
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		must(t, err)
		must(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
		must(t, unix.Listen(fd, queue4096))
		return []int{fd}, &net.UnixAddr{Name: path, Net: "unix"}
	case "tcp6":
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		must(t, err)
		must(t, unix.Bind(fd, &unix.SockaddrInet6{Addr: [16]byte{15: 1}}))
		must(t, unix.Listen(fd, queue4096))
		name, err := unix.Getsockname(fd)
		must(t, err)
		return []int{fd}, &net.TCPAddr{IP: net.IPv6loopback, Port: name.(*unix.SockaddrInet6).Port}
	}
	fd, addr := listenTCP(t, 0)
	must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	must(t, unix.Listen(fd, queue4096))
	return []int{fd}, addr
}

// listen collects the events.
func (l *launched) listen() {
	if l.config.Quiet {
		return
	}
	l.heard.Go(func() {
		for e := range l.Events() {
			l.mu.Lock()
			l.events = append(l.events, e)
			l.mu.Unlock()
		}
	})
}

// told are the events of a kind, or all.
func (l *launched) told(k Kind) (events []Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if k == "" || e.Kind == k {
			events = append(events, e)
		}
	}
	return events
}

func (l *launched) start() {
	if l.running {
		return
	}
	l.running = true
	go func() {
		runtime.LockOSThread() // as on the main thread
		defer runtime.UnlockOSThread()
		l.err = l.Run()
		close(l.ran)
	}()
}

// end drains the server and sees it end in order.
func (l *launched) end(t *testing.T) {
	t.Helper()
	if l.stuck {
		return
	}
	l.Drain()
	select {
	case <-l.ran:
		l.heard.Wait()
		if l.err != nil {
			t.Errorf("Run: %v", l.err)
		}
	case <-time.After(long):
		l.stuck = true
		stacks := make([]byte, 64<<10)
		t.Errorf("Run goes on %v after Drain, with %d connections open\n%s", long, l.open(), stacks[:runtime.Stack(stacks, true)])
	}
}

func (l *launched) open() (n int64) {
	for _, s := range l.Stats() {
		n += s.Open
	}
	return n
}

func (l *launched) requests() (n int64) {
	for _, s := range l.Stats() {
		n += s.Requests
	}
	return n
}

// everywhere runs a test on each loop, over TCP and over a Unix socket.
func everywhere(t *testing.T, loops []Loop, test func(t *testing.T, network string, loop Loop)) {
	for _, network := range []string{"tcp", "unix"} {
		for _, loop := range loops {
			t.Run(network+" "+string(loop), func(t *testing.T) { test(t, network, loop) })
		}
	}
}

// sideBySide is everywhere at a time, for tests that mostly wait.
func sideBySide(t *testing.T, loops []Loop, test func(t *testing.T, network string, loop Loop)) {
	all := subtests{}
	for _, network := range []string{"tcp", "unix"} {
		for _, loop := range loops {
			all[network+" "+string(loop)] = func(t *testing.T) { test(t, network, loop) }
		}
	}
	all.sideBySide(t)
}

// subtests are tests by name.
type subtests map[string]func(t *testing.T)

// sideBySide runs them at a time, which T.Parallel does with a few only.
func (s subtests) sideBySide(t *testing.T) {
	var running sync.WaitGroup
	defer running.Wait()
	for name, test := range s {
		running.Go(func() { t.Run(name, test) })
	}
}

// client is one end of a connection to a server.
type client struct {
	net.Conn
	in *bufio.Reader
}

// knock connects to a server.
func knock(network, addr string) (*client, error) {
	c, err := net.DialTimeout(network, addr, long)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(long))
	return &client{c, bufio.NewReader(c)}, nil
}

func (l *launched) client(t *testing.T) *client {
	t.Helper()
	c, err := knock(l.addr.Network(), l.addr.String())
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func (c *client) send(t *testing.T, request string) {
	t.Helper()
	_, err := io.WriteString(c, request)
	must(t, err)
}

func (c *client) answer() (*response, error) {
	c.SetDeadline(time.Now().Add(long))
	return readResponse(c.in, question{})
}

// gets asks for a file and compares it.
func (c *client) gets(t *testing.T, path, content string) {
	t.Helper()
	c.send(t, get(path))
	r, err := c.answer()
	must(t, err)
	if r.status != 200 || r.body != content {
		t.Errorf("%s: %q %.100q", path, r.raw, r.body)
	}
}

// drip sends a byte at a time, until the server has had enough.
func (c *client) drip(t *testing.T, text string) {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for i := range len(text) {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			return
		}
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return
		}
	}
}

// timedOut reads the answer to one who was too slow, and the end.
func (c *client) timedOut() error {
	r, err := c.answer()
	switch {
	case err != nil:
		return err
	case r.status != 408 || !r.closes():
		return fmt.Errorf("%q", r.raw)
	}
	return ended(c.in)
}

func (c *client) halfClose(t *testing.T) {
	t.Helper()
	must(t, c.Conn.(interface{ CloseWrite() error }).CloseWrite())
}

// reset has the connection end with an RST: socket(7), SO_LINGER.
func (c *client) reset() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return errors.Join(tcp.SetLinger(0), c.Close())
	}
	return c.Close()
}

// until waits for a state.
func until(t testing.TB, what string, there func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !there(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// sparse makes a file that is larger than all buffers and takes no room.
func sparse(t *testing.T, dir, name string, size int64) {
	t.Helper()
	path := filepath.Join(dir, name)
	must(t, os.WriteFile(path, nil, 0o644))
	must(t, os.Truncate(path, size))
	must(t, os.Chtimes(path, modified, modified))
}

// noneLeft sees that a test leaves no descriptor open.
func noneLeft(t *testing.T) {
	t.Helper()
	before := fdNames(t)
	t.Cleanup(func() {
		now := before
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if now = fdNames(t); len(now) == len(before) {
				return
			}
		}
		t.Errorf("%d descriptors before, %d after: %q", len(before), len(now), now)
	})
}

// fdNames are what the descriptors of this process stand for.
func fdNames(t *testing.T) (names []string) {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	for _, fd := range all {
		name, _ := os.Readlink("/proc/self/fd/" + fd.Name())
		names = append(names, fd.Name()+" "+name)
	}
	return names
}
