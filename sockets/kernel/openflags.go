package kernel

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// openFlags names the bits that open(2) and fcntl(2) share. O_SYNC and
// O_TMPFILE contain other names' bits and stand before them.
var openFlags = []struct {
	bits int
	name string
}{
	{unix.O_CREAT, "O_CREAT"},
	{unix.O_EXCL, "O_EXCL"},
	{unix.O_NOCTTY, "O_NOCTTY"},
	{unix.O_TRUNC, "O_TRUNC"},
	{unix.O_APPEND, "O_APPEND"},
	{unix.O_NONBLOCK, "O_NONBLOCK"},
	{unix.O_SYNC, "O_SYNC"},
	{unix.O_DSYNC, "O_DSYNC"},
	{unix.O_ASYNC, "O_ASYNC"},
	{unix.O_DIRECT, "O_DIRECT"},
	{largeFile(), "O_LARGEFILE"},
	{unix.O_TMPFILE, "O_TMPFILE"},
	{unix.O_DIRECTORY, "O_DIRECTORY"},
	{unix.O_NOFOLLOW, "O_NOFOLLOW"},
	{unix.O_NOATIME, "O_NOATIME"},
	{unix.O_PATH, "O_PATH"},
	{unix.O_CLOEXEC, "O_CLOEXEC"},
}

// largeFile is O_LARGEFILE as the kernel has it. In the C library and in
// x/sys/unix it is 0 on 64-bit machines, where nobody has to ask for it; the
// kernel sets its own bit all the same.
func largeFile() int {
	switch runtime.GOARCH {
	case "arm", "arm64":
		return 0o400000
	case "ppc64", "ppc64le":
		return 0o200000
	case "mips", "mipsle", "mips64", "mips64le":
		return 0o20000
	default:
		return 0o100000
	}
}

// openFlagNames puts flags in words, the access mode first. That one is no set
// of bits but a number from 0 to 3: O_RDONLY is 0, and 3 has no name.
func openFlagNames(flags int) []string {
	names := []string{[]string{"O_RDONLY", "O_WRONLY", "O_RDWR", "03"}[flags&unix.O_ACCMODE]}
	rest := flags &^ unix.O_ACCMODE
	for _, flag := range openFlags {
		if rest&flag.bits == flag.bits {
			names = append(names, flag.name)
			rest &^= flag.bits
		}
	}
	if rest != 0 {
		names = append(names, fmt.Sprintf("0%o", rest))
	}
	return names
}
