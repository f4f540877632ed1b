package server

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A browser keeps no file without asking again, whichever answer it got, and guesses
// no type: what it is told of a file it is told of each answer that carries it.
func TestFilesAreAskedForAgain(t *testing.T) {
	l := launch(t, "tcp", Config{Root: root(t, documents(t)), Quiet: true})
	c := l.client(t)
	ask := func(path string, fields ...string) *response {
		c.send(t, get(path, fields...))
		r, err := c.answer()
		must(t, err)
		return r
	}
	for _, path := range []string{"/hello.txt", "/large.bin"} {
		tag := ask(path).get("ETag")
		for status, fields := range map[int][]string{200: nil, 206: {"Range: bytes=1-2"}, 304: {"If-None-Match: " + tag}} {
			r := ask(path, fields...)
			if r.status != status || r.get("Cache-Control") != "no-cache" || status != 304 && r.get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%q", r.raw)
			}
		}
	}
}

// A query is not used, so it may be anything that a line of a request can hold.
func TestQueriesAreNotUsed(t *testing.T) {
	l := launch(t, "tcp", Config{Root: root(t, documents(t)), Quiet: true})
	c := l.client(t)
	for _, query := range []string{"100%&x", "%", "%%", "%zz?%"} {
		c.gets(t, "/hello.txt?"+query, hello)
	}
	c.send(t, get("/dir?100%"))
	if r, err := c.answer(); err != nil || !strings.HasSuffix(r.get("Location"), "/dir/?100%") {
		t.Errorf("%v %q", err, r.raw)
	}
}

// Who asks a root that is gone is told so, and so is who watches.
func TestARootThatIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	must(t, os.Mkdir(dir, 0o755))
	l := launch(t, "tcp", Config{Root: root(t, dir), Listing: true})
	c := l.client(t)
	must(t, os.Rename(dir, dir+"-old"))
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "new"), nil, 0o644))
	c.send(t, get("/new"))
	if r, err := c.answer(); err != nil || r.status != 404 || !strings.Contains(r.body, "nother directory has") || strings.Contains(r.body, "site") {
		t.Errorf("%v: %s", err, r.body)
	}
	eventually(t, "it to be told", func() bool {
		told := l.told(Gone)
		return len(told) > 0 && strings.Contains(told[0].Why, "another directory has taken the name")
	})
	l.watchRoot()
	if n := len(l.told(Gone)); n != 1 {
		t.Errorf("it was told %d times", n)
	}
}

// The log has the line of a request as it came, also of one that nobody understands.
func TestLogOfWhatIsNotUnderstood(t *testing.T) {
	log := &journal{}
	l := launch(t, "tcp", Config{Root: root(t, documents(t)), Log: log, Quiet: true})
	for _, line := range []string{"hello", "GET", "GET /a b HTTP/1.1", "GET / HTTP/1.1 x", "get \x1b[31m\"", "GET /%zz HTTP/1.1"} {
		c := l.client(t)
		c.send(t, "\r\n"+line+"\r\nHost: a\r\n\r\n")
		if r, err := c.answer(); err != nil || r.status != 400 {
			t.Errorf("%q: %v %q", line, err, r.raw)
		}
		c.Close()
	}
	l.end(t)
	var got []string
	for _, line := range log.lines() {
		got = append(got, strings.Split(line, `"`)[1])
	}
	want := []string{`hello`, `GET`, `GET /a b HTTP/1.1`, `GET / HTTP/1.1 x`, `get \x1b[31m\x22`, `GET /%zz HTTP/1.1`}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
