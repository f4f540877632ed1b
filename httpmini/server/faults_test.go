package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets/kernel"
)

// The servers of the articles behind this course have faults, each a lesson of
// its own. Here each has a test that it is not in this server, with what the
// kernel says for evidence. cmd/fd3/faults_test.go has those of the listener.

// In the article's server connections that the clients have closed stay in
// CLOSE_WAIT, each with its descriptor, until there are no more descriptors.
func TestFaultAcceptedNeverClosed(t *testing.T) {
	onLoops(t, loops, documents(t), func(t *testing.T, s *served) {
		before := descriptors(t, s)
		for range 10 {
			for _, says := range []string{
				"", "GET /hello", "nonsense\r\n\r\n", get("/hello.txt"), get("/hello.txt", "Connection: close"), old("GET /hello.txt"),
			} {
				c := s.dial(t)
				io.WriteString(c, says)
				if strings.HasSuffix(says, "\r\n\r\n") {
					readResponse(bufio.NewReader(c), question{})
				}
				c.Close()
			}
		}
		s.deserted(t)
		if after := descriptors(t, s); !slices.Equal(after, before) {
			t.Errorf("open before: %v, and after: %v", before, after)
		}
	})
}

// Some of these clients are gone before they are accepted: under the iterative
// loop all, since the first holds them up.
func TestFaultConnectThenCloseCrashes(t *testing.T) {
	onLoops(t, loops, documents(t), func(t *testing.T, s *served) {
		first := s.dial(t)
		for i := range 60 {
			c := s.dial(t)
			if i%2 == 0 {
				c.(*net.TCPConn).SetLinger(0) // close sends an RST, not a FIN
			}
			c.Close()
		}
		first.Close()
		s.serves(t)
		s.deserted(t)
	})
}

// The article's server locks, fails to make a socket, and returns without
// unlocking: the next one waits for ever. Here each descriptor that a server
// makes at its start is refused once.
func TestFaultLockKeptOnFailure(t *testing.T) {
	failToStart(t, func(s *Server) {
		if !syscall.ForkLock.TryLock() {
			t.Fatal("no process can be started any more")
		}
		syscall.ForkLock.Unlock()
		if s != nil {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("Drain, when Run has failed: %v", p)
				}
			}()
			s.HeldUp() // and Drain take its lock
			s.Drain()
		}
	})
	s := serve(t, "", Config{})
	s.serves(t)
}

func TestFaultDescriptorsLeakedOnFailure(t *testing.T) {
	before := descriptors(t, nil)
	failToStart(t, func(*Server) {
		if after := descriptors(t, nil); !slices.Equal(after, before) {
			t.Errorf("open before: %v, and after: %v", before, after)
		}
	})
}

// failToStart has a server with two epoll loops, which needs four descriptors,
// start with fewer. A Server that could be made is given to then.
func failToStart(t *testing.T, then func(*Server)) {
	t.Helper()
	for spare := range 4 {
		first, addr := listenTCP(t, 0)
		second, _ := listenTCP(t, addr.Port)
		feed := starve(t, spare)
		s, err := New(Config{Listeners: []int{first, second}})
		switch {
		case err != nil: // the listeners stay with the caller
			unix.Close(first)
			unix.Close(second)
		default:
			err = s.Run()
		}
		feed()
		if err == nil {
			t.Fatalf("it starts with %d descriptors", spare)
		}
		then(s)
		if rows := rowsOf(t, addr, kernel.Listen); len(rows) > 0 {
			t.Errorf("with %d descriptors to spare, the kernel still has %+v", spare, rows)
		}
	}
}

// starve leaves the process so many more descriptors at most, until feed.
func starve(t *testing.T, spare int) (feed func()) {
	t.Helper()
	free, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0) // the lowest
	must(t, err)
	unix.Close(free)
	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(free + spare), Max: limit.Max}))
	return func() { must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)) }
}

// An IPv4 address that comes through an IPv6 socket has 16 bytes. The article's
// server takes the first four, which are zero.
func TestFaultIPv4InIPv6CutToZeros(t *testing.T) {
	for _, loop := range loops {
		t.Run(string(loop), func(t *testing.T) {
			fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			must(t, err)
			listen(t, fd, &unix.SockaddrInet6{})
			name, err := unix.Getsockname(fd)
			must(t, err)
			addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*unix.SockaddrInet6).Port}
			s := start(t, "", addr, Config{Loop: loop, Listeners: []int{fd}})
			s.namesBoth(t, "127.0.0.1")
		})
	}
}

