package docroot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("n", 256)
	site := tree(t)
	ways(t, site, func(t *testing.T, r *Root) {
		for _, c := range []struct {
			name    string
			status  int
			errno   unix.Errno
			content string // of a file; empty for a directory
		}{
			{"", 200, 0, ""},
			{".", 200, 0, ""},
			{"/", 200, 0, ""},
			{"a.txt", 200, 0, "site/a.txt"},
			{"//a.txt", 200, 0, "site/a.txt"},
			{"./a.txt", 200, 0, "site/a.txt"},
			{"sub//./b.css", 200, 0, "site/sub/b.css"},
			{"sub", 200, 0, ""},
			{"sub/", 200, 0, ""},
			{"sub/deep/c", 200, 0, "site/sub/deep/c"},
			{"nothing", 404, unix.ENOENT, ""},
			{"nothing/", 404, unix.ENOENT, ""},
			{"a.txt/", 404, unix.ENOTDIR, ""},
			{"a.txt/b", 404, unix.ENOTDIR, ""},
			{"a.txt/.", 404, unix.ENOTDIR, ""},
			{long, 404, unix.ENAMETOOLONG, ""},
			{"sub/" + long, 404, unix.ENAMETOOLONG, ""},
			{"a.txt\x00.html", 400, 0, ""},
			{"\x00", 400, 0, ""},
			{"..", 403, unix.EXDEV, ""},
			{"../", 403, unix.EXDEV, ""},
			{"../secret", 403, unix.EXDEV, ""},
			{"//../secret", 403, unix.EXDEV, ""},
			{"sub/../../secret", 403, unix.EXDEV, ""},
			{"../site/a.txt", 403, unix.EXDEV, ""},
			{"fifo", 403, 0, ""},
			{"socket", 403, 0, ""},
			{"fifo/", 404, unix.ENOTDIR, ""},
		} {
			check(t, r, c.name, c.status, c.errno, c.content)
		}
	})
}

// With openat2(2) symbolic links and ".." are followed where they stay inside,
// without it nowhere.
func TestLinks(t *testing.T) {
	site := tree(t)
	ways(t, site, func(t *testing.T, r *Root) {
		for _, c := range []struct {
			name    string
			status  int
			errno   unix.Errno
			content string
			walk    unix.Errno // the 403 without openat2
		}{
			{"to-a", 200, 0, "site/a.txt", unix.ELOOP},
			{"to-to-a", 200, 0, "site/a.txt", unix.ELOOP},
			{"sub/up", 200, 0, "site/a.txt", unix.ELOOP},
			{"to-sub", 200, 0, "", unix.ELOOP},
			{"to-sub/", 200, 0, "", unix.ELOOP},
			{"to-sub/b.css", 200, 0, "site/sub/b.css", unix.ELOOP},
			{"sub/../a.txt", 200, 0, "site/a.txt", unix.EXDEV},
			{"to-sub/../a.txt", 200, 0, "site/a.txt", unix.ELOOP},
			{"out", 403, unix.EXDEV, "", unix.ELOOP},
			{"to-out", 403, unix.EXDEV, "", unix.ELOOP},
			{"out-dir", 403, unix.EXDEV, "", unix.ELOOP},
			{"out-dir/", 403, unix.EXDEV, "", unix.ELOOP},
			{"out-dir/secret", 403, unix.EXDEV, "", unix.ELOOP},
			{"out-absolute", 403, unix.EXDEV, "", unix.ELOOP},
			{"in-absolute", 403, unix.EXDEV, "", unix.ELOOP},
			{"magic", 403, unix.EXDEV, "", unix.ELOOP},
			{"magic/secret", 403, unix.EXDEV, "", unix.ELOOP},
			{"loop", 404, unix.ELOOP, "", unix.ELOOP},
			{"loop/a.txt", 404, unix.ELOOP, "", unix.ELOOP},
			{"nowhere", 404, unix.ENOENT, "", unix.ELOOP},
		} {
			if r.walks {
				c.status, c.errno, c.content = 403, c.walk, ""
			}
			check(t, r, c.name, c.status, c.errno, c.content)
		}
	})
}

