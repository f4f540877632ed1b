package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Fstat wraps fstat(2): what fd is, written to *st.
func (t *Tracer) Fstat(fd int, st *unix.Stat_t) Call {
	c := Call{
		Name: "fstat",
		FD:   fd,
		Args: []Arg{inInt("fd", fd), out("statbuf")},
		C:    fmt.Sprintf("struct stat st; fstat(%d, &st);", fd),
		Go:   fmt.Sprintf("var st unix.Stat_t; err := unix.Fstat(%d, &st)", fd),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		_, _, errno := unix.Syscall(unix.SYS_FSTAT, uintptr(fd), uintptr(unsafe.Pointer(st)), 0)
		return 0, errno
	}, func(c *Call) { c.fill(1, statText(c, st)) })
}

// Newfstatat wraps fstatat(2), whose system call bears this name: what path is,
// from the directory dirfd on, written to *st. With AT_SYMLINK_NOFOLLOW a
// symbolic link is told of itself.
func (t *Tracer) Newfstatat(dirfd int, path string, st *unix.Stat_t, flags int) Call {
	path, pointer := cPath(path)
	names := several(atFlags, flags, "AT_")
	c := Call{
		Name: "newfstatat",
		FD:   dirfd,
		Args: []Arg{in("dirfd", dirName(dirfd)), in("pathname", pathText(path)), out("statbuf"), in("flags", names)},
		C:    fmt.Sprintf("struct stat st; fstatat(%s, %s, &st, %s);", dirName(dirfd), cString([]byte(path)), cNames(names)),
		Go:   fmt.Sprintf("var st unix.Stat_t; err := unix.Fstatat(%s, %q, &st, %s)", goDirName(dirfd), path, goNames(names)),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		_, _, errno := unix.Syscall6(unix.SYS_NEWFSTATAT, uintptr(dirfd), uintptr(unsafe.Pointer(pointer)),
			uintptr(unsafe.Pointer(st)), uintptr(flags), 0, 0)
		return 0, errno
	}, func(c *Call) { c.fill(2, statText(c, st)) })
}

// statText is a struct stat in the short form that strace(1) prints: type,
// permissions and size, or the number of a device.
func statText(c *Call, st *unix.Stat_t) string {
	if c.Errno != 0 {
		return address(unsafe.Pointer(st))
	}
	rest := fmt.Sprintf("st_size=%d", st.Size)
	if format := st.Mode & unix.S_IFMT; format == unix.S_IFCHR || format == unix.S_IFBLK {
		dev := uint64(st.Rdev)
		rest = fmt.Sprintf("st_rdev=makedev(%#x, %s)", unix.Major(dev), hex(unix.Minor(dev)))
	}
	return fmt.Sprintf("{st_mode=%s, %s, ...}", modeName(uint32(st.Mode)), rest)
}

// modeName is st_mode in words: inode(7).
func modeName(mode uint32) string {
	name := one(fileTypes, int(mode&unix.S_IFMT), "S_")
	if special := int(mode) &^ unix.S_IFMT &^ 0o777; special != 0 {
		name += "|" + several(modeBits, special, "S_")
	}
	return fmt.Sprintf("%s|0%02o", name, mode&0o777)
}

func hex(n uint32) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%#x", n)
}
