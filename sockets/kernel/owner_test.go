package kernel

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOwners(t *testing.T) {
	fd := socket(t, unix.AF_INET, unix.SOCK_STREAM)
	dup, err := unix.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dup)
	owners, hidden, err := Owners(inode(t, fd))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v, and %d hidden", owners, hidden)
	comm, err := Comm(unix.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Owner{{unix.Getpid(), comm, fd}, {unix.Getpid(), comm, dup}} {
		if !slices.Contains(owners, want) {
			t.Errorf("no %+v in %+v", want, owners)
		}
	}
	if len(owners) != 2 {
		t.Errorf("owners %+v", owners)
	}
	if unix.Getuid() != 0 && hidden == 0 {
		t.Error("a plain user may look into every process")
	}
	if owners, hidden, err := Owners(0); owners != nil || hidden != 0 || err != nil {
		t.Errorf("inode 0: %+v, %d, %v", owners, hidden, err)
	}
}

func TestIsKernelThread(t *testing.T) {
	if isKernelThread(unix.Getpid()) || isKernelThread(-1) {
		t.Error("we are no kernel thread")
	}
	if comm, err := Comm(2); err == nil && comm == "kthreadd" && !isKernelThread(2) {
		t.Error("kthreadd is one")
	}
}

func TestSameFile(t *testing.T) {
	fd := socket(t, unix.AF_INET, unix.SOCK_STREAM)
	other := socket(t, unix.AF_INET, unix.SOCK_STREAM)
	dup, err := unix.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dup)
	pid := unix.Getpid()
	same, err := SameFile(pid, fd, pid, dup)
	if errors.Is(err, unix.ENOSYS) {
		t.Skip(err)
	}
	if err != nil || !same {
		t.Errorf("after dup: %v, %v", same, err)
	}
	if same, err := SameFile(pid, fd, pid, other); err != nil || same {
		t.Errorf("two sockets: %v, %v", same, err)
	}
	if _, err := SameFile(pid, fd, pid, 1<<20); !errors.Is(err, unix.EBADF) || !strings.Contains(err.Error(), "1048576") {
		t.Errorf("no such descriptor: %v", err)
	}
	if _, err := SameFile(pid, fd, 1<<30, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("no such process: %v", err)
	}
	if unix.Getuid() != 0 {
		if _, err := SameFile(pid, fd, 1, 0); !errors.Is(err, unix.EPERM) {
			t.Errorf("a process of root: %v", err)
		}
	}
}
