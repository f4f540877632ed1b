package sockets

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// oddCalls are calls with arguments that nobody should make, and that fd3 must
// still print as strace does.
func oddCalls(t *Tracer) {
	for protocol := range 264 {
		if fd := t.Socket(unix.AF_INET, unix.SOCK_STREAM, protocol); fd.Errno == 0 {
			t.Close(int(fd.Ret))
		}
	}
	for _, typ := range []int{unix.SOCK_RAW | unix.SOCK_NONBLOCK, 7, 0, unix.SOCK_SEQPACKET | unix.SOCK_CLOEXEC, unix.SOCK_STREAM | 0x100} {
		t.Socket(unix.AF_UNIX, typ, 3)
	}
	t.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	t.Listen(99, -1)
	t.Listen(99, 1<<30)
	t.Shutdown(99, unix.SHUT_RD)
	t.Shutdown(99, 7)
	t.SetReuseAddr(99, false)
	t.SetTimeout(99, unix.SO_RCVTIMEO, 1234567890*time.Microsecond)
	t.SetTimeout(99, unix.SO_SNDTIMEO, 0)
	t.Accept4(99, 0)
	t.Accept4(99, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	for _, text := range []string{"127.0.0.1:0", "255.255.255.255:65535", "[::]:0", "[::ffff:1.2.3.4]:5", "[fe80::1%999999]:80", "[2001:db8::]:443",
		"unix:/no such/\t\"\\\x01\x7f\u00e9", "unix:/" + strings.Repeat("n", 106), "unix:x"} {
		if addr, err := ParseSockaddr(text); err == nil {
			t.Connect(99, addr)
			t.Connect(99, addr[:min(len(addr), 8)]) // too short for its family
			t.SendTo(99, nil, 0, addr)
		}
	}
	for _, data := range []string{"", "\x00", "\x001", "\x018", "\x019", "\x1fx", strings.Repeat("a", 31) + "\x00" + "1", strings.Repeat("b", 32), strings.Repeat("c", 33),
		"\a\b\t\n\v\f\r\x1b\"'\\?\x7f\x80\xff0"} {
		t.Send(99, []byte(data), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT|unix.MSG_MORE)
	}
	t.Recv(99, 0, unix.MSG_PEEK|unix.MSG_WAITALL|unix.MSG_DONTWAIT)
	t.RecvFrom(99, 10, unix.MSG_PEEK)
	a := int(t.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0).Ret)
	path := fmt.Sprintf("%s/s", filepath.Dir(os.Getenv("FD3_ODD_CALLS")))
	t.Bind(a, UnixSockaddr(path))
	t.SendTo(a, []byte("to myself"), 0, UnixSockaddr(path))
	t.RecvFrom(a, 100, unix.MSG_DONTWAIT)
	t.RecvFrom(a, 100, unix.MSG_DONTWAIT)
	b := int(t.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0).Ret)
	t.SendTo(b, []byte("from nobody"), 0, UnixSockaddr(path))
	t.RecvFrom(a, 4, 0)
	t.Recv(a, 4, unix.MSG_DONTWAIT)
	t.RecvInto(a, make([]byte, 0), unix.MSG_DONTWAIT)
	t.RecvInto(a, nil, unix.MSG_DONTWAIT)
	t.Close(a)
	t.Close(b)
	t.Close(-1)
	oddOptions(t)
	oddWaits(t)
	oddFiles(t, filepath.Dir(os.Getenv("FD3_ODD_CALLS")))
	oddNames(t, filepath.Dir(os.Getenv("FD3_ODD_CALLS")))
}