// Even where /proc itself is served its magic links lead nowhere.
func TestMagicLinks(t *testing.T) {
	ways(t, "/proc", func(t *testing.T, r *Root) {
		want := 404
		if r.walks {
			want = 403
		}
		self := fmt.Sprint(os.Getpid())
		for _, name := range []string{self + "/cwd", self + "/root/etc/passwd", self + "/exe", self + "/fd/0"} {
			check(t, r, name, want, unix.ELOOP, "")
		}
	})
}

func TestDevices(t *testing.T) {
	ways(t, "/dev", func(t *testing.T, r *Root) {
		for _, name := range []string{"null", "zero", "full"} {
			check(t, r, name, 403, 0, "")
		}
	})
}

func check(t *testing.T, r *Root, name string, want int, errno unix.Errno, text string) {
	t.Helper()
	f, err := r.Open(nil, name)
	if got := status(t, err); got != want {
		t.Errorf("%.40q: status %d, not %d: %v", name, got, want, err)
	}
	if errno != 0 && !errors.Is(err, errno) || errno == 0 && errors.Unwrap(err) != nil {
		t.Errorf("%.40q: %v, which is no %s", name, err, unix.ErrnoName(errno))
	}
	if err != nil {
		return
	}
	defer f.Close()
	switch {
	case f.IsDir:
		if f.FD != -1 || text != "" {
			t.Errorf("%.40q is a directory, with descriptor %d", name, f.FD)
		}
	case content(t, f) != text || f.Size != int64(len(text)):
		t.Errorf("%.40q has %d bytes and is %q", name, f.Size, content(t, f))
	default:
		flags, err := unix.FcntlInt(uintptr(f.FD), unix.F_GETFD, 0)
		if flags != unix.FD_CLOEXEC || err != nil {
			t.Errorf("%.40q: descriptor flags %d, %v", name, flags, err)
		}
	}
}

// What is no file is not opened: inotify(7) sees every open(2), but not O_PATH,
// which opens nothing.
func TestOthersAreNotOpened(t *testing.T) {
	site := tree(t)
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	try(t, err)
	defer unix.Close(watch)
	for _, name := range []string{"fifo", "socket", "fifo-index/index.html", "a.txt"} {
		if _, err := unix.InotifyAddWatch(watch, filepath.Join(site, name), unix.IN_OPEN); err != nil {
			t.Fatal(err)
		}
	}
	opened := func() int {
		n, err := unix.Read(watch, make([]byte, 4096))
		if err == unix.EAGAIN {
			return 0
		}
		try(t, err)
		return n / unix.SizeofInotifyEvent
	}
	ways(t, site, func(t *testing.T, r *Root) {
		c := NewCache(r)
		defer c.Close()
		for _, path := range []string{"/fifo", "/socket", "/fifo-index/"} {
			if _, err := c.Open(nil, []byte(path), 0); status(t, err) != 403 {
				t.Errorf("%s: %v", path, err)
			}
		}
		f, err := r.Open(nil, "")
		try(t, err)
		if _, _, err := entries(f, 100); err != nil {
			t.Error(err)
		}
		if n := opened(); n != 0 {
			t.Errorf("%d were opened", n)
		}
		check(t, r, "a.txt", 200, 0, "site/a.txt")
		if opened() == 0 {
			t.Error("inotify does not see that a file is opened")
		}
	})
}

// As another user, without the capabilities of root.
func unprivileged(t *testing.T, test func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		test()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unix.SetfsuidRetUid(65534)
	defer unix.SetfsuidRetUid(0)
	test()
}

