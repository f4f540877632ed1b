package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A serving is fd3 serve on a unix socket, and what it writes.
type serving struct {
	t    *testing.T
	cmd  *exec.Cmd
	path string
	out  bytes.Buffer
}

func serve(t *testing.T) *serving {
	t.Helper()
	p := in(t)
	s := &serving{t: t, path: filepath.Join(p.base, "serve")}
	s.cmd = p.fd3("serve", "--addr", "unix:"+s.path, "--json")
	s.cmd.Stdout, s.cmd.Stderr = &s.out, os.Stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill() })
	until(t, "the server to listen", func() bool {
		c, err := net.Dial("unix", s.path)
		if err == nil {
			c.Close() // a client that says nothing and goes: one of the articles' servers crashes here
		}
		return err == nil
	})
	return s
}

func (s *serving) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("unix", s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	s.t.Cleanup(func() { c.Close() })
	return c
}

// ends interrupts the server as Ctrl-C does, and expects it to leave in order.
func (s *serving) ends() {
	s.t.Helper()
	s.cmd.Process.Signal(os.Interrupt)
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("fd3 serve: %v", err)
	}
	if _, err := os.Lstat(s.path); err == nil {
		s.t.Error("the socket file is left")
	}
	if !strings.Contains(s.out.String(), `"strace":"close(3) = 0"`) {
		s.t.Error("the listener was not closed")
	}
}

func TestServeAnswers(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, c := range []struct {
		pieces []string // of the request, each in a send of its own
		status int
		body   string // empty: none
	}{
		{[]string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"}, 200, "file descriptor 4"},
		{[]string{"GE", "T / HTTP/1.1\r\nHo", "st: a\r\n\r", "\n"}, 200, "file descriptor 4"},
		{[]string{"GET / HTTP/1.0\r\n\r\n"}, 200, "file descriptor 4"},
		{[]string{"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"}, 200, ""},
		{[]string{"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"}, 404, "/x"},
		{[]string{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"}, 501, "GET"},
		{[]string{"GET / HTTP/1.1\r\n\r\n"}, 400, "Host"},
		{[]string{"GET / HTTP/2.0\r\n\r\n"}, 505, "HTTP"},
		{[]string{"\x16\x03\x01"}, 400, "TLS"},
	} {
		conn := s.dial()
		for _, piece := range c.pieces {
			if _, err := io.WriteString(conn, piece); err != nil {
				t.Fatal(err)
			}
		}
		method := "GET"
		if strings.HasPrefix(c.pieces[0], "HEAD") {
			method = "HEAD"
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%q: %v", c.pieces, err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(body), c.body) || (c.body == "") != (len(body) == 0) {
			t.Errorf("%q: %s %q %v", c.pieces, resp.Status, body, err)
		}
		conn.Close()
	}
	s.ends()
}

// Ctrl-C ends the server also while a client is connected and says nothing.
func TestServeEndsWithAnIdleClient(t *testing.T) {
	t.Parallel()
	s := serve(t)
	conn := s.dial()
	if _, err := io.WriteString(conn, "GET"); err != nil {
		t.Fatal(err)
	}
	s.ends()
}
