package server

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/httpmini/server/docroot"
	"fd3/sockets"
)

// ways to ask for a small file, as many requests at a time.
var asked = []struct {
	name     string
	requests int
}{{"one request", 1}, {"16 pipelined", 16}}

// TestServingAllocatesNothing asks for a small file again and again, on a connection
// that stays.
func TestServingAllocatesNothing(t *testing.T) {
	root := settledRoot(t)
	for _, loop := range []Loop{Threads, Epoll} { // one blocks, one does not
		for _, a := range asked {
			t.Run(string(loop)+" "+a.name, func(t *testing.T) {
				p := newPair(t, loop, root)
				send := []byte(strings.Repeat(get("/hello.txt"), a.requests))
				p.exchange(t, send)
				if n := testing.AllocsPerRun(2000, func() { p.exchange(t, send) }); n != 0 {
					t.Errorf("%v allocations", n)
				}
				if n, want := p.w.count.requests.Load(), int64(a.requests)*2002; n != want {
					t.Errorf("%d requests were answered, not %d", n, want)
				}
			})
		}
	}
}

func BenchmarkServe(b *testing.B) {
	root := settledRoot(b)
	for _, a := range asked {
		b.Run(a.name, func(b *testing.B) {
			p := newPair(b, Epoll, root)
			send := []byte(strings.Repeat(get("/hello.txt"), a.requests))
			b.SetBytes(int64(p.exchange(b, send)))
			b.ReportAllocs()
			for b.Loop() {
				p.exchange(b, send)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*a.requests), "ns/request")
		})
	}
}

// pair is a worker with one connection, and the client's end of that.
type pair struct {
	w      *worker
	c      *conn
	client int
	buf    []byte
}

// settledRoot is a directory with hello.txt, which is kept: it has not changed for so
// long that a change would be seen.
func settledRoot(tb testing.TB) *docroot.Root {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "hello.txt")
	if err := errors.Join(os.WriteFile(path, []byte(hello), 0o644), os.Chtimes(path, modified, modified)); err != nil {
		tb.Fatal(err)
	}
	root, err := docroot.Open(filepath.Dir(path))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { root.Close() })
	cache := docroot.NewCache(root)
	until(tb, "the file to be kept", func() bool {
		e, err := cache.Open(nil, []byte("/hello.txt"), 0)
		if err != nil {
			tb.Fatal(err)
		}
		e.Close()
		return cache.Fresh(nil, []byte("/hello.txt"), 0) != nil
	})
	return root
}

func newPair(tb testing.TB, loop Loop, root *docroot.Root) *pair {
	tb.Helper()
	check := func(err error) {
		if err != nil {
			tb.Helper()
			tb.Fatal(err)
		}
	}
	s, err := New(Config{Loop: loop, Listeners: []int{-1}, Root: root, Quiet: true})
	check(err)
	tb.Cleanup(s.closeWakes)
	kind := unix.SOCK_STREAM | unix.SOCK_CLOEXEC
	fds, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
	check(err)
	check(unix.SetNonblock(fds[0], loop == Epoll))
	w := s.worker(0)
	w.turn(nil)
	p := &pair{w: w, c: w.open(fds[0], sockets.Call{}), client: fds[1], buf: make([]byte, 16<<10)}
	tb.Cleanup(func() {
		w.end(p.c)
		unix.Close(p.client)
	})
	return p
}

// exchange sends requests that are answered in one go, and says how long the
// answers are.
func (p *pair) exchange(tb testing.TB, send []byte) int {
	if _, err := unix.Write(p.client, send); err != nil {
		tb.Fatal(err)
	}
	p.w.clock()
	p.w.turn(p.c)
	if next := p.w.run(p.c); next != forBytes {
		tb.Fatalf("the connection waits for %d", next)
	}
	n, err := unix.Read(p.client, p.buf)
	if err != nil {
		tb.Fatal(err)
	}
	if string(p.buf[n-len(hello):n]) != hello {
		tb.Fatalf("%q", p.buf[:n])
	}
	return n
}