func oddOptions(t *Tracer) {
	fd := int(t.Socket(unix.AF_INET, unix.SOCK_STREAM, 0).Ret)
	for _, option := range append(slices.Clone(tcpOptions), flag{bits: 99}) {
		t.Setsockopt(fd, unix.SOL_TCP, option.bits, 1)
		t.Setsockopt(fd, unix.SOL_TCP, option.bits, -1)
	}
	for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT, unix.SO_RCVBUF, unix.SO_SNDBUF, unix.SO_KEEPALIVE, unix.SO_INCOMING_CPU, 999} {
		t.Setsockopt(fd, unix.SOL_SOCKET, option, 7)
	}
	for _, option := range socketOptions {
		switch option.bits {
		case unix.SO_RCVTIMEO, unix.SO_SNDTIMEO, unix.SO_LINGER: // no ints
		default:
			t.Setsockopt(fd, unix.SOL_SOCKET, option.bits, 1)
		}
	}
	for _, seconds := range []int{0, 30, -1} {
		t.SetLinger(fd, seconds)
		t.SetLinger(99, seconds)
	}
	for _, name := range []string{"reno", "bbr", "cubic", "none of them"} {
		t.SetCongestion(fd, name)
	}
	t.Setsockopt(99, unix.SOL_IPV6, unix.IPV6_V6ONLY, 1)
	t.Close(fd)
}

// oddNames are calls by which a socket and a file are the same.
func oddNames(t *Tracer, dir string) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return
	}
	file := int(t.Openat(unix.AT_FDCWD, dir+"/named", unix.O_CREAT|unix.O_RDWR|unix.O_CLOEXEC, 0o600).Ret)
	buf := make([]byte, 100)
	for _, data := range [][]byte{nil, {}, []byte("x"), []byte("a\x001\r\n\"\xff"), []byte(strings.Repeat("d", 33))} {
		for _, fd := range []int{pair[0], file, 99} {
			t.Write(fd, data)
			t.Sendmsg(fd, data, unix.MSG_NOSIGNAL)
			t.Sendmsg(fd, data, 0)
		}
	}
	t.Read(pair[1], buf[:2])
	t.Read(pair[1], buf)
	for _, fd := range []int{pair[1], file, 99} {
		t.Read(fd, buf[:0])
		t.Read(fd, nil)
	}
	t.Read(99, buf)
	t.Read(file, buf)
	again := int(t.Dup(file).Ret)
	unix.Seek(again, 0, 0)
	t.Read(file, buf)
	t.Dup(99)
	t.Dup(-1)
	t.Close(pair[1])
	t.Write(pair[0], []byte("to nobody"))
	t.Sendmsg(pair[0], []byte("to nobody"), unix.MSG_DONTWAIT)
	for _, fd := range []int{pair[0], file, again} {
		t.Close(fd)
	}
	t.RtSigaction(unix.SIGPIPE, SIG_DFL)
	t.RtSigaction(unix.SIGPIPE, SIG_IGN)
	t.RtSigaction(unix.SIGKILL, SIG_DFL)
}

func oddWaits(t *Tracer) {
	for _, flags := range []int{0, 7, unix.EPOLL_CLOEXEC | 1} {
		if c := t.EpollCreate1(flags); c.Errno == 0 {
			t.Close(int(c.Ret))
		}
	}
	epfd := int(t.EpollCreate1(unix.EPOLL_CLOEXEC).Ret)
	events := make([]unix.EpollEvent, 64)
	t.EpollWait(epfd, events, 0)
	t.EpollWait(epfd, events[:0], 0)
	t.EpollWait(epfd, nil, -1)
	t.EpollWait(99, events, -1)
	for _, op := range []int{unix.EPOLL_CTL_ADD, unix.EPOLL_CTL_MOD, unix.EPOLL_CTL_DEL, 77} {
		for _, mask := range []uint32{0, unix.EPOLLIN, unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, unix.EPOLLEXCLUSIVE | unix.EPOLLONESHOT | 1<<20, 1 << 20, 0xffffffff} {
			t.EpollCtl(epfd, op, 99, &unix.EpollEvent{Events: mask, Fd: -1, Pad: 0x1234567})
		}
		t.EpollCtl(epfd, op, 99, nil)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		return
	}
	fds := pair[:]
	for range 40 {
		if c := t.Dup(pair[0]); c.Errno == 0 {
			fds = append(fds, int(c.Ret))
		}
	}
	for _, fd := range fds {
		t.EpollCtl(epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLOUT, Fd: int32(fd)})
	}
	t.EpollWait(epfd, events, 0) // more than strace shows
	t.EpollWait(epfd, events[:32], 0)
	t.EpollWait(epfd, events[:33], 0)
	for _, fd := range fds {
		t.EpollCtl(epfd, unix.EPOLL_CTL_DEL, fd, nil)
		t.Close(fd)
	}
	t.Close(epfd)
}

