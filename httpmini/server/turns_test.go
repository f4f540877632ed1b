package server

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/sockets"
)

// alone is a worker with one connection, whose client this test is.
func alone(t *testing.T, dir string) *pair {
	t.Helper()
	c := Config{Loop: Epoll, Listeners: []int{-1}, Quiet: true, Listing: true}
	if dir != "" {
		c.Root = root(t, dir)
	}
	s, err := New(c)
	must(t, err)
	t.Cleanup(s.closeWakes)
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	must(t, err)
	w := s.worker(0)
	w.turn(nil)
	p := &pair{w: w, c: w.open(fds[0], sockets.Call{}), client: fds[1], buf: make([]byte, 64<<10)}
	t.Cleanup(func() {
		w.end(p.c)
		unix.Close(p.client)
	})
	return p
}

func (p *pair) turn(t *testing.T, send string) wait {
	t.Helper()
	if send != "" {
		_, err := unix.Write(p.client, []byte(send))
		must(t, err)
	}
	p.w.clock()
	p.w.turn(p.c)
	next := p.w.run(p.c)
	p.c.waits, p.c.watched = next, true
	return next
}

// A connection may move so many bytes in its turn, however fast its client reads: of
// a long file, and of many short answers.
func TestATurnIsBounded(t *testing.T) {
	dir := t.TempDir()
	sparse(t, dir, "huge", 64<<20)
	sparse(t, dir, "some", 60<<10)
	for name, send := range map[string]string{"a file": get("/huge"), "answers": strings.Repeat(get("/some"), 500)} {
		t.Run(name, func(t *testing.T) {
			p := alone(t, dir)
			if err := unix.SetsockoptInt(p.c.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 256<<20); err != nil {
				t.Skip("only root may have so large a send buffer:", err)
			}
			for turn := range 3 {
				if next := p.turn(t, send); next != forRoom || p.w.moved < maxMoved || p.w.moved > 2*maxMoved {
					t.Errorf("turn %d: %d bytes, and then it waits for %d", turn, p.w.moved, next)
				}
				send = ""
			}
		})
	}
}

// Of a long listing so many rows are made before others get their turn.
func TestATurnOfAListingIsBounded(t *testing.T) {
	p := alone(t, crowded(t, 5000))
	if err := unix.SetsockoptInt(p.c.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 256<<20); err != nil {
		t.Skip("only root may have so large a send buffer:", err)
	}
	next, turns := p.turn(t, get("/")), 1
	for row := 0; p.c.rare.list != nil; turns++ {
		now := p.c.rare.list.next
		if next != forRoom || now-row > maxPieces*pieceRows {
			t.Fatalf("turn %d went from row %d to row %d, and then it waits for %d", turns, row, now, next)
		}
		row, p.w.pieces = now, 0
		next = p.turn(t, "")
	}
	if next != forBytes || turns < 5 {
		t.Errorf("after %d turns it waits for %d", turns, next)
	}
}

