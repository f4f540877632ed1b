package docroot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/sockets"
)

// later is a clock by which every file has settled.
func later() time.Time { return time.Now().Add(time.Hour) }

// cache makes a Cache of a directory in which every file has settled.
func cache(t testing.TB, dir string) *Cache {
	t.Helper()
	r := open(t, dir)
	r.clock = later
	c := NewCache(r)
	t.Cleanup(c.Close)
	return c
}

// get opens a path that must be there.
func get(t testing.TB, c *Cache, path string, now time.Duration) *Entry {
	t.Helper()
	e, err := c.Open(nil, []byte(path), now)
	try(t, err)
	return e
}

func large(fill string) string { return strings.Repeat(fill, (maxContent+len(fill))/len(fill)) }

// text is the content of an Entry, from memory or from the file.
func text(t testing.TB, e *Entry) string {
	t.Helper()
	if e.Content != nil {
		return string(e.Content)
	}
	return content(t, e.File)
}

func TestCachePaths(t *testing.T) {
	noneLeft(t)
	site := tree(t)
	write(t, site+"/50% off.txt", "escaped")
	write(t, site+"/large", large("x"))
	write(t, site+"/nothing-in-it", "")
	c := cache(t, site)
	for _, x := range []struct {
		path, content, media string
	}{
		{"/a.txt", "site/a.txt", "text/plain; charset=utf-8"},
		{"//a.txt", "site/a.txt", "text/plain; charset=utf-8"},
		{"/%61.txt", "site/a.txt", "text/plain; charset=utf-8"},
		{"/50%25%20off.txt", "escaped", "text/plain; charset=utf-8"},
		{"/", "site/index.html", "text/html; charset=utf-8"},
		{"", "site/index.html", "text/html; charset=utf-8"},
		{"/sub/", "site/sub/index.html", "text/html; charset=utf-8"},
		{"/sub/..//", "site/index.html", "text/html; charset=utf-8"},
		{"/to-sub/b.css", "site/sub/b.css", "text/css; charset=utf-8"},
		{"/large", large("x"), "application/octet-stream"},
		{"/nothing-in-it", "", "application/octet-stream"},
	} {
		for range 2 {
			e := get(t, c, x.path, 0)
			f := e.File
			if text(t, e) != x.content || f.Size != int64(len(x.content)) || e.MediaType != x.media || f.IsDir {
				t.Errorf("%s: %d bytes, %s", x.path, f.Size, e.MediaType)
			}
			if kept := len(x.content) <= maxContent; kept != (e.Content != nil) || kept != (f.FD == -1) {
				t.Errorf("%s: descriptor %d, content %v", x.path, f.FD, e.Content != nil)
			}
			if f.ETag[0] != '"' || f.ModTime.After(time.Now()) {
				t.Errorf("%s: tag %s, changed %s", x.path, f.ETag, f.ModTime)
			}
			if f.settled && c.Fresh(nil, []byte(x.path), 0) != e {
				t.Errorf("%s is not kept", x.path)
			}
			e.Close()
		}
	}
	for _, path := range []string{"/sub", "/to-sub", "/.", "/empty", "/empty/", "/dir-index/", "/sub/deep/"} {
		e := get(t, c, path, 0)
		if !e.File.IsDir || e.File.FD != -1 || e.Content != nil || c.Fresh(nil, []byte(path), 0) != nil {
			t.Errorf("%s: %+v", path, e)
		}
		if _, _, err := entries(e.File, 10); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		e.Close()
	}
	for path, want := range map[string]int{
		"/nothing": 404, "/nothing/": 404, "/a.txt/": 404, "/../secret": 403, "/%2e%2e/secret": 403, "/out-dir/": 403,
		"/fifo": 403, "/fifo-index/": 403, "/loop": 404,
	} {
		if _, err := c.Open(nil, []byte(path), 0); status(t, err) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	var bad *httpmini.BadError
	for path, want := range map[string]int{"/.dot": 404, "/a%00": 400, "/%zz": 400, "/a%2fb": 404} {
		if _, err := c.Open(nil, []byte(path), 0); !errors.As(err, &bad) || bad.Status != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// What happens to a file is seen by the next request, and by every Cache.
func TestChangesAreSeen(t *testing.T) {
	const path = "f.txt"
	for _, size := range []string{"small", "large"} {
		first, second := "first content\n", "other content\n"
		if size == "large" {
			first, second = large(first), large(second)
		}
		for _, change := range []struct {
			name   string
			do     func(t *testing.T, file string)
			status int
			text   string
		}{
			{"rewritten", func(t *testing.T, file string) { write(t, file, second) }, 200, second},
			{"replaced", func(t *testing.T, file string) {
				write(t, file+"-new", second)
				try(t, os.Rename(file+"-new", file))
			}, 200, second},
			{"replaced by the same", func(t *testing.T, file string) {
				write(t, file+"-new", first)
				try(t, os.Rename(file+"-new", file))
			}, 200, first},
			{"touched", func(t *testing.T, file string) { try(t, os.Chtimes(file, time.Now(), time.Now())) }, 200, first},
			{"truncated", func(t *testing.T, file string) { try(t, os.Truncate(file, 3)) }, 200, first[:3]},
			{"emptied", func(t *testing.T, file string) { try(t, os.Truncate(file, 0)) }, 200, ""},
			{"grown", func(t *testing.T, file string) { write(t, file, large(second)+"more") }, 200, large(second) + "more"},
			{"removed", func(t *testing.T, file string) { try(t, os.Remove(file)) }, 404, ""},
			{"renamed", func(t *testing.T, file string) { try(t, os.Rename(file, file+"-old")) }, 404, ""},
			{"a directory now", func(t *testing.T, file string) {
				try(t, os.Remove(file))
				try(t, os.Mkdir(file, 0o755))
			}, 200, "directory"},
			{"a FIFO now", func(t *testing.T, file string) {
				try(t, os.Remove(file))
				try(t, unix.Mkfifo(file, 0o644))
			}, 403, ""},
			{"outside now", func(t *testing.T, file string) {
				try(t, os.Remove(file))
				try(t, os.Symlink("/etc/passwd", file))
			}, 403, ""},
			{"the same size and mtime put back", func(t *testing.T, file string) {
				st, err := os.Stat(file)
				try(t, err)
				write(t, file, second)
				try(t, os.Chtimes(file, st.ModTime(), st.ModTime()))
			}, 200, second},
		} {
			t.Run(size+" "+change.name, func(t *testing.T) {
				noneLeft(t)
				dir := t.TempDir()
				write(t, dir+"/"+path, first)
				c, other := cache(t, dir), cache(t, dir)
				before := get(t, c, "/"+path, 0)
				defer before.Close()
				get(t, other, "/"+path, 0).Close()
				if c.Fresh(nil, []byte("/"+path), 0) != before {
					t.Error("it is not kept")
				}
				change.do(t, dir+"/"+path)

				if c.Fresh(nil, []byte("/"+path), 0) != nil || other.Fresh(nil, []byte("/"+path), 0) != nil {
					t.Error("it counts as unchanged")
				}
				if before.Content != nil && string(before.Content) != first {
					t.Error("the bytes that were kept have changed")
				}
				e, err := c.Open(nil, []byte("/"+path), 0)
				if status(t, err) != change.status {
					t.Fatalf("%v", err)
				}
				if err != nil {
					if len(c.ring) != 0 || c.bytes != 0 || c.open != 0 {
						t.Errorf("%d entries are left, with %d bytes", len(c.ring), c.bytes)
					}
					return
				}
				defer e.Close()
				if e.File.IsDir {
					if change.text != "directory" {
						t.Error("it is a directory")
					}
					return
				}
				if text(t, e) != change.text || e == before || e.File.ETag == before.File.ETag {
					t.Errorf("%d bytes, %s, before %s", e.File.Size, e.File.ETag, before.File.ETag)
				}
			})
		}
	}
}

// A file that stays the same is read once, and its name is looked up for each request.
// In a folder, or behind a link, that takes openat2(2).
func TestUnchanged(t *testing.T) {
	noneLeft(t)
	for _, x := range []struct{ path, calls string }{
		{"/", "newfstatat"},
		{"//index.html", "newfstatat"},
		{"/sub/", "openat2 fstat close"},
		{"/link", "newfstatat openat2 fstat close"},
		{"/large", "newfstatat"},
	} {
		dir := t.TempDir()
		write(t, dir+"/index.html", "small")
		write(t, dir+"/large", large("large"))
		write(t, dir+"/sub/index.html", "small")
		try(t, os.Symlink("index.html", dir+"/link"))
		c := cache(t, dir)
		path := []byte(x.path)
		first := get(t, c, x.path, 0)
		var calls []string
		tr := &sockets.Tracer{Observe: func(c sockets.Call) {
			if c.Returned {
				calls = append(calls, c.Name)
			}
		}}
		for range 4 {
			if c.Fresh(nil, path, 0) != first {
				t.Errorf("%s: it is not fresh", path)
			}
			e, err := c.Open(tr, path, 0)
			try(t, err)
			if e != first {
				t.Errorf("%s: it is another", path)
			}
			e.Close()
		}
		first.Close()
		if got, want := strings.Join(calls, " ")+" ", strings.Repeat(x.calls+" ", 4); got != want {
			t.Errorf("%s: the calls were %s", path, got)
		}
	}
}

// A folder that was moved out of the root is not reached through a link in its place,
// although the file in it has not changed.
func TestAFolderMovedOut(t *testing.T) {
	noneLeft(t)
	top := t.TempDir()
	write(t, top+"/site/sub/f", "f")
	c := cache(t, top+"/site")
	get(t, c, "/sub/f", 0).Close()
	try(t, os.Rename(top+"/site/sub", top+"/outside"))
	try(t, os.Symlink("../outside", top+"/site/sub"))
	if e := c.Fresh(nil, []byte("/sub/f"), 0); e != nil {
		t.Errorf("%q", e.Content)
	}
	if _, err := c.Open(nil, []byte("/sub/f"), 0); status(t, err) != 403 {
		t.Errorf("%v", err)
	}
}

// proc(5) says that its files have no bytes. Their content is read for each request,
// and nothing tells one from another.
func TestNoSize(t *testing.T) {
	noneLeft(t)
	want, err := os.ReadFile("/proc/version")
	need(t, err == nil, "/proc/version")
	c := cache(t, "/proc")
	e := get(t, c, "/version", 0)
	if string(e.Content) != string(want) || e.File.Size != int64(len(want)) || e.File.ETag != "" || len(c.ring) != 0 {
		t.Errorf("%q, %d bytes, tag %s, kept %d", e.Content, e.File.Size, e.File.ETag, len(c.ring))
	}
	e.Close()
	if _, err := os.Stat("/proc/kallsyms"); err == nil {
		if _, err := c.Open(nil, []byte("/kallsyms"), 0); status(t, err) != 500 {
			t.Errorf("%v", err)
		}
	}
}

// A file that was changed a moment ago may change again without a trace, so it is
// read anew, and its entity tag is weak, until it has settled.
func TestUnsettled(t *testing.T) {
	noneLeft(t)
	dir := t.TempDir()
	write(t, dir+"/f", "f")
	write(t, dir+"/large", large("f"))
	c := cache(t, dir)
	for _, path := range []string{"/f", "/large"} {
		c.root.clock = time.Now
		a := get(t, c, path, 0)
		b := get(t, c, path, 0)
		c.root.clock = later
		settled := get(t, c, path, 0)
		same := get(t, c, path, 0)
		if a == b || b == settled || settled != same {
			t.Errorf("%s: %p %p %p %p", path, a, b, settled, same)
		}
		if a.File.ETag != b.File.ETag || a.File.ETag != "W/"+settled.File.ETag {
			t.Errorf("%s: %s, %s, %s", path, a.File.ETag, b.File.ETag, settled.File.ETag)
		}
		for _, e := range []*Entry{a, b, settled, same} {
			e.Close()
		}
	}
	// A clock that is behind the file's proves nothing.
	c.root.clock = func() time.Time { return time.Now().Add(-time.Hour) }
	write(t, dir+"/f", "g")
	e := get(t, c, "/f", 0)
	if e.File.ETag[:2] != "W/" {
		t.Errorf("from the future: %s", e.File.ETag)
	}
	e.Close()
}

// A file that changes while it is read is read again; if it goes on, it is given
// open, and not kept.
func TestChangesWhileItIsRead(t *testing.T) {
	noneLeft(t)
	site := tree(t)
	c := cache(t, site)
	changes := 0
	tr := &sockets.Tracer{Observe: func(call sockets.Call) {
		if call.Returned && call.Name == "pread64" && changes > 0 {
			changes--
			write(t, site+"/a.txt", fmt.Sprintf("%010d", changes))
			when := time.Unix(int64(changes), 0) // an old kernel's time stamps are too coarse
			try(t, os.Chtimes(site+"/a.txt", when, when))
		}
	}}
	changes = 2
	e, err := c.Open(tr, []byte("/a.txt"), 0)
	try(t, err)
	if string(e.Content) != "0000000000" || c.Fresh(nil, []byte("/a.txt"), 0) != e {
		t.Errorf("%q", e.Content)
	}
	e.Close()

	changes = 1000
	write(t, site+"/a.txt", "and again.")
	e, err = c.Open(tr, []byte("/a.txt"), 0)
	try(t, err)
	if e.Content != nil || e.File.FD < 0 || len(c.ring) != 0 || content(t, e.File) != "0000000997" {
		t.Errorf("%q, descriptor %d, kept %d", e.Content, e.File.FD, len(c.ring))
	}
	e.Close()

	// It grows beyond what is kept.
	changes = 0
	tr.Observe = func(call sockets.Call) {
		if call.Returned && call.Name == "pread64" {
			write(t, site+"/a.txt", large("y"))
		}
	}
	e, err = c.Open(tr, []byte("/a.txt"), 0)
	try(t, err)
	if e.Content != nil || text(t, e) != large("y") || e.File.Size != int64(len(large("y"))) {
		t.Errorf("%d bytes", e.File.Size)
	}
	e.Close()

	// It ends before its size.
	size := 0
	tr.Observe = func(call sockets.Call) {
		if !call.Returned && call.Name == "pread64" && size == 0 {
			size = 5
			try(t, os.Truncate(site+"/sub/b.css", 5))
		}
	}
	e, err = c.Open(tr, []byte("/sub/b.css"), 0)
	try(t, err)
	if string(e.Content) != "site/" || e.File.Size != 5 {
		t.Errorf("%q", e.Content)
	}
	e.Close()
}

// In sysfs(5) a file says that it has 4096 bytes and has fewer.
func TestShorterThanItSays(t *testing.T) {
	noneLeft(t)
	const dir, name = "/sys/kernel/mm/transparent_hugepage", "enabled"
	want, err := os.ReadFile(filepath.Join(dir, name))
	need(t, err == nil, dir)
	e := get(t, cache(t, dir), "/"+name, 0)
	if string(e.Content) != string(want) || e.File.Size != int64(len(want)) {
		t.Errorf("%q", e.Content)
	}
	e.Close()
}

// What is in use stays open when the cache lets it go.
func TestInUse(t *testing.T) {
	noneLeft(t)
	dir := t.TempDir()
	write(t, dir+"/f", large("old"))
	c := cache(t, dir)
	e := get(t, c, "/f", 0)
	sending := e.File.Retain()
	e.Close()
	write(t, dir+"/new", large("new"))
	try(t, os.Rename(dir+"/new", dir+"/f"))
	now := get(t, c, "/f", 0)
	if now.File.FD == sending.FD || content(t, sending) != large("old") || content(t, now.File) != large("new") {
		t.Error("the file that is being sent has changed")
	}
	c.Close()
	if content(t, sending) != large("old") || content(t, now.File) != large("new") {
		t.Error("closed too soon")
	}
	now.Close()
	fd := sending.FD
	sending.Close()
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("the last holder has closed it, and it is open: %v", err)
	}
}

// The cache is bounded in entries, bytes and descriptors.
func TestBounds(t *testing.T) {
	noneLeft(t)
	dir := t.TempDir()
	write(t, dir+"/small", "s")
	write(t, dir+"/64K", strings.Repeat("k", maxContent))
	write(t, dir+"/large", large("l"))
	fd := descriptors(t)
	c := cache(t, dir)
	c.Prepare = func(e *Entry) { e.Answer = make([]byte, 1000) }
	visit := func(path string, n int, check func()) {
		for i := range n {
			get(t, c, strings.Repeat("/", i%200+1)+strings.Repeat("./", i/200)+path, time.Duration(i)).Close()
			check()
			if c.bytes > maxBytes || len(c.ring) > maxEntries || len(c.entries) != len(c.ring) || c.open > MaxOpen {
				t.Fatalf("%d bytes, %d and %d entries, %d open", c.bytes, len(c.ring), len(c.entries), c.open)
			}
		}
	}
	nothing := func() {}
	visit("small", 2*maxEntries, nothing)
	if len(c.ring) != maxEntries || c.bytes < maxEntries*1000 {
		t.Errorf("%d entries, %d bytes", len(c.ring), c.bytes)
	}
	visit("64K", 2*maxBytes/maxContent, nothing)
	if len(c.ring) < maxBytes/maxContent*9/10 {
		t.Errorf("%d entries", len(c.ring))
	}
	visit("small", 10, nothing)
	visit("large", 3*MaxOpen, func() {
		get(t, c, "/small", 0).Close()
	})
	if c.open != MaxOpen || descriptors(t) != fd+1+MaxOpen {
		t.Errorf("%d open, %d descriptors", c.open, descriptors(t)-fd)
	}
	// Enough for what was used in between to stay.
	if c.Fresh(nil, []byte("/small"), 0) == nil {
		t.Error("what was used all the time was let go")
	}
	before := len(c.ring)
	get(t, c, strings.Repeat("/", maxKey)+"small", 0).Close()
	if len(c.ring) != before {
		t.Error("a long path is kept")
	}
	c.Trim(idle - 1)
	if len(c.ring) == 0 {
		t.Error("trimmed too soon")
	}
	c.Trim(idle + time.Second)
	if len(c.ring) != 0 || c.bytes != 0 || c.open != 0 || len(c.entries) != 0 || descriptors(t) != fd+1 {
		t.Errorf("after Trim: %d entries, %d bytes, %d open, %d descriptors", len(c.ring), c.bytes, c.open, descriptors(t)-fd)
	}
}

// When there is no descriptor for a file, those that are kept are given up for it.
func TestDescriptorsAreGivenUp(t *testing.T) {
	noneLeft(t)
	site := tree(t)
	for i := range 5 {
		write(t, fmt.Sprint(site, "/large", i), large("x"))
	}
	c := cache(t, site)
	for i := range 5 {
		get(t, c, fmt.Sprint("/large", i), 0).Close()
	}
	get(t, c, "/", 0).Close()
	withDescriptors(t, 0, func() {
		e, err := c.Open(nil, []byte("/sub/"), 0)
		if err != nil {
			t.Fatal(err)
		}
		e.Close()
		if c.open != 0 {
			t.Errorf("%d are open", c.open)
		}
	})
	withDescriptors(t, 0, func() {
		if _, err := c.Open(nil, []byte("/large1"), 0); status(t, err) != 503 {
			t.Errorf("%v", err)
		}
		if e := get(t, c, "/", 0); string(e.Content) != "site/index.html" {
			t.Errorf("%q", e.Content)
		}
	})
}

// Prepare sees each Entry once, before others do, and its Answer is kept.
func TestPrepare(t *testing.T) {
	noneLeft(t)
	c := cache(t, tree(t))
	n := 0
	c.Prepare = func(e *Entry) {
		n++
		e.Answer = append([]byte(e.MediaType+"\n"), e.Content...)
		e.Content = e.Answer[len(e.MediaType)+1:]
	}
	for range 4 {
		e := get(t, c, "/a.txt", 0)
		if string(e.Answer) != "text/plain; charset=utf-8\nsite/a.txt" || string(e.Content) != "site/a.txt" {
			t.Errorf("%q", e.Answer)
		}
		e.Close()
	}
	get(t, c, "/sub", 0).Close()
	if n != 1 {
		t.Errorf("prepared %d times", n)
	}
}

// Several threads use one cache while files are replaced: each sees a whole file,
// and the one that it asked for.
func TestThreads(t *testing.T) {
	noneLeft(t)
	dir := t.TempDir()
	const files = MaxOpen + 8
	letter := func(i int) string { return string(rune('!' + i)) }
	fill := func(i, size int) {
		name := fmt.Sprintf("%s/%d", dir, i)
		write(t, name+"-new", strings.Repeat(letter(i), size))
		try(t, os.Rename(name+"-new", name))
	}
	for i := range files {
		fill(i, maxContent-4+i%8)
	}
	c := cache(t, dir)
	var threads sync.WaitGroup
	stop := make(chan struct{})
	threads.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				fill(n%files, maxContent-4+n%8)
			}
		}
	})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for n := range 3000 {
				i := n * 7 % files
				path := []byte(fmt.Sprint("/", i))
				now := time.Duration(n) * time.Millisecond
				if e := c.Fresh(nil, path, now); e != nil && e.Content != nil && string(e.Content[:1]) != letter(i) {
					t.Errorf("%s: %q", path, e.Content[:1])
				}
				e, err := c.Open(nil, path, now)
				if err != nil {
					t.Errorf("%s: %v", path, err)
					return
				}
				got := e.Content
				if got == nil {
					got = make([]byte, e.File.Size)
					m, err := unix.Pread(e.File.FD, got, 0)
					if err != nil || m != len(got) {
						t.Errorf("%s: %d bytes, %v", path, m, err)
					}
				}
				if strings.Trim(string(got), letter(i)) != "" || len(got) < maxContent-4 {
					t.Errorf("%s: %d bytes, %q", path, len(got), got[:1])
				}
				e.Close()
			}
		})
	}
	readers.Wait()
	close(stop)
	threads.Wait()
}