// The article's server gives accept the variable with its own address to write
// the client's into.
func TestFaultAcceptOverwritesOwnAddress(t *testing.T) {
	onLoops(t, loops, "", func(t *testing.T, s *served) {
		for _, from := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
			s.namesBoth(t, from)
		}
		for _, l := range s.Stats() {
			asked, err := kernel.Ask(l.Listener)
			if err != nil || !asked.Listening || asked.Local.String() != s.addr.String() {
				t.Errorf("the listener is at %v, not at %v (%v)", asked.Local, s.addr, err)
			}
		}
	})
}

// namesBoth sees that the visitor's page names the client and the server as the
// client's kernel does.
func (s *served) namesBoth(t *testing.T, from string) {
	t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}).Dial("tcp", s.addr.String())
	must(t, err)
	defer c.Close()
	io.WriteString(c, get("/", "Connection: close"))
	r, err := final(bufio.NewReader(c), question{})
	must(t, err)
	you, me := c.LocalAddr().(*net.TCPAddr), c.RemoteAddr().(*net.TCPAddr)
	says(t, r.body,
		fmt.Sprintf(`you (\[::ffff:)?%s\]? port %d\s`, you.IP, you.Port),
		fmt.Sprintf(`\s(\[::ffff:)?%s\]? port %d\s+the\s+server`, me.IP, me.Port))
}

func TestFaultPathLeavesRoot(t *testing.T) {
	dir := documents(t)
	outside := filepath.Join(filepath.Dir(dir), "outside.txt") // it is there, and anybody may read it
	onLoops(t, loops, dir, func(t *testing.T, s *served) {
		for _, path := range []string{
			"/" + outside, "//etc/passwd", "///etc/passwd", "/%2fetc/passwd", "/./" + outside,
			"/../outside.txt", "/dir/../../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/%2e%2e%2foutside.txt", "/..",
			"/" + strings.Repeat("../", 30) + "etc/passwd", "/none/../../outside.txt", "/..\\outside.txt",
			"/outside", "/slash/etc/passwd", "/slash" + outside,
			"http://a/../outside.txt", "http://a//etc/passwd",
		} {
			r := one(t, s, get(path))
			if r.status != 403 && r.status != 404 || r.body == "outside" || strings.Contains(r.body, "root:") {
				t.Errorf("%s: %d %s", path, r.status, r.body)
			}
		}
	})
}

// The article's server sends whole buffers, however few bytes it read.
func TestFaultShortFileSentAsBuffer(t *testing.T) {
	dir := t.TempDir()
	sizes := []int{0, 1, 255, 256, 4095, 4096, 4097, 8191, 65535, 65536, 65537, 131073}
	for _, n := range sizes {
		fill(t, dir, map[string]string{fmt.Sprint(n): pattern(n)})
	}
	fill(t, dir, map[string]string{"index.html": page1}) // talks end with it
	onLoops(t, loops, dir, func(t *testing.T, s *served) {
		for _, n := range sizes {
			path := fmt.Sprint("/", n)
			ask(get(path)+get(path, "Connection: close"), gives(pattern(n)), gives(pattern(n))).closing().have(t, s, "at once", get(path)+get(path, "Connection: close"))
		}
	})
}

// The article's server cannot read a directory, sends what it does not have, and
// dies when the client has gone.
func TestFaultDirectoryEndsInSIGPIPE(t *testing.T) {
	dir := documents(t)
	fill(t, dir, map[string]string{"huge.bin": ""})
	must(t, os.Truncate(filepath.Join(dir, "huge.bin"), 256<<20)) // no buffer holds it
	onLoops(t, loops, dir, func(t *testing.T, s *served) {
		for path, status := range map[string]int{"/": 200, "/dir/": 200, "/bare/": 200, "/dir": 301, "/bare": 301, "/..": 403} {
			if r := one(t, s, get(path)); r.status != status || len(r.body) == 0 {
				t.Errorf("%s: %d %q", path, r.status, r.body)
			}
		}
		for _, path := range []string{"/huge.bin", "/bare/", "/dir"} {
			for _, linger := range []int{-1, 0} { // close sends a FIN, or an RST
				c := s.dial(t)
				c.(*net.TCPConn).SetLinger(linger)
				io.WriteString(c, strings.Repeat(get(path), 3))
				c.Read(make([]byte, 1))
				c.Close() // in the middle of it
			}
		}
		s.deserted(t)
		s.serves(t)
	})
}

// The article's server takes what one read returns for a whole request.
func TestFaultMethodInTwoSegments(t *testing.T) {
	onLoops(t, loops, documents(t), func(t *testing.T, s *served) {
		for _, pieces := range [][]string{{"GE", "T /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"}, {"GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r", "\n"}} {
			c := s.dial(t)
			io.WriteString(c, pieces[0])
			here, there := addrPort(c.LocalAddr()), addrPort(c.RemoteAddr())
			eventually(t, "the first segment to be read", func() bool {
				all, err := kernel.Own().TCP(kernel.Established)
				must(t, err)
				mine, its := all.Find(here, there), all.Find(there, here)
				return mine != nil && its != nil && mine.WQueue == 0 && its.RQueue == 0 && its.Inode != 0 // delivered, read, accepted
			})
			io.WriteString(c, pieces[1])
			r, err := final(bufio.NewReader(c), question{})
			must(t, err)
			if r.status != 200 || r.body != hello {
				t.Errorf("%q: %d %q", pieces, r.status, r.body)
			}
			c.Close()
		}
	})
}

