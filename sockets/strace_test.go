package sockets

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	t.Close(a)
	t.Close(b)
	t.Close(-1)
}

// The calls above, as they begin in the output of strace.
var ours = regexp.MustCompile(`^(socket|listen|shutdown|setsockopt|accept4|connect|bind|sendto|recvfrom|close)\(`)

func TestStraceAgrees(t *testing.T) {
	_, err := exec.LookPath("strace")
	need(t, err == nil, "strace")
	dir, err := os.MkdirTemp("/tmp", "fd3")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("strace", "-a", "1", "-o", dir+"/seen", os.Args[0])
	cmd.Env = append(os.Environ(), "FD3_ODD_CALLS="+dir+"/told")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	told := lines(t, dir+"/told")
	var seen []string
	begun := false // before, the runtime closes what it has opened itself
	for _, line := range lines(t, dir+"/seen") {
		begun = begun || strings.HasPrefix(line, "socket(")
		if begun && ours.MatchString(line) && len(seen) < len(told) {
			seen = append(seen, line)
		}
	}
	if len(told) < 300 || len(seen) != len(told) {
		t.Errorf("%d calls told, %d seen", len(told), len(seen))
	}
	for i := range min(len(told), len(seen)) {
		if told[i] != seen[i] {
			t.Errorf("call %d:\n told %s\n seen %s", i, told[i], seen[i])
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