func TestHitAllocatesNothing(t *testing.T) {
	noneLeft(t)
	dir := t.TempDir()
	write(t, dir+"/small", "s")
	write(t, dir+"/large", large("l"))
	c := cache(t, dir)
	for _, path := range [][]byte{[]byte("/small"), []byte("/large")} {
		get(t, c, string(path), 0).Close()
		if n := testing.AllocsPerRun(100, func() {
			if c.Fresh(nil, path, 1) == nil {
				t.Error("not fresh")
			}
			e, _ := c.Open(nil, path, 1)
			e.File.Retain().Close()
			e.Close()
		}); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

func BenchmarkCache(b *testing.B) {
	dir := b.TempDir()
	write(b, dir+"/dir/small.html", strings.Repeat("s", 1024))
	write(b, dir+"/dir/large", large("l"))
	c := cache(b, dir)
	small, large := []byte("/dir/small.html"), []byte("/dir/large")
	now := time.Duration(0)
	get(b, c, string(small), 0).Close()
	get(b, c, string(large), 0).Close()
	b.Run("Fresh", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Fresh(nil, small, now)
		}
	})
	b.Run("Fresh, by all threads", func(b *testing.B) {
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				c.Fresh(nil, small, now)
			}
		})
	})
	b.Run("Open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e, _ := c.Open(nil, large, now)
			e.Close()
		}
	})
	b.Run("looked at again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e, _ := c.Open(nil, small, now)
			e.Close()
		}
	})
	b.Run("read anew", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Close()
			e, _ := c.Open(nil, small, now)
			e.Close()
		}
	})
	b.Run("read anew and told", func(b *testing.B) {
		tr := &sockets.Tracer{Observe: func(sockets.Call) {}}
		for b.Loop() {
			c.Close()
			e, _ := c.Open(tr, small, now)
			e.Close()
		}
	})
	b.Run("not there", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Open(nil, []byte("/dir/nothing.html"), now)
		}
	})
}