func TestPermissions(t *testing.T) {
	site := tree(t)
	write(t, site+"/shut/inside", "x")
	write(t, site+"/unlisted/inside", "x")
	write(t, site+"/unlisted/index.html", "i")
	for name, mode := range map[string]os.FileMode{"a.txt": 0o300, "sub/index.html": 0, "shut": 0o644, "unlisted": 0o311} {
		try(t, os.Chmod(filepath.Join(site, name), mode))
		defer os.Chmod(filepath.Join(site, name), 0o755)
	}
	ways(t, site, func(t *testing.T, r *Root) {
		unprivileged(t, func() {
			check(t, r, "a.txt", 403, unix.EACCES, "")
			check(t, r, "sub/index.html", 403, unix.EACCES, "")
			check(t, r, "shut/inside", 403, unix.EACCES, "")
			check(t, r, "shut", 200, 0, "")
			check(t, r, "unlisted/inside", 200, 0, "x")
			c := NewCache(r)
			defer c.Close()
			for path, want := range map[string]int{"/sub/": 403, "/shut/": 403, "/unlisted/": 200, "/a.txt": 403} {
				e, err := c.Open(nil, []byte(path), 0)
				if status(t, err) != want {
					t.Errorf("%s: %v", path, err)
				}
				if err == nil {
					e.Close()
				}
			}
			f, err := r.Open(nil, "unlisted")
			try(t, err)
			if _, _, err := entries(f, 10); status(t, err) != 403 {
				t.Errorf("listed: %v", err)
			}
		})
	})
}

func TestRootThatCannotBeServed(t *testing.T) {
	noneLeft(t)
	site := tree(t)
	shut := site + "/sub"
	try(t, os.Chmod(shut, 0o600))
	defer os.Chmod(shut, 0o755)
	for _, c := range []struct {
		dir  string
		want error
		says string
	}{
		{site + "/nothing", unix.ENOENT, "name a directory that is there"},
		{"", unix.ENOENT, "the working directory is ."},
		{site + "/a.txt", unix.ENOTDIR, fmt.Sprintf("that of a file is %q", site)},
		{site + "/fifo", unix.ENOTDIR, "shows a directory"},
		{site + "/loop", unix.ELOOP, "too many levels"},
		{shut, unix.EACCES, "permission x"},
	} {
		try(t, os.Chmod(filepath.Dir(site), 0o755))
		try(t, os.Chmod(filepath.Dir(filepath.Dir(site)), 0o755))
		unprivileged(t, func() {
			r, err := Open(c.dir)
			if r != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q: %v", c.dir, err)
			}
		})
	}
}

// The root is the directory, not its name.
func TestRootIsRenamed(t *testing.T) {
	noneLeft(t)
	site := tree(t)
	r := open(t, site)
	try(t, os.Rename(site, site+"-old"))
	write(t, site+"/a.txt", "another site")
	check(t, r, "a.txt", 200, 0, "site/a.txt")
}