// The content of a request comes in so many pieces at most: each is remembered for the
// visitor's page.
func TestPiecesAreLimited(t *testing.T) {
	p := alone(t, "")
	p.turn(t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
	pieces := 0
	for ; pieces < 2*maxReceives && p.c.phase == inBody; pieces++ {
		p.turn(t, "x")
	}
	n, err := unix.Read(p.client, p.buf)
	if err != nil || pieces > maxReceives+1 || !strings.HasPrefix(string(p.buf[:n]), "HTTP/1.1 413 ") {
		t.Errorf("after %d pieces: %v, %q", pieces, err, p.buf[:max(n, 0)])
	}
}

// A head that comes byte by byte is not parsed again for each, which would take the
// square of its length.
func TestAHeadIsNotParsedForEachByte(t *testing.T) {
	p := alone(t, t.TempDir())
	p.turn(t, "GET /")
	parsed := 0
	const size = 8000
	for range size {
		p.w.req = httpmini.Request{}
		p.turn(t, "a")
		if p.w.req.Method != nil {
			parsed++
		}
	}
	if parsed > size/500 {
		t.Errorf("parsed %d times", parsed)
	}
	if next := p.turn(t, " HTTP/1.1\r\nHost: a\r\n\r\n"); next != forBytes || p.c.requests != 1 {
		t.Errorf("it waits for %d, after %d answers", next, p.c.requests)
	}
}

// A listener that is not watched since there is no room is watched again as soon as a
// connection ends, and not with the next tick.
func TestAPausedListenerIsResumed(t *testing.T) {
	fds, _ := listenOn(t, "tcp")
	s, err := New(Config{Loop: Epoll, Listeners: fds, Root: root(t, t.TempDir()), Quiet: true})
	must(t, err)
	defer s.closeWakes()
	defer unix.Close(fds[0])
	l, err := s.epollLoop(0, fds[0])
	must(t, err)
	defer unix.Close(l.epoll)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	must(t, err)
	defer unix.Close(pair[1])
	l.turn(nil)
	c := l.open(pair[0], sockets.Call{})
	l.conns = make([]*conn, pair[0]+1)
	l.conns[pair[0]] = c
	l.pause(true)
	if watched(t, l.epoll, fds[0]) {
		t.Error("a paused listener is watched")
	}
	l.settle(c, forNothing)
	if l.paused || !watched(t, l.epoll, fds[0]) {
		t.Error("a connection has ended, and the listener is not watched")
	}
}

// watched reports whether an epoll instance has a descriptor: proc_pid_fdinfo(5).
func watched(t *testing.T, epoll, fd int) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc/self/fdinfo", strconv.Itoa(epoll)))
	must(t, err)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "tfd:" && f[1] == strconv.Itoa(fd) {
			return true
		}
	}
	return false
}

// Of those for whom there is no room only so many are turned away at a time. The others
// wait in the accept queue.
func TestTurnedAwayAreLimited(t *testing.T) {
	dir := documents(t)
	for _, loop := range []Loop{Threads, Epoll} {
		t.Run(string(loop), func(t *testing.T) {
			const room, extra = 2, 40
			l := listening(t, "unix", Config{Loop: loop, Loops: 1, Root: root(t, dir), MaxConnections: room, Quiet: true})
			for range room + turnedAway + extra {
				l.client(t) // it is in the queue, and stays open
			}
			l.start()
			until(t, "one of the others to be accepted, when another has gone", func() bool {
				if n := l.open(); n > room+turnedAway {
					t.Fatalf("%d connections are open at a time", n)
				}
				return l.Stats()[0].Accepted > room+turnedAway
			})
		})
	}
}

// The log takes so much memory at most, while nobody takes its lines, and says how many
// are lost.
func TestTheLogIsLimited(t *testing.T) {
	out := &journal{gate: make(chan struct{})}
	log := newLog(out)
	line := []byte(strings.Repeat("x", maxRequestLine))
	lines := 2 * maxLog / maxRequestLine
	now := modified
	size := func() (n int) {
		log.mu.Lock()
		defer log.mu.Unlock()
		return len(log.lines)
	}
	log.line("1.2.3.4:5", now, line, 200, 1)
	until(t, "the log to be written", func() bool { return size() == 0 }) // and it is not taken
	for range lines {
		log.line("1.2.3.4:5", now, line, 200, 1)
	}
	if n := size(); n > maxLog+2*maxRequestLine {
		t.Errorf("%d bytes wait", n)
	}
	close(out.gate)
	must(t, log.close())
	all := out.lines()
	if last := all[len(all)-1]; !strings.HasPrefix(last, "# ") || !strings.HasSuffix(last, " lines lost: the log could not be written in time") || len(all) >= lines {
		t.Errorf("%d lines, the last is %q", len(all), last)
	}
}
