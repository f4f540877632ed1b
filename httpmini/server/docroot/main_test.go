package docroot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

func TestMain(m *testing.M) {
	time.AfterFunc(0, func() {}) // the runtime's epoll and eventfd are there before anybody counts
	os.Exit(m.Run())
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

// noneLeft sees that a test closes what it opens.
func noneLeft(t *testing.T) {
	t.Helper()
	before := descriptors(t)
	t.Cleanup(func() {
		if after := descriptors(t); after != before {
			t.Errorf("%d descriptors before, %d after", before, after)
		}
	})
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// tree makes a directory with a site in "site", and beside it what nobody may
// see. Every file's content is its own path.
func tree(t testing.TB) (site string) {
	t.Helper()
	top := t.TempDir()
	for _, path := range []string{
		"site/index.html", "site/a.txt", "site/sub/index.html", "site/sub/b.css", "site/sub/deep/c",
		"site/empty/.hidden", "site/.dot", "outside/secret", "secret",
	} {
		write(t, filepath.Join(top, path), path)
	}
	site = top + "/site"
	for name, target := range map[string]string{
		"to-a":         "a.txt",
		"to-to-a":      "to-a",
		"sub/up":       "../a.txt",
		"to-sub":       "sub",
		"out":          "../secret",
		"out-dir":      "../outside",
		"out-absolute": top + "/secret",
		"in-absolute":  site + "/a.txt",
		"to-out":       "out",
		"loop":         "loop-2",
		"loop-2":       "loop",
		"nowhere":      "nothing",
		"magic":        "/proc/self/cwd",
	} {
		try(t, os.Symlink(target, filepath.Join(site, name)))
	}
	try(t, unix.Mkfifo(site+"/fifo", 0o644))
	try(t, os.Mkdir(site+"/fifo-index", 0o755))
	try(t, unix.Mkfifo(site+"/fifo-index/index.html", 0o644))
	try(t, os.MkdirAll(site+"/dir-index/index.html", 0o755))
	var s sockets.Tracer
	fd := int(s.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0).Ret)
	at, err := unix.Open(site, unix.O_PATH, 0) // sun_path is too short for many a TempDir
	try(t, err)
	try(t, s.Bind(fd, sockets.UnixSockaddr(fmt.Sprintf("/proc/self/fd/%d/socket", at))).Err())
	unix.Close(fd)
	unix.Close(at)
	return site
}

func write(t testing.TB, path, content string) {
	t.Helper()
	try(t, os.MkdirAll(filepath.Dir(path), 0o755))
	try(t, os.WriteFile(path, []byte(content), 0o644))
}

func try(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, dir string) *Root {
	t.Helper()
	r, err := Open(dir)
	try(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// ways are the same root with and without what a machine may lack.
func ways(t *testing.T, dir string, test func(t *testing.T, r *Root)) {
	for name, cripple := range map[string]func(*Root){
		"all":        func(*Root) {},
		"no openat2": func(r *Root) { r.walks = true },
	} {
		t.Run(name, func(t *testing.T) {
			noneLeft(t)
			r := open(t, dir)
			cripple(r)
			test(t, r)
		})
	}
}

// content is what an open File gives.
func content(t testing.TB, f *File) string {
	t.Helper()
	b := make([]byte, f.Size+10)
	n, err := unix.Pread(f.FD, b, 0)
	try(t, err)
	return string(b[:n])
}

// status is the status of an Error, or 200.
func status(t testing.TB, err error) int {
	t.Helper()
	if err == nil {
		return 200
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	if e.Why == "" || strings.HasSuffix(e.Why, ".") || strings.ToLower(e.Why[:1]) != e.Why[:1] && e.Why[0] != '"' {
		t.Errorf("the reason %q", e.Why)
	}
	return e.Status
}

// entries are up to so many names of a directory.
func entries(f *File, most int) (all []Dirent, truncated bool, err error) {
	l, err := NewCache(f.root).List(nil, f)
	if err != nil {
		return nil, false, err
	}
	defer l.Close(nil)
	for complete := false; !complete; {
		if complete, err = l.Read(nil); err != nil {
			return nil, false, err
		}
	}
	all, next := l.Rows(nil, 0, most)
	return all, next >= 0, nil
}
