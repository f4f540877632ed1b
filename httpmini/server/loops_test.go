package server

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini/server/docroot"
)

// patience is how long a test waits before it fails. Nothing that succeeds waits.
const patience = 8 * time.Second

var loops = []Loop{Iterative, Threads, Epoll}

// eachLoop runs a test on a server of each loop, over the files of documents.
func eachLoop(t *testing.T, run func(t *testing.T, dial func() net.Conn)) {
	t.Helper()
	dir := documents(t)
	for _, loop := range loops {
		t.Run(string(loop), func(t *testing.T) {
			s := serve(t, dir, Config{Loop: loop, Root: root(t, dir)})
			run(t, func() net.Conn { return s.dial(t) })
		})
	}
}

func TestLoopsServe(t *testing.T) {
	eachLoop(t, func(t *testing.T, dial func() net.Conn) {
		for range 3 {
			c := dial()
			io.WriteString(c, get("/hello.txt", "Connection: close"))
			in := bufio.NewReader(c)
			r, err := final(in, question{})
			if err != nil || r.body != hello {
				t.Fatalf("%+v, %v", r, err)
			}
			if err := ended(in); err != nil {
				t.Error(err)
			}
			c.Close()
		}
	})
}

// served is a running server, and where its files are: no dir, no files.
type served struct {
	*Server
	dir  string
	addr net.Addr
}

// serve starts a server on a TCP port of its own, or with two loops on two
// sockets that share the port. When the test ends it is drained, and has to
// be done soon.
func serve(t *testing.T, dir string, c Config) *served {
	t.Helper()
	first, addr := listenTCP(t, 0)
	c.Listeners = []int{first}
	if c.Loop == Epoll {
		second, _ := listenTCP(t, addr.Port)
		c.Listeners = append(c.Listeners, second)
	}
	return start(t, dir, addr, c)
}

// serveUnix starts a server on a Unix socket, whose clients can ask the kernel
// whether all that they sent has been read.
func serveUnix(t *testing.T, dir string, c Config) *served {
	t.Helper()
	short, err := os.MkdirTemp("", "fd3") // t.TempDir may be too long for a sockaddr_un
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	path := filepath.Join(short, "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	listen(t, fd, &unix.SockaddrUnix{Name: path})
	c.Listeners = []int{fd}
	return start(t, dir, &net.UnixAddr{Name: path, Net: "unix"}, c)
}

func start(t *testing.T, dir string, addr net.Addr, c Config) *served {
	t.Helper()
	if c.MaxConnections == 0 {
		c.MaxConnections = 100
	}
	c.Quiet = true
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // as on the main thread
		defer runtime.UnlockOSThread()
		ran <- s.Run()
	}()
	t.Cleanup(func() {
		s.Drain()
		select {
		case err := <-ran:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Errorf("Run goes on %v after Drain", patience)
		}
	})
	return &served{s, dir, addr}
}

func listenTCP(t *testing.T, port int) (fd int, addr *net.TCPAddr) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		t.Fatal(err)
	}
	listen(t, fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*unix.SockaddrInet4).Port}
}

func listen(t *testing.T, fd int, at unix.Sockaddr) {
	t.Helper()
	if err := unix.Bind(fd, at); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 128); err != nil {
		t.Fatal(err)
	}
}

func (s *served) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial(s.addr.Network(), s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

func root(t *testing.T, dir string) *docroot.Root {
	t.Helper()
	r, err := docroot.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// What documents writes.
const (
	hello = "Hello, world\n"
	page1 = "<!doctype html>\n<title>Home</title>\n"
	page2 = "<!doctype html>\n<title>Below</title>\n"
)

var (
	kilo  = pattern(1 << 10)
	large = pattern(300 << 10) // more than a send buffer, so sent in pieces
)

// pattern is bytes of which no two stretches are alike for long.
func pattern(n int) string {
	b := make([]byte, 0, n+8)
	for i := 0; len(b) < n; i++ {
		b = append(strconv.AppendInt(b, int64(i), 36), ' ')
	}
	return string(b[:n])
}

// modified is when the files were last modified, in the three forms that HTTP
// knows (RFC 9110 section 5.6.7).
var modified = time.Date(2015, 6, 7, 8, 9, 10, 0, time.UTC)

const (
	imfFormat    = "Mon, 02 Jan 2006 15:04:05 GMT"
	rfc850Format = "Monday, 02-Jan-06 15:04:05 GMT"
	ansiFormat   = "Mon Jan _2 15:04:05 2006"
)

// documents makes a directory to serve, with what a directory can have in it.
func documents(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	dir := filepath.Join(top, "root")
	files := map[string]string{
		"index.html": page1, "hello.txt": hello, "empty.txt": "", "kilo.bin": kilo, "large.bin": large,
		"dir/index.html": page2, "bare/a.txt": "a", "with space/index.html": page2, "what?/index.html": page2,
		"with space.txt": "space", "100%.txt": "percent", "grüße.txt": "umlaut", "what?.txt": "mark", "~me.txt": "tilde",
		".hidden": "secret", ".git/config": "secret", "unreadable.txt": "secret", "future.txt": "tomorrow",
		"data.gz": "\x1f\x8b", "noext": "plain", "../outside.txt": "outside",
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(content), 0o644))
		must(t, os.Chtimes(path, modified, modified))
	}
	tomorrow := time.Now().Add(24 * time.Hour)
	must(t, os.Chtimes(filepath.Join(dir, "future.txt"), tomorrow, tomorrow))
	must(t, os.Chmod(filepath.Join(dir, "unreadable.txt"), 0))
	must(t, os.Symlink("hello.txt", filepath.Join(dir, "inside")))
	must(t, os.Symlink("../outside.txt", filepath.Join(dir, "outside")))
	must(t, os.Symlink("/", filepath.Join(dir, "slash")))
	must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
