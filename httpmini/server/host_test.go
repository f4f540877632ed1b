package server

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A server on a loopback address gives nothing to a page whose name was rebound to it.
func TestRebinding(t *testing.T) {
	dir := documents(t)
	for _, network := range []string{"tcp", "tcp6"} {
		l := launch(t, network, Config{Root: root(t, dir), Quiet: true})
		c := l.client(t)
		for host, status := range map[string]int{
			"localhost": 200, "localhost:8080": 200, "127.0.0.1:1": 200, "[::1]:80": 200, "10.1.2.3": 200, "a": 200, "LOCALHOST.": 200,
			"app.localhost": 200, "evil.example": 421, "evil.example:80": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421,
			ownName(): 200,
		} {
			for range 2 {
				for _, request := range []string{"GET /hello.txt HTTP/1.1\r\nHost: " + host, "GET http://" + host + "/hello.txt HTTP/1.1\r\nHost: a"} {
					c.send(t, request+"\r\n\r\n")
					if r, err := c.answer(); err != nil || r.status != status {
						t.Errorf("%q: %v, %q", request, err, r.raw)
					}
				}
			}
		}
		c.send(t, "GET /hello.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		if r, err := c.answer(); err != nil || r.status != 200 {
			t.Errorf("without a Host: %v", err)
		}
	}
	l := launch(t, "unix", Config{Root: root(t, dir), Quiet: true})
	c := l.client(t)
	c.send(t, "GET /hello.txt HTTP/1.1\r\nHost: some.example\r\n\r\n")
	if r, err := c.answer(); err != nil || r.status != 200 {
		t.Errorf("a Unix socket has no address: %v", err)
	}
}

// Who listens on every address is reached by every name.
func TestOnLoopback(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Bind(fd, &unix.SockaddrInet4{}))
	if onLoopback([]int{fd}) {
		t.Error("0.0.0.0 counts as loopback")
	}
}
