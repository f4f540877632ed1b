package server

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Clients that people use. They say their requests in their own ways, and are
// strict about other things than the requirements' tests.

var (
	smallUpload = pattern(600 << 10) // below MaxBody
	largeUpload = pattern(4 << 20)   // above
)

// onLoops runs a test on a server of each of these loops. Without a dir it serves
// the visitor's page.
func onLoops(t *testing.T, loops []Loop, dir string, test func(t *testing.T, s *served)) {
	t.Helper()
	for _, loop := range loops {
		t.Run(string(loop), func(t *testing.T) {
			c := Config{Loop: loop, Listing: true}
			if dir != "" {
				c.Root = root(t, dir)
			}
			test(t, serve(t, dir, c))
		})
	}
}

// need ends a test that cannot run here. CI has everything, so there it fails.
func need(t *testing.T, there bool, what string) {
	t.Helper()
	switch {
	case there:
	case os.Getenv("CI") == "true":
		t.Fatal("missing, and CI must have it: " + what)
	default:
		t.Skip("missing: " + what)
	}
}

// needTool is the path of a program that a test needs.
func needTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name) // not in every user's PATH
	}
	need(t, err == nil, name)
	return path
}

// program is a program with nothing of the user's settings. It is killed when the
// test's patience ends.
func program(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience) // it may be needed by what follows the test
	t.Cleanup(cancel)
	home := t.TempDir()
	cmd := exec.CommandContext(ctx, needTool(t, name), args...)
	cmd.Dir = home
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "LC_ALL=C.UTF-8"}
	return cmd
}

// runs is what a program writes. It has to end with exit code 0.
func runs(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := program(t, name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func (s *served) url(path string) string { return "http://" + s.addr.String() + path }

// accepted is how many connections the server has had.
func (s *served) accepted() (n int64) {
	for _, l := range s.Stats() {
		n += l.Accepted
	}
	return n
}

// eventually waits for a state.
func eventually(t *testing.T, what string, there func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !there(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// fill writes files with these contents.
func fill(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(content), 0o644))
	}
}

func holdsFile(t *testing.T, path, content string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || string(b) != content {
		t.Errorf("%s: %v; %d bytes, not the %d that are served", path, err, len(b), len(content))
	}
}

// wget mirrors a directory from its listings, goes on with a broken download, and
// asks whether a file is newer than its own.
func TestWget(t *testing.T) {
	site := t.TempDir()
	files := map[string]string{
		"a.txt": "a", "empty": "", "large.bin": large, "with space.txt": "space", "100%.txt": "percent", "what?.txt": "mark",
		"a&b;c#d.txt": "signs", "grüße/naïve.txt": "umlaut", "deep/er/deepest.txt": kilo, "<i>.txt": "tag", "a:b.txt": "colon",
		"robots.txt": "", // wget asks for it first, and does not keep a connection with a long 404 on it
	}
	fill(t, site, files)
	wget := func(t *testing.T, into string, args ...string) string {
		t.Helper()
		return runs(t, "wget", append([]string{"--no-config", "--no-proxy", "--tries=1", "--timeout=8", "-P", into}, args...)...)
	}
	onLoops(t, loops, site, func(t *testing.T, s *served) {
		for _, accept := range []string{"*/*", "text/html"} { // wget says the first
			t.Run("mirror of "+accept, func(t *testing.T) {
				into, before := t.TempDir(), s.accepted()
				wget(t, into, "-q", "-r", "-np", "-nH", "-l", "inf", "--header", "Accept: "+accept, s.url("/"))
				for name, content := range files {
					holdsFile(t, filepath.Join(into, name), content)
				}
				if n := s.accepted() - before; n != 1 {
					t.Errorf("a mirror over %d connections, not over one that is kept", n)
				}
			})
		}

		into := t.TempDir()
		fill(t, into, map[string]string{"large.bin": large[:12345]})
		if out := wget(t, into, "-c", s.url("/large.bin")); !strings.Contains(out, "206 Partial Content") {
			t.Errorf("wget -c: %s", out)
		}
		if out := wget(t, into, "-c", s.url("/large.bin")); !strings.Contains(out, "already fully retrieved") {
			t.Errorf("wget -c of what is whole: %s", out)
		}
		holdsFile(t, filepath.Join(into, "large.bin"), large)
		wget(t, into, "-N", s.url("/a.txt"))
		if out := wget(t, into, "-N", s.url("/a.txt")); !strings.Contains(out, "304 Not Modified") {
			t.Errorf("wget -N: %s", out)
		}
	})
}

// ab speaks HTTP/1.0, with a connection for each request or, by -k, kept ones.
func TestAB(t *testing.T) {
	dir := documents(t)
	onLoops(t, loops, dir, func(t *testing.T, s *served) {
		kept := "32"
		if s.config.Loop == Iterative {
			kept = "1" // a second connection would wait for the end of the first
		}
		for _, args := range [][]string{
			{"-n", "2000", "-c", "32", s.url("/hello.txt")},
			{"-n", "4000", "-c", kept, "-k", s.url("/hello.txt")},
			{"-n", "300", "-c", kept, "-k", s.url("/large.bin")},
			{"-n", "300", "-c", kept, "-k", "-i", s.url("/kilo.bin")},
		} {
			out := runs(t, "ab", append([]string{"-q", "-s", "8"}, args...)...)
			says(t, out, `Complete requests: +`+args[1]+`\n`, `Failed requests: +0\n`)
			saysNot(t, out, "Non-2xx", "Write errors", "Exceptions")
			if args[4] == "-k" {
				says(t, out, `Keep-Alive requests: +`+args[1]+`\n`)
			}
		}
	})
}

func TestWrk(t *testing.T) {
	dir := documents(t)
	onLoops(t, loops, dir, func(t *testing.T, s *served) {
		connections := "32"
		if s.config.Loop == Iterative {
			connections = "1"
		}
		out := runs(t, "wrk", "-t1", "-c", connections, "-d1s", "--timeout", "8s", s.url("/hello.txt"))
		says(t, out, `[1-9]\d* requests in `)
		saysNot(t, out, "Socket errors", "Non-2xx")
	})
}

func says(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(out) {
			t.Errorf("it does not say %q:\n%s", p, out)
		}
	}
}

func saysNot(t *testing.T, out string, phrases ...string) {
	t.Helper()
	for _, p := range phrases {
		if strings.Contains(out, p) {
			t.Errorf("it says %q:\n%s", p, out)
		}
	}
}