// The calls are told as they are made.
func TestCallsAreTold(t *testing.T) {
	noneLeft(t)
	site := tree(t)
	r := open(t, site)
	var told []string
	number := regexp.MustCompile(`\b\d+, "|\(\d+|fd/\d+| = \d+`)
	tr := &sockets.Tracer{Observe: func(c sockets.Call) {
		if c.Returned {
			told = append(told, number.ReplaceAllStringFunc(c.Strace(), func(s string) string {
				return regexp.MustCompile(`\d+`).ReplaceAllString(s, "N")
			}))
		}
	}}
	e, err := NewCache(r).Open(tr, []byte("/a.txt"), 0)
	try(t, err)
	e.Close()
	want := []string{
		`openat2(N, "a.txt", {flags=O_RDONLY|O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH}, 24) = N`,
		`fstat(N, {st_mode=S_IFREG|0644, st_size=10, ...}) = N`,
		`openat(AT_FDCWD, "/proc/self/fd/N", O_RDONLY|O_NOCTTY|O_NONBLOCK|O_CLOEXEC) = N`,
		`close(N) = N`,
		`pread64(N, "site/a.txt", 10, 0) = N`,
		`fstat(N, {st_mode=S_IFREG|0644, st_size=10, ...}) = N`,
		`close(N) = N`,
	}
	if !slices.Equal(told, want) {
		t.Errorf("told:\n%s\nnot:\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

// A goroutine swaps a directory for a symbolic link to one outside as fast as it
// can, and nothing of that is ever seen.
func TestRenameRace(t *testing.T) {
	site := tree(t)
	outside := filepath.Dir(site) + "/outside"
	write(t, outside+"/f", "outside")
	write(t, outside+"/deep/f", "outside")
	write(t, site+"/swap/f", "inside")
	write(t, site+"/swap/deep/f", "inside")
	write(t, site+"/one", "inside")
	try(t, os.Symlink("../outside", site+"/other"))
	try(t, os.Symlink("../outside/f", site+"/two"))
	ways(t, site, func(t *testing.T, r *Root) {
		stop := make(chan struct{})
		swapped := make(chan int)
		go func() {
			n := 0
			for {
				select {
				case <-stop:
					swapped <- n
					return
				default:
				}
				unix.Renameat2(unix.AT_FDCWD, site+"/swap", unix.AT_FDCWD, site+"/other", unix.RENAME_EXCHANGE)
				unix.Renameat2(unix.AT_FDCWD, site+"/one", unix.AT_FDCWD, site+"/two", unix.RENAME_EXCHANGE)
				n++
			}
		}()
		seen := make(map[string]int)
		for i := range 20000 {
			name := []string{"swap/f", "swap/deep/f", "swap/deep/../f", "swap/../swap/f", "one", "other/f"}[i%6]
			f, err := r.Open(nil, name)
			if err != nil {
				seen[fmt.Sprint(status(t, err))]++
				continue
			}
			got := content(t, f)
			f.Close()
			seen[got]++
			if got != "inside" {
				t.Fatalf("%s gave %q", name, got)
			}
		}
		close(stop)
		t.Logf("%d swaps; seen %v", <-swapped, seen)
		if seen["inside"] == 0 || seen["403"] == 0 || len(seen) > 3 || len(seen) == 3 && seen["503"] == 0 {
			t.Errorf("seen %v", seen)
		}
	})
}

// A machine without /proc opens nothing, and says why.
func TestWithoutProc(t *testing.T) {
	noneLeft(t)
	r := open(t, tree(t))
	r.selfFD = "/nowhere/"
	if _, err := r.Open(nil, "a.txt"); status(t, err) != 500 || !strings.Contains(err.Error(), "no /proc") {
		t.Error(err)
	}
}

// A kernel without openat2(2), and a filter that forbids it. seccomp(2)
func TestWithoutOpenat2(t *testing.T) {
	site := tree(t)
	for _, errno := range []unix.Errno{unix.ENOSYS, unix.EPERM} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			noneLeft(t)
			done := make(chan string)
			go func() { // its thread ends with it, and the filter with that
				runtime.LockOSThread()
				if err := forbid(unix.SYS_OPENAT2, errno); err != nil {
					done <- err.Error()
					return
				}
				defer close(done)
				r, err := Open(site)
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Close()
				if !r.walks {
					t.Error("it does not walk")
				}
				check(t, r, "sub/b.css", 200, 0, "site/sub/b.css")
				check(t, r, "sub/../a.txt", 403, unix.EXDEV, "")
				check(t, r, "to-a", 403, unix.ELOOP, "")
			}()
			why := <-done
			need(t, why == "", "seccomp: "+why)
		})
	}
}

// forbid makes a call fail on this thread from now on.
func forbid(call uint32, errno unix.Errno) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0x00050000 | uint32(errno)}, // SECCOMP_RET_ERRNO
		{Code: unix.BPF_RET | unix.BPF_K, K: 0x7fff0000},                 // SECCOMP_RET_ALLOW
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, e := unix.Syscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)))
	if e != 0 {
		return e
	}
	return nil
}

// Whichever call finds no descriptor left, all are given back.
func TestNoDescriptorLeft(t *testing.T) {
	site := tree(t)
	ways(t, site, func(t *testing.T, r *Root) {
		refused := 0
		for free := range 8 {
			withDescriptors(t, free, func() {
				f, err := r.Open(nil, "sub/deep/c")
				if err == nil {
					f.Close()
				} else if refused++; status(t, err) != 503 || !errors.Is(err, unix.EMFILE) {
					t.Errorf("%d free: %v", free, err)
				}
				f, err = r.Open(nil, "sub")
				if err != nil {
					return
				}
				if _, _, err := entries(f, 10); err != nil && !errors.Is(err, unix.EMFILE) {
					t.Errorf("%d free: %v", free, err)
				}
			})
		}
		if refused == 0 || refused == 8 {
			t.Errorf("%d of 8 refused", refused)
		}
	})
}