func oddFiles(t *Tracer, dir string) {
	root := int(t.Openat(unix.AT_FDCWD, dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0).Ret)
	t.Openat(99, "x", unix.O_ACCMODE, 0)
	t.Openat(root, "", unix.O_PATH|unix.O_NOFOLLOW, 0)
	t.Openat(99, "x", unix.O_TMPFILE|unix.O_RDWR, 0)
	t.Openat(99, "x", unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_SYNC|unix.O_DIRECT|unix.O_NOATIME|unix.O_APPEND|unix.O_TRUNC, 0)
	t.Openat(99, "x", unix.O_DSYNC|1<<30, 0)
	t.Openat(99, "x", unix.O_EXCL|unix.O_DIRECT|unix.O_NOFOLLOW|largeFile(), 0)
	for _, path := range []string{strings.Repeat("long/", 50), strings.Repeat("a", 4095), strings.Repeat("b", 4096), "\x1b[m\x00hidden", "\"\\\n\xc3\xa9"} {
		t.Openat(root, path, unix.O_CLOEXEC, 0)
		t.Openat2(root, path, unix.OpenHow{Flags: unix.O_CLOEXEC})
	}
	for _, how := range []unix.OpenHow{
		{},
		{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS},
		{Resolve: 0x1ff},
		{Resolve: 0x10000},
		{Mode: 0o777},
		{Flags: unix.O_CREAT, Mode: 1},
		{Flags: unix.O_TMPFILE | unix.O_WRONLY},
		{Flags: 1 << 40},
		{Flags: unix.O_EXCL | 1<<40, Mode: 0o7777777},
	} {
		t.Openat2(99, "x", how)
		t.Openat2(unix.AT_FDCWD, "", how)
	}
	t.Openat2(root, "..", unix.OpenHow{Flags: unix.O_PATH, Resolve: unix.RESOLVE_BENEATH})

	var st unix.Stat_t
	file := int(t.Openat(root, "file", unix.O_CREAT|unix.O_EXCL|unix.O_RDWR, 0o640).Ret)
	t.Write(file, []byte("a file of some bytes, and more of them than strace shows"))
	for _, mode := range []uint32{0o644, 0, 0o7, 0o70, 0o7777, 0o1000, 0o4755} {
		unix.Fchmod(file, mode)
		t.Fstat(file, &st)
	}
	for _, dev := range []string{"/dev/null", "/dev/zero", "/dev/full"} {
		t.Newfstatat(unix.AT_FDCWD, dev, &st, 0)
	}
	t.Fstat(root, &st)
	t.Fstat(99, &st)
	unix.Symlinkat("nowhere", root, "link")
	unix.Mkfifoat(root, "fifo", 0o600)
	for _, name := range []string{"file", "link", "fifo", "nothing", ""} {
		t.Newfstatat(root, name, &st, 0)
		t.Newfstatat(root, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	}
	t.Newfstatat(root, "", &st, unix.AT_EMPTY_PATH|unix.AT_NO_AUTOMOUNT)
	t.Newfstatat(root, "", &st, 1<<30)

	buf := make([]byte, 100)
	for _, offset := range []int64{0, 3, 50, 1 << 20, -1} {
		t.Pread64(file, buf, offset)
		t.Pread64(file, buf[:4], offset)
	}
	t.Pread64(file, buf[:0], 0)
	t.Pread64(file, nil, 0)
	t.Pread64(99, buf, 0)
	names := make([]byte, 4096)
	t.Getdents64(root, names[:24]) // too little for a name, or for more than one
	t.Getdents64(root, names[:60])
	t.Getdents64(root, names)
	t.Getdents64(root, names)
	t.Getdents64(root, nil)
	t.Getdents64(file, names)
	t.Getdents64(99, names)

	null := int(t.Openat(unix.AT_FDCWD, "/dev/null", unix.O_WRONLY, 0).Ret)
	for _, offset := range []int64{0, 10, 1 << 40, -5} {
		t.Sendfile(null, file, &offset, 5)
		t.Sendfile(null, file, &offset, 0)
		t.Sendfile(null, file, &offset, 1<<20)
		t.Sendfile(99, file, &offset, 5)
	}
	unix.Seek(file, 0, 0)
	t.Sendfile(null, file, nil, 5)
	t.Sendfile(null, file, nil, -1)
	t.Close(null)
	t.Close(file)
	t.Close(root)
}

func TestStraceAgrees(t *testing.T) { straceAgrees(t) }

// The same for calls that no Tracer has a method for, or would make so.
// Later versions know more names than the table follows.
func TestStraceAgreesWithRawCalls(t *testing.T) {
	version, _ := exec.Command("strace", "--version").Output()
	if first, _, _ := strings.Cut(string(version), "\n"); first != "" && !strings.HasSuffix(first, " 6.1") {
		t.Skip("the table follows strace 6.1, and this is " + first)
	}
	straceAgrees(t, "FD3_RAW_CALLS=1")
}

// untold is how many calls lie between two that are told of at most.
const untold = 20

// straceAgrees runs this test binary under strace, which sees what it tells of.
func straceAgrees(t *testing.T, env ...string) {
	_, err := exec.LookPath("strace")
	need(t, err == nil, "strace")
	dir, err := os.MkdirTemp("/tmp", "fd3")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// A strace that does not come to an end must not fill the disk.
	cmd := exec.CommandContext(ctx, "sh", "-c", `ulimit -f 200000; exec strace -e trace=!process_vm_readv -a 1 -o "$0/seen" "$1"`, dir, os.Args[0])
	cmd.Env = append(append(os.Environ(), "FD3_ODD_CALLS="+dir+"/told"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	told := lines(t, dir+"/told")
	if len(told) < 300 {
		t.Errorf("only %d calls are told", len(told))
	}
	names := make(map[string]bool)
	for _, line := range told {
		name, _, _ := strings.Cut(line, "(")
		names[name] = true
	}
	seen := slices.DeleteFunc(lines(t, dir+"/seen"), func(line string) bool {
		name, _, _ := strings.Cut(line, "(")
		return !names[name]
	})
	for len(seen) > 0 && !strings.HasPrefix(seen[0], told[0][:strings.Index(told[0], "(")+1]) {
		seen = seen[1:] // of the runtime, before anything is told
	}
	// Between the calls that are told there are those of the runtime, and those that
	// the test makes without telling.
	missed := 0
	for i, line := range told {
		at := slices.Index(seen[:min(len(seen), untold)], line)
		if at >= 0 {
			seen = seen[at+1:]
			continue
		}
		name, _, _ := strings.Cut(line, "(")
		at = slices.IndexFunc(seen, func(s string) bool { return strings.HasPrefix(s, name+"(") })
		if at >= 0 {
			t.Errorf("call %d:\n told %s\n seen %s", i, line, seen[at])
			seen = seen[at+1:]
		} else {
			t.Errorf("call %d:\n told %s\n not seen", i, line)
		}
		if missed++; missed > 60 {
			t.Fatal("and so on")
		}
	}
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}