// The article's server reads 4096 bytes and closes. The rest is unread then, so
// the kernel sends an RST, which takes the answer from the client. have wants an
// orderly end.
func TestFaultLongRequestEndsInRST(t *testing.T) {
	onLoops(t, loops, documents(t), func(t *testing.T, s *served) {
		long := strings.Repeat("x", 5000)
		for _, k := range []talk{
			ask(get("/hello.txt", "Long: "+long, "Connection: close"), gives(hello)).closing(),
			ask(old("GET /hello.txt", "Long: "+long), gives(hello).to10()).closing(),
			ask(request("POST /hello.txt", "Content-Length: 5000", "Connection: close")+long, is(405)).closing(),
			ask(get("/"+long), is(404)),
			ask(get("/hello.txt", "Long: "+strings.Repeat(long, 50)), is(431)).closing(),
			ask("GET /"+strings.Repeat(long, 50), is(414)).closing(),
			ask(request("POST /hello.txt", "Content-Length: 2000000")+strings.Repeat(long, 400), is(413)).closing(),
		} {
			k.have(t, s, "at once", k.send)
		}
	})
}

// One client that says nothing: the iterative loop waits for it as the article's
// server does, and says for whom. The others go on.
func TestFaultIdleClientBlocksAll(t *testing.T) {
	onLoops(t, loops, documents(t), func(t *testing.T, s *served) {
		idle := s.dial(t)
		if s.config.Loop != Iterative {
			half, kept := s.dial(t), s.dial(t)
			io.WriteString(half, "GET /hello.txt HTTP/1.1\r\nHo")
			io.WriteString(kept, get("/hello.txt"))
			s.serves(t)
			return
		}
		var fd int
		eventually(t, "the server to say who holds it up", func() bool { h := s.HeldUp(); fd = h.FD; return h.Silent > 0 })
		asked, err := kernel.Ask(fd)
		if err != nil || asked.Peer.String() != idle.LocalAddr().String() {
			t.Errorf("held up by %v, not by %v (%v)", asked.Peer, idle.LocalAddr(), err)
		}
		other := s.dial(t)
		io.WriteString(other, get("/hello.txt"))
		eventually(t, "the other to be in the accept queue", func() bool {
			listener, err := kernel.Ask(s.Stats()[0].Listener)
			must(t, err)
			return listener.TCP.Unacked == 1
		})
		idle.Close()
		if r, err := final(bufio.NewReader(other), question{}); err != nil || r.body != hello {
			t.Errorf("when the idle one has gone: %+v %v", r, err)
		}
		other.Close()
		eventually(t, "nobody to hold it up", func() bool { return s.HeldUp().FD < 0 })
	})
}

// serves sees that somebody who comes now is served.
func (s *served) serves(t *testing.T) {
	t.Helper()
	path := "/hello.txt"
	if s.dir == "" {
		path = "/"
	}
	if r := one(t, s, get(path)); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// deserted waits until no connection is left at the server, in CLOSE_WAIT or any
// other state in which the kernel waits for the server.
func (s *served) deserted(t *testing.T) {
	t.Helper()
	eventually(t, "the connections to end", func() bool {
		return len(rowsOf(t, s.addr, kernel.Established, kernel.CloseWait, kernel.SynRecv)) == 0
	})
	eventually(t, "the server to forget them", func() bool {
		for _, l := range s.Stats() {
			if l.Open > 0 {
				return false
			}
		}
		return true
	})
}

// rowsOf are the kernel's sockets in these states at a local address.
func rowsOf(t *testing.T, local net.Addr, states ...kernel.State) kernel.InetTable {
	t.Helper()
	rows, err := kernel.Own().TCP(states...)
	must(t, err)
	return slices.DeleteFunc(rows, func(r kernel.InetSocket) bool { return r.Local != addrPort(local) })
}

func addrPort(a net.Addr) netip.AddrPort { return netip.MustParseAddrPort(a.String()) }

// descriptors are the sockets and other descriptors of the process. A server is
// asked first, so that what it opens once is open.
func descriptors(t *testing.T, s *served) []kernel.FD {
	t.Helper()
	if s != nil {
		s.serves(t)
		s.deserted(t)
	}
	fds, err := kernel.FDs(os.Getpid())
	must(t, err)
	return fds
}
