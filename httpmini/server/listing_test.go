package server

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini/server/docroot"
)

// crowded makes a directory with many names in it.
func crowded(t *testing.T, names int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "00000"), []byte("12345"), 0o644))
	for i := 1; i < names; i++ {
		must(t, os.Link(filepath.Join(dir, "00000"), filepath.Join(dir, fmt.Sprintf("%05d", i))))
	}
	return dir
}

// A long listing is made while it is sent, and is whole and in order all the same: in
// chunks, and to a client of HTTP/1.0 up to the end of the connection.
func TestLongListing(t *testing.T) {
	const names = 3000
	dir := crowded(t, names)
	everywhere(t, []Loop{Iterative, Threads, Epoll}, func(t *testing.T, network string, loop Loop) {
		noneLeft(t)
		log := &journal{}
		l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Listing: true, Log: log})
		c := l.client(t)
		var page string
		for range 2 {
			c.send(t, get("/", "Accept: text/html")+get("/00007"))
			r, body := c.anyResponse(t, "GET")
			if page = body; r.StatusCode != 200 || r.ContentLength != -1 || !strings.HasSuffix(page, "</html>\n") || !strings.Contains(page, "0 directories, 3000 files") {
				t.Fatalf("%v, %d bytes", r, len(page))
			}
			last := 0
			for i := range names {
				at := strings.Index(page[last:], fmt.Sprintf(`<a href="./%05d">%05d</a></td><td role="cell" class="number"><data value="5" title="5 bytes">5 B`, i, i))
				if at < 0 {
					t.Fatalf("no %05d behind the one before", i)
				}
				last += at
			}
			if r, err := c.answer(); err != nil || r.body != "12345" {
				t.Fatalf("what follows: %v", err)
			}
		}
		c.Close()
		c = l.client(t)
		c.send(t, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
		if r, body := c.anyResponse(t, "HEAD"); body != "" || !slices.Equal(r.TransferEncoding, []string{"chunked"}) {
			t.Errorf("%v", r)
		}
		c.Close()
		c = l.client(t)
		c.send(t, "GET / HTTP/1.0\r\nAccept: text/html\r\n\r\n")
		if r, body := c.anyResponse(t, "GET"); body != page || r.ContentLength != -1 || !r.Close {
			t.Errorf("%v, %d bytes, not %d", r, len(body), len(page))
		}
		c.Close()
		l.end(t)
		if got, want := strings.Join(log.lines(), ""), fmt.Sprintf(`"GET / HTTP/1.1" 200 %d`, len(page)); strings.Count(got, want) != 2 {
			t.Errorf("no %s in\n%s", want, got)
		}
	})
}

// anyResponse reads a response however its end is told.
func (c *client) anyResponse(t *testing.T, method string) (*http.Response, string) {
	t.Helper()
	r, err := http.ReadResponse(c.in, &http.Request{Method: method})
	must(t, err)
	body, err := io.ReadAll(r.Body)
	must(t, err)
	return r, string(body)
}

// Clients that ask for a long listing and do not read it take little memory, and do
// not hold up who asks for something else.
func TestListingsThatNobodyReads(t *testing.T) {
	dir := crowded(t, 10000)
	l := launch(t, "tcp", Config{Loop: Epoll, Root: root(t, dir), Listing: true, Quiet: true, Timeouts: Timeouts{Write: time.Hour, Idle: time.Hour}})
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse
	}
	until(t, "the directory to settle", func() bool {
		f, err := l.config.Root.Open(nil, "")
		must(t, err)
		return strings.HasPrefix(f.ETag, `"`)
	})
	before := memory()
	other := l.client(t)
	const clients = 100
	for range clients {
		l.client(t).send(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	worst := time.Duration(0) // by the clock of this process: how much else runs does not count
	for range 100 {
		began := cpu(t)
		other.gets(t, "/00000", "12345")
		worst = max(worst, cpu(t)-began)
	}
	until(t, "all of them to be served", func() bool { return l.open() == clients+1 })
	if used := int64(memory() - before); used > 32<<20 {
		t.Errorf("%d clients take %d bytes", clients, used)
	}
	if worst > 2*time.Second { // 100 listings take 25 s and more
		t.Errorf("another client waited %v", worst)
	}
	t.Logf("%d bytes for %d clients, another waits %v at most", int64(memory()-before), clients, worst)
}

// cpu returns how long this process has been on a processor.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	must(t, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// There are only so many different listings at a time.
func TestListingsAreLimited(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o644))
	r := root(t, dir)
	cache := docroot.NewCache(r)
	f, err := r.Open(nil, "")
	must(t, err)
	var all []*docroot.Listing
	for range docroot.MaxListings { // it has changed a moment ago, so nobody shares
		names, err := cache.List(nil, f)
		must(t, err)
		all = append(all, names)
	}
	if _, err := cache.List(nil, f); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("%v", err)
	}
	for _, names := range all {
		names.Close(nil)
	}
	names, err := cache.List(nil, f)
	must(t, err)
	names.Close(nil)
}
