package sockets

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A file goes the way of a server that sends it: found beneath a directory,
// looked at, opened, read, sent.
func TestFileToSocket(t *testing.T) {
	noneLeft(t)
	dir := t.TempDir()
	text := "hello, file\n"
	if err := os.WriteFile(dir+"/f", []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	tr := watched()
	root := ok(t, tr.Openat(unix.AT_FDCWD, dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0))
	beneath := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	c := tr.Openat2(root, "f", beneath)
	file := ok(t, c)
	says(t, c, fmt.Sprintf(`openat2(%d, "f", {flags=O_RDONLY|O_CLOEXEC, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH}, 24) = %d`, root, file))
	says(t, tr.Openat2(root, "../f", beneath), fmt.Sprintf(`openat2(%d, "../f", {flags=O_RDONLY|O_CLOEXEC, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH}, 24) = -1 EXDEV (Invalid cross-device link)`, root))

	var st unix.Stat_t
	says(t, tr.Fstat(file, &st), fmt.Sprintf(`fstat(%d, {st_mode=S_IFREG|0640, st_size=12, ...}) = 0`, file))
	if st.Size != int64(len(text)) {
		t.Errorf("size %d", st.Size)
	}
	buf := make([]byte, 100)
	c = tr.Pread64(file, buf, 7)
	says(t, c, fmt.Sprintf(`pread64(%d, "file\n", 100, 7) = 5`, file))
	if string(c.Data) != "file\n" || &c.Data[0] != &buf[0] {
		t.Errorf("Data %q", c.Data)
	}

	listener, server, client := pair(t, tr)
	offset := int64(5)
	says(t, tr.Sendfile(server, file, &offset, 1<<20), fmt.Sprintf(`sendfile(%d, %d, [5] => [12], 1048576) = 7`, server, file))
	if offset != 12 {
		t.Errorf("the offset stands at %d", offset)
	}
	says(t, tr.Sendfile(server, file, &offset, 1<<20), fmt.Sprintf(`sendfile(%d, %d, [12], 1048576) = 0`, server, file))
	says(t, tr.Sendfile(server, file, nil, 5), fmt.Sprintf(`sendfile(%d, %d, NULL, 5) = 5`, server, file))
	c = tr.RecvInto(client, buf, unix.MSG_WAITALL|unix.MSG_DONTWAIT)
	says(t, c, fmt.Sprintf(`recvfrom(%d, ", file\nhello", 100, MSG_DONTWAIT|MSG_WAITALL, NULL, NULL) = 12`, client))
	if string(c.Data) != ", file\nhello" || &c.Data[0] != &buf[0] {
		t.Errorf("Data %q", c.Data)
	}
	for _, fd := range []int{listener, server, client, file, root} {
		ok(t, tr.Close(fd))
	}
}

// Two names of one open file have one position, and of one socket one connection.
func TestDup(t *testing.T) {
	noneLeft(t)
	tr := watched()
	file := ok(t, tr.Openat(unix.AT_FDCWD, t.TempDir()+"/f", unix.O_CREAT|unix.O_RDWR|unix.O_CLOEXEC, 0o600))
	c := tr.Write(file, []byte("hello, file\n"))
	says(t, c, fmt.Sprintf(`write(%d, "hello, file\n", 12) = 12`, file))
	if string(c.Data) != "hello, file\n" {
		t.Errorf("Data %q", c.Data)
	}
	c = tr.Dup(file)
	again := ok(t, c)
	says(t, c, fmt.Sprintf("dup(%d) = %d", file, again))
	unix.Seek(again, 7, 0)
	buf := make([]byte, 100)
	c = tr.Read(file, buf)
	says(t, c, fmt.Sprintf(`read(%d, "file\n", 100) = 5`, file))
	if string(c.Data) != "file\n" || &c.Data[0] != &buf[0] {
		t.Errorf("Data %q", c.Data)
	}
	says(t, tr.Read(again, buf), fmt.Sprintf(`read(%d, "", 100) = 0`, again))

	listener, server, client := pair(t, tr)
	twin := ok(t, tr.Dup(server))
	ok(t, tr.Close(server))
	c = tr.Sendmsg(twin, []byte("still open"), unix.MSG_NOSIGNAL)
	says(t, c, fmt.Sprintf(`sendmsg(%d, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="still open", iov_len=10}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, MSG_NOSIGNAL) = 10`, twin))
	if string(c.Data) != "still open" {
		t.Errorf("Data %q", c.Data)
	}
	says(t, tr.Read(client, buf), fmt.Sprintf(`read(%d, "still open", 100) = 10`, client))
	says(t, tr.SetLinger(twin, 0), fmt.Sprintf("setsockopt(%d, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=0}, 8) = 0", twin))
	ok(t, tr.Close(twin))
	c = tr.Read(client, buf)
	if c.Errno != unix.ECONNRESET {
		t.Errorf("after a close that waits for nothing: %s", c.Strace())
	}
	for _, fd := range []int{listener, client, file, again} {
		ok(t, tr.Close(fd))
	}
}

func TestOpenFlagNames(t *testing.T) {
	for flags, want := range map[int]string{
		0:                              "O_RDONLY",
		unix.O_WRONLY | unix.O_APPEND:  "O_WRONLY|O_APPEND",
		unix.O_RDWR | largeFile():      "O_RDWR|O_LARGEFILE",
		unix.O_SYNC:                    "O_RDONLY|O_SYNC",
		unix.O_DSYNC | unix.O_ASYNC:    "O_RDONLY|O_DSYNC|O_ASYNC",
		unix.O_TMPFILE:                 "O_RDONLY|O_TMPFILE",
		unix.O_DIRECTORY | unix.O_PATH: "O_RDONLY|O_PATH|O_DIRECTORY",
		unix.O_ACCMODE:                 "O_ACCMODE",
		unix.O_RDWR | 1<<27:            "O_RDWR|0x8000000",
		unix.O_NONBLOCK | 0o10 | 1<<30: "O_RDONLY|O_NONBLOCK|0x40000008",
	} {
		if got := OpenFlagNames(uint64(flags)); got != want {
			t.Errorf("%#o: %s, not %s", flags, got, want)
		}
	}
}

// A path ends at its first NUL, and says so.
func TestPathWithNUL(t *testing.T) {
	c := watched().Openat(unix.AT_FDCWD, "/nowhere\x00/etc/passwd", unix.O_RDONLY, 0)
	says(t, c, `openat(AT_FDCWD, "/nowhere", O_RDONLY) = -1 ENOENT (No such file or directory)`)
}

func TestDirectoryEntries(t *testing.T) {
	noneLeft(t)
	dir := t.TempDir()
	for i := range 3 {
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("n", i+1)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tr := watched()
	fd := ok(t, tr.Openat(unix.AT_FDCWD, dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0))
	buf := make([]byte, 4096)
	c := tr.Getdents64(fd, buf)
	says(t, c, fmt.Sprintf("getdents64(%d, %p /* 5 entries */, 4096) = %d", fd, &buf[0], 5*24))
	if _, n, names := unix.ParseDirent(c.Data, -1, nil); n != 3 {
		t.Errorf("names %q", names)
	}
	says(t, tr.Getdents64(fd, buf), fmt.Sprintf("getdents64(%d, %p /* 0 entries */, 4096) = 0", fd, &buf[0]))
	ok(t, tr.Close(fd))
}

// What stands entered ends inside the argument that the kernel will change.
func TestEnteredInTheMiddle(t *testing.T) {
	var entered []string
	tr := &Tracer{Observe: func(c Call) {
		if !c.Returned {
			entered = append(entered, c.Strace())
		}
	}}
	offset := int64(7)
	tr.Sendfile(99, 98, &offset, 1)
	tr.Sendfile(99, 98, nil, 1)
	tr.Fstat(99, new(unix.Stat_t))
	if want := []string{"sendfile(99, 98, [7]", "sendfile(99, 98, NULL, 1", "fstat(99, "}; fmt.Sprint(entered) != fmt.Sprint(want) {
		t.Errorf("%q, not %q", entered, want)
	}
}

// The C and Go texts are what a person would write.
func TestTexts(t *testing.T) {
	tr := watched()
	offset := int64(5)
	for _, c := range []struct {
		call      Call
		c, golang string
	}{
		{tr.Sendfile(99, 98, &offset, 10),
			`off_t offset = 5; ssize_t n = sendfile(99, 98, &offset, 10);`,
			`offset := int64(5); n, err := unix.Sendfile(99, 98, &offset, 10)`},
		{tr.Sendfile(99, 98, nil, 10),
			`ssize_t n = sendfile(99, 98, NULL, 10);`,
			`n, err := unix.Sendfile(99, 98, nil, 10)`},
		{tr.Pread64(99, make([]byte, 10), 7),
			`ssize_t n = pread(99, buf, 10, 7);`,
			`n, err := unix.Pread(99, buf[:10], 7)`},
		{tr.RecvInto(99, make([]byte, 10), unix.MSG_DONTWAIT),
			`ssize_t n = recv(99, buf, 10, MSG_DONTWAIT);`,
			`n, from, err := unix.Recvfrom(99, buf[:10], unix.MSG_DONTWAIT)`},
		{tr.Getdents64(99, make([]byte, 10)),
			`ssize_t n = getdents64(99, buf, 10);`,
			`n, err := unix.Getdents(99, buf[:10])`},
		{tr.Openat(99, "a\"b", unix.O_RDONLY|unix.O_CLOEXEC, 0),
			`int fd = openat(99, "a\"b", O_RDONLY | O_CLOEXEC);`,
			`fd, err := unix.Openat(99, "a\"b", unix.O_RDONLY|unix.O_CLOEXEC, 0)`},
		{tr.Openat(unix.AT_FDCWD, "", unix.O_CREAT, 0o644),
			`int fd = openat(AT_FDCWD, "", O_RDONLY | O_CREAT, 0644);`,
			`fd, err := unix.Openat(unix.AT_FDCWD, "", unix.O_RDONLY|unix.O_CREAT, 0644)`},
		{tr.Openat2(99, "a", unix.OpenHow{Flags: unix.O_PATH, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV}),
			`struct open_how how = {.flags = O_RDONLY | O_PATH, .resolve = RESOLVE_NO_XDEV | RESOLVE_BENEATH}; int fd = syscall(SYS_openat2, 99, "a", &how, sizeof how);`,
			`fd, err := unix.Openat2(99, "a", &unix.OpenHow{Flags: unix.O_RDONLY|unix.O_PATH, Resolve: unix.RESOLVE_NO_XDEV|unix.RESOLVE_BENEATH})`},
		{tr.Fstat(99, new(unix.Stat_t)),
			`struct stat st; fstat(99, &st);`,
			`var st unix.Stat_t; err := unix.Fstat(99, &st)`},
		{tr.Newfstatat(99, "a", new(unix.Stat_t), unix.AT_SYMLINK_NOFOLLOW),
			`struct stat st; fstatat(99, "a", &st, AT_SYMLINK_NOFOLLOW);`,
			`var st unix.Stat_t; err := unix.Fstatat(99, "a", &st, unix.AT_SYMLINK_NOFOLLOW)`},
		{tr.EpollCreate1(7), `int epfd = epoll_create1(0x7 /* EPOLL_??? */);`, `epfd, err := unix.EpollCreate1(0x7 /* EPOLL_??? */)`},
		{tr.EpollCtl(99, unix.EPOLL_CTL_ADD, 5, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: 5}),
			`epoll_ctl(99, EPOLL_CTL_ADD, 5, &(struct epoll_event){.events = EPOLLIN | EPOLLET, .data.fd = 5});`,
			`err := unix.EpollCtl(99, unix.EPOLL_CTL_ADD, 5, &unix.EpollEvent{Events: unix.EPOLLIN|unix.EPOLLET, Fd: 5})`},
		{tr.EpollCtl(99, unix.EPOLL_CTL_MOD, 5, &unix.EpollEvent{Fd: 5, Pad: 1}),
			`epoll_ctl(99, EPOLL_CTL_MOD, 5, &(struct epoll_event){.events = 0, .data.u64 = 4294967301});`,
			`err := unix.EpollCtl(99, unix.EPOLL_CTL_MOD, 5, &unix.EpollEvent{Events: 0, Fd: 5, Pad: 1})`},
		{tr.EpollCtl(99, unix.EPOLL_CTL_DEL, 5, nil),
			`epoll_ctl(99, EPOLL_CTL_DEL, 5, NULL);`,
			`err := unix.EpollCtl(99, unix.EPOLL_CTL_DEL, 5, nil)`},
		{tr.EpollWait(99, make([]unix.EpollEvent, 64), -1),
			`int n = epoll_pwait(99, events, 64, -1, NULL);`,
			`n, err := unix.EpollWait(99, events[:64], -1)`},
		{tr.Setsockopt(99, unix.SOL_TCP, unix.TCP_NODELAY, 1),
			`int value = 1; setsockopt(99, SOL_TCP, TCP_NODELAY, &value, sizeof value);`,
			`err := unix.SetsockoptInt(99, unix.SOL_TCP, unix.TCP_NODELAY, 1)`},
		{tr.Dup(99), `int fd = dup(99);`, `fd, err := unix.Dup(99)`},
		{tr.Read(99, make([]byte, 10)), `ssize_t n = read(99, buf, 10);`, `n, err := unix.Read(99, buf[:10])`},
		{tr.Write(99, []byte("abc")), `ssize_t n = write(99, buf, 3);`, `n, err := unix.Write(99, buf[:3])`},
		{tr.Sendmsg(99, []byte("abc"), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT),
			`struct iovec iov = {buf, 3}; struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1}; ssize_t n = sendmsg(99, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);`,
			`n, err := unix.SendmsgN(99, buf[:3], nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)`},
		{tr.SetLinger(99, 5),
			`struct linger l = {1, 5}; setsockopt(99, SOL_SOCKET, SO_LINGER, &l, sizeof l);`,
			`err := unix.SetsockoptLinger(99, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 5})`},
		{tr.SetCongestion(99, "reno"),
			`setsockopt(99, SOL_TCP, TCP_CONGESTION, "reno", 5);`,
			`err := unix.SetsockoptString(99, unix.SOL_TCP, unix.TCP_CONGESTION, "reno")`},
		{tr.RtSigaction(unix.SIGKILL, SIG_IGN), // EINVAL: this test's own signals stay as they are
			`struct sigaction act = {.sa_handler = SIG_IGN}; sigaction(SIGKILL, &act, NULL);`,
			`act := [4]uint64{1}; _, _, errno := unix.Syscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGKILL), uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)`},
		{tr.SetReuseAddr(99, true),
			`int on = 1; setsockopt(99, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);`,
			`err := unix.SetsockoptInt(99, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)`},
	} {
		if c.call.C != c.c {
			t.Errorf("\n got %s\nwant %s", c.call.C, c.c)
		}
		if c.call.Go != c.golang {
			t.Errorf("\n got %s\nwant %s", c.call.Go, c.golang)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "", "package p; func _() {"+c.call.Go+"}", 0); err != nil {
			t.Errorf("%s: %v", c.call.Go, err)
		}
	}
}
