package sockets

import (
	"os"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The memory of a process is read as far as it is there.
func TestProcessMemory(t *testing.T) {
	page := os.Getpagesize()
	b, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(b)
	if err := unix.Mprotect(b[page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	copy(b[page-5:page], "hello")
	hello := uint64(uintptr(unsafe.Pointer(&b[page-5])))
	memory := ProcessMemory(os.Getpid())

	for _, test := range []struct {
		address uint64
		size    int
		want    string
	}{{hello, 5, "hello"}, {hello, 2, "he"}, {hello, 0, ""}, {hello, 6, "hello"}, {hello + 5, 1, ""}, {0, 1, ""}} {
		got := make([]byte, test.size)
		if n := memory.ReadMemory(test.address, got); n != len(test.want) || string(got[:n]) != test.want {
			t.Errorf("%d bytes at %#x: %d, %q", test.size, test.address, n, got)
		}
	}
	if n := ProcessMemory(-1).ReadMemory(hello, make([]byte, 1)); n != 0 {
		t.Errorf("%d bytes of no process", n)
	}

	if got := Describe(unix.SYS_WRITE, Registers{1, hello, 5}, memory).Strace(); !strings.HasPrefix(got, `write(1, "hello", 5`) {
		t.Error(got)
	}
	if got := Describe(unix.SYS_WRITE, Registers{1, hello + 5, 5}, memory).Strace(); !strings.HasPrefix(got, "write(1, 0x") {
		t.Error(got)
	}
}