// withDescriptors runs a test in which only so many descriptors are free.
func withDescriptors(t *testing.T, free int, test func()) {
	t.Helper()
	next, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	try(t, err)
	unix.Close(next)
	highest := next
	all, err := os.ReadDir("/proc/self/fd")
	try(t, err)
	for _, e := range all {
		var fd int
		fmt.Sscan(e.Name(), &fd)
		highest = max(highest, fd)
	}
	var fill []int // gaps below the highest
	for {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		try(t, err)
		fill = append(fill, fd)
		if fd > highest {
			break
		}
	}
	var was unix.Rlimit
	try(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &was))
	limit := unix.Rlimit{Cur: uint64(fill[len(fill)-1] + 1 + free), Max: was.Max}
	try(t, unix.Prlimit(0, unix.RLIMIT_NOFILE, &limit, nil))
	defer func() {
		try(t, unix.Prlimit(0, unix.RLIMIT_NOFILE, &was, nil))
		for _, fd := range fill {
			unix.Close(fd)
		}
	}()
	test()
}

func TestEntries(t *testing.T) {
	site := tree(t)
	write(t, site+"/with\nnewline", "")
	write(t, site+"/with space", "12345")
	ways(t, site, func(t *testing.T, r *Root) {
		want := []string{"a.txt 10", "dir-index/", "empty/", "fifo-index/", "index.html 15", "sub/", "with space 5"}
		if !r.walks {
			want = append(want, "to-a 10", "to-to-a 10", "to-sub/")
		}
		list := func(name string, most int) ([]string, bool) {
			f, err := r.Open(nil, name)
			try(t, err)
			defer f.Close()
			all, truncated, err := entries(f, most)
			try(t, err)
			var got []string
			for _, e := range all {
				if e.Dir {
					got = append(got, e.Name+"/")
				} else {
					got = append(got, fmt.Sprint(e.Name, " ", e.Size))
				}
				if e.Modified.IsZero() {
					t.Errorf("%s has no time", e.Name)
				}
			}
			slices.Sort(got)
			return got, truncated
		}
		slices.Sort(want)
		for _, max := range []int{100, len(want)} {
			if got, truncated := list("", max); !slices.Equal(got, want) || truncated {
				t.Errorf("%q, truncated %v; not %q", got, truncated, want)
			}
		}
		if got, truncated := list("", 3); len(got) != 3 || !truncated {
			t.Errorf("of 3: %q, truncated %v", got, truncated)
		}
		for _, name := range []string{"sub", "sub/", "./sub"} {
			want := []string{"b.css 14", "deep/", "index.html 19", "up 10"}
			if r.walks {
				want = want[:3]
			}
			if got, _ := list(name, 100); !slices.Equal(got, want) {
				t.Errorf("%s: %q", name, got)
			}
		}
		if got, truncated := list("empty", 100); got != nil || truncated {
			t.Errorf("the empty one: %q", got)
		}
	})
}

// More names than one getdents64 gives.
func TestManyEntries(t *testing.T) {
	noneLeft(t)
	dir := t.TempDir()
	write(t, dir+"/file", "")
	long := strings.Repeat("n", 200)
	for i := range 400 {
		try(t, os.Link(dir+"/file", fmt.Sprintf("%s/%s%03d", dir, long, i)))
	}
	f, err := open(t, dir).Open(nil, "")
	try(t, err)
	all, truncated, err := entries(f, 10000)
	try(t, err)
	if len(all) != 401 || truncated || all[400].Name != long+"399" {
		t.Errorf("%d entries", len(all))
	}
	try(t, os.RemoveAll(dir))
	if _, _, err := entries(f, 10); status(t, err) != 200 && status(t, err) != 404 {
		t.Errorf("of a directory that was removed: %v", err)
	}
}

// A root whose name leads elsewhere, or that is not there any more, is said to be gone.
func TestGone(t *testing.T) {
	noneLeft(t)
	top := t.TempDir()
	try(t, os.Mkdir(top+"/site", 0o755))
	r := open(t, top+"/site")
	says := func(want string) {
		t.Helper()
		if got := r.Gone(); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q, not %q", got, want)
		}
	}
	says("")
	write(t, top+"/site/f", "f")
	says("")
	try(t, os.Rename(top+"/site", top+"/old"))
	says("has been moved")
	try(t, os.Mkdir(top+"/site", 0o755))
	says("another directory has taken the name")
	try(t, os.RemoveAll(top+"/old"))
	says("has been removed")
}

