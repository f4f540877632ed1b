package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is served is what the disk has when the request comes: on every kept
// connection, whichever loop it belongs to, at once.
func TestEveryLoopServesWhatTheDiskHas(t *testing.T) {
	for _, size := range []int{100, 100 << 10} {
		sideBySide(t, []Loop{Threads, Epoll}, func(t *testing.T, network string, loop Loop) {
			dir := t.TempDir()
			file := filepath.Join(dir, "f")
			fill := func(letter string, size int) {
				must(t, os.WriteFile(file, []byte(strings.Repeat(letter, size)), 0o644))
			}
			fill("a", size)
			l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Quiet: true})
			var clients []*client
			for range 8 { // the kernel spreads them over both loops
				clients = append(clients, l.client(t))
			}
			ask := func(c *client, fields ...string) *response {
				c.send(t, get("/f", fields...))
				r, err := c.answer()
				must(t, err)
				return r
			}
			until(t, "the tag to be strong", func() bool { return strings.HasPrefix(ask(clients[0]).get("ETag"), `"`) })
			tag := ask(clients[0]).get("ETag")
			for _, c := range clients {
				if r := ask(c, "If-None-Match: "+tag); r.status != 304 {
					t.Errorf("%q", r.raw)
				}
				if r := ask(c, "If-Range: "+tag, "Range: bytes=1-2"); r.status != 206 || r.body != "aa" {
					t.Errorf("%q", r.raw)
				}
			}
			fill("b", size) // in place, and as long as before
			for _, c := range clients {
				if r := ask(c, "If-Range: "+tag, "Range: bytes=1-2"); r.status != 200 || r.body != strings.Repeat("b", size) || r.get("ETag") == tag {
					t.Errorf("%q", r.raw)
				}
				if r := ask(c, "If-None-Match: "+tag); r.status != 200 {
					t.Errorf("%q", r.raw)
				}
			}
			must(t, os.Truncate(file, 10))
			for _, c := range clients {
				if r := ask(c); r.status != 200 || r.body != strings.Repeat("b", 10) {
					t.Errorf("%q", r.raw)
				}
			}
			must(t, os.Remove(file))
			for range 2 {
				for _, c := range clients {
					if r := ask(c); r.status != 404 {
						t.Errorf("%q", r.raw)
					}
				}
			}
			fill("c", size)
			for _, c := range clients {
				c.gets(t, "/f", strings.Repeat("c", size))
			}
		})
	}
}

// A file that is cut while it is sent cannot be sent as it was announced: the
// connection ends before that, and is not used again.
func TestCutWhileItIsSent(t *testing.T) {
	everywhere(t, []Loop{Iterative, Threads, Epoll}, func(t *testing.T, network string, loop Loop) {
		dir := t.TempDir()
		const size = 64 << 20
		sparse(t, dir, "f", size)
		l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Quiet: true})
		c := l.client(t)
		c.send(t, get("/f")+get("/f"))
		if _, err := c.in.Peek(1); err != nil {
			t.Fatal(err)
		}
		must(t, os.Truncate(filepath.Join(dir, "f"), 1000))
		r, err := c.answer()
		if err == nil {
			t.Errorf("%d of %d bytes are told as whole", len(r.body), size)
		}
		if n, err := c.in.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Error("the connection goes on")
		}
	})
}
