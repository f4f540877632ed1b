package server

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Many connections have something to do at once, so their answers are put off and
// sent together: those of a request alone, of many behind each other, of one that
// is cut in the middle, of the last one, and of more than the send buffer takes.
func TestAnswersThatArePutOff(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	l := launch(t, "tcp", Config{Loop: Epoll, Root: root(t, dir), MaxConnections: 500, Quiet: true})
	const deep = 300
	kinds := []struct {
		first, then string
		answers     int
		closes      bool
	}{
		{get("/hello.txt"), "", 1, false},
		{strings.Repeat(get("/kilo.bin"), deep), "", deep, false},
		{get("/hello.txt") + "GET /hello", ".txt HTTP/1.1\r\nHost: x\r\n\r\n", 2, false},
		{get("/hello.txt") + get("/hello.txt", "Connection: close"), "", 2, true},
		{strings.Repeat(get("/large.bin"), 20) + get("/hello.txt"), "", 21, false},
		{"POST /hello.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab" + get("/nothing"), "", 2, false},
	}
	for range 2 {
		var clients []*client
		for range 4 * len(kinds) {
			clients = append(clients, l.client(t))
		}
		for i, c := range clients {
			c.send(t, kinds[i%len(kinds)].first)
		}
		for i, c := range clients {
			kind := kinds[i%len(kinds)]
			if kind.then != "" {
				c.send(t, kind.then)
			}
			if err := c.reads(kind.answers, kind.closes); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
			if !kind.closes {
				c.gets(t, "/kilo.bin", kilo)
			}
			c.Close()
		}
	}
	until(t, "all to be gone", func() bool { return l.open() == 0 })
	l.end(t)
}

// The answers that were put off do not fit into the send buffer. What is left of
// them stays each client's own.
func TestAnswersThatArePutOffAndDoNotFit(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	other := strings.ToUpper(kilo)
	must(t, os.WriteFile(filepath.Join(dir, "other.bin"), []byte(other), 0o600))
	l := listening(t, "tcp", Config{Loop: Epoll, Root: root(t, dir), MaxConnections: 500, Quiet: true, Timeouts: Timeouts{Write: 2 * long}})
	for _, fd := range l.config.Listeners {
		must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4<<10))
	}
	l.listen()
	const requests = 16
	paths, contents := []string{"/kilo.bin", "/other.bin"}, []string{kilo, other}
	var clients []*client
	for i := range 20 { // all of them are there before the server runs
		c := l.client(t)
		must(t, c.Conn.(*net.TCPConn).SetReadBuffer(4<<10))
		c.send(t, strings.Repeat(get(paths[i%2]), requests))
		clients = append(clients, c)
	}
	l.start()
	for i, c := range clients {
		for n := range requests {
			r, err := c.answer()
			must(t, err)
			if r.status != 200 || r.body != contents[i%2] {
				t.Fatalf("client %d, answer %d: %q %.60q", i, n, r.raw, r.body)
			}
		}
		c.Close()
	}
	until(t, "all to be gone", func() bool { return l.open() == 0 })
	l.end(t)
}

// reads takes so many answers, each of them one that may come here, and then
// perhaps the end.
func (c *client) reads(answers int, closes bool) error {
	for n := range answers {
		r, err := c.answer()
		if err != nil {
			return fmt.Errorf("answer %d: %w", n, err)
		}
		if right := r.status == 200 && (r.body == hello || r.body == kilo || r.body == large) || r.status == 405 || r.status == 404; !right {
			return fmt.Errorf("answer %d: %q %.60q", n, r.raw, r.body)
		}
	}
	if closes {
		return ended(c.in)
	}
	return nil
}