// Where names are changed all the time, openat2(2) says EAGAIN to a path with ".." in
// it, and is asked again.
func TestLookupsAmongRenames(t *testing.T) {
	noneLeft(t)
	site := tree(t)
	r := open(t, site)
	other := t.TempDir()
	try(t, os.Mkdir(other+"/a", 0o755))
	stop := make(chan struct{})
	var renaming sync.WaitGroup
	renaming.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				os.Rename(other+"/a", other+"/b")
				os.Rename(other+"/b", other+"/a")
			}
		}
	})
	defer renaming.Wait()
	defer close(stop)
	again := 0
	for end := time.Now().Add(10 * time.Second); again < 20; {
		if time.Now().After(end) {
			t.Skip("the kernel never says EAGAIN here")
		}
		fd, err := unix.Openat2(r.fd, "sub/../sub/../sub/../a.txt", &beneath)
		switch err {
		case nil:
			unix.Close(fd)
		case unix.EAGAIN:
			again++
		default:
			t.Fatal(err)
		}
		f, err := r.Open(nil, "sub/../sub/../sub/../a.txt")
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

// Directories come first, and capitals make no difference but between the same letters.
func TestListingOrder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b", "A", "a.d", "Z.d", "B", "É"} {
		var err error
		if strings.HasSuffix(name, ".d") {
			err = os.Mkdir(dir+"/"+name, 0o755)
		} else {
			err = os.WriteFile(dir+"/"+name, nil, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r := open(t, dir)
	f, err := r.Open(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewCache(r).List(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(nil)
	for complete := false; !complete; {
		if complete, err = l.Read(nil); err != nil {
			t.Fatal(err)
		}
	}
	rows, next := l.Rows(nil, 0, 10)
	var names []string
	for _, row := range rows {
		names = append(names, row.Name)
	}
	if got := strings.Join(names, " "); got != "a.d Z.d A B b É" || next != -1 || l.Dirs != 2 || l.Files != 4 {
		t.Errorf("%s, %d, %d directories, %d files", got, next, l.Dirs, l.Files)
	}
}

// A Listing has so many names at most, and says that there are more; and those who list
// the same directory share it only where a change would be seen.
func TestListingIsLimitedAndShared(t *testing.T) {
	noneLeft(t)
	dir := t.TempDir()
	write(t, dir+"/file", "")
	long := strings.Repeat("n", 240)
	for i := range maxNameBytes/len(long) + 10 {
		try(t, os.Link(dir+"/file", fmt.Sprintf("%s/%s%05d", dir, long, i)))
	}
	r := open(t, dir)
	f, err := r.Open(nil, "")
	try(t, err)
	c := NewCache(r)
	first, err := c.List(nil, f)
	try(t, err)
	for complete := false; !complete; {
		complete, err = first.Read(nil)
		try(t, err)
	}
	if !first.Truncated || first.Files > maxNameBytes/len(long)+1 {
		t.Errorf("%d names, truncated %t", first.Files, first.Truncated)
	}
	again, err := c.List(nil, f)
	try(t, err)
	if again == first {
		t.Error("it has changed a moment ago, and is shared")
	}
	again.Close(nil)
	first.Close(nil)

	r.clock = later
	f, err = r.Open(nil, "")
	try(t, err)
	first, err = c.List(nil, f)
	try(t, err)
	if again, err = c.List(nil, f); err != nil || again != first {
		t.Errorf("it has settled, and is not shared: %v", err)
	}
	again.Close(nil)
	write(t, dir+"/new", "")
	f, err = r.Open(nil, "")
	try(t, err)
	if again, err = c.List(nil, f); err != nil || again == first {
		t.Errorf("it has changed, and is shared: %v", err)
	}
	again.Close(nil)
	first.Close(nil)
	if len(c.listings) != 0 {
		t.Errorf("%d are left", len(c.listings))
	}
}
