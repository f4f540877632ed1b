package kernel

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFDs(t *testing.T) {
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	fd := socket(t, unix.AF_INET, unix.SOCK_STREAM)

	fds, err := FDs(unix.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(fds, func(a, b FD) int { return a.Number - b.Number }) {
		t.Errorf("not sorted: %v", fds)
	}
	if !slices.Contains(fds, FD{Number: null, Target: "/dev/null"}) {
		t.Errorf("no /dev/null at %d in %v", null, fds)
	}
	if i := slices.IndexFunc(fds, func(f FD) bool { return f.Number == fd }); i < 0 || fds[i].Inode != inode(t, fd) {
		t.Errorf("no socket with the right inode at %d in %v", fd, fds)
	}
	for _, fd := range fds {
		if strings.HasPrefix(fd.Target, "/proc/") {
			t.Errorf("the listing shows itself: %v", fd)
		}
	}
}

func TestFDsOfNobody(t *testing.T) {
	if _, err := FDs(-1); !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "/proc/-1/fd") {
		t.Errorf("error %v", err)
	}
}

func TestSocketInode(t *testing.T) {
	for target, want := range map[string]uint64{
		"socket:[123]":                  123,
		"socket:[18446744073709551615]": 1<<64 - 1,
		"socket:[18446744073709551616]": 0,
		"socket:[":                      0,
		"socket:[12":                    0,
		"socket:[]":                     0,
		"socket:[-1]":                   0,
		"pipe:[123]":                    0,
		"/tmp/socket:[123]":             0,
		"anon_inode:[eventpoll]":        0,
		"/dev/null":                     0,
		"":                              0,
		"socket:[123] (deleted)":        0,
	} {
		if got := socketInode(target); got != want {
			t.Errorf("%q: %d, not %d", target, got, want)
		}
	}
}

func TestFDInfo(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	file, err := FDInfo(unix.Getpid(), fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", file)
	if want := []string{"O_RDWR", "O_NONBLOCK", "O_CLOEXEC"}; !slices.Equal(file.Names, want) {
		t.Errorf("flags %q, not %q", file.Names, want)
	}
	if file.Inode != 0 && file.Inode != inode(t, fd) {
		t.Errorf("inode %d, fstat says %d", file.Inode, inode(t, fd))
	}

	// O_CLOEXEC belongs to the descriptor, the rest to what it refers to.
	dup, err := unix.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dup)
	file, err = FDInfo(unix.Getpid(), dup)
	if err != nil || slices.Contains(file.Names, "O_CLOEXEC") || !slices.Contains(file.Names, "O_NONBLOCK") {
		t.Errorf("after dup %q, %v", file.Names, err)
	}
}

func TestParseFDInfo(t *testing.T) {
	file, err := parseFDInfo("pos:\t-1\nflags:\t02000002\nmnt_id:\t15\nino:\t2057\ntfd: 5 events: 19 data: 5\n")
	if err != nil {
		t.Fatal(err)
	}
	if file.Pos != -1 || file.Flags != 0o2000002 || file.Inode != 2057 {
		t.Errorf("%+v", file)
	}
	for _, text := range []string{
		"", "\n", "pos:\t0\n", "flags:\t02\n", "pos:\nflags:\t02\n", "pos:\t0\nflags:\t08\n",
		"pos:\t0\nflags:\t0777777777777777\n", "pos\t0\nflags\t02\n", "pos:\t0\nflags:\t02\nino:\tx\n", "\x00\xff:::",
	} {
		if file, err := parseFDInfo(text); err == nil {
			t.Errorf("%q gives %+v", text, file)
		}
	}
}
