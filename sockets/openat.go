package sockets

import (
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Openat wraps openat(2): path from the directory dirfd on, or from the working
// directory with AT_FDCWD. The mode counts only where the flags make a file. A
// path goes to the kernel as far as its first NUL byte: a caller refuses such
// paths before.
func (t *Tracer) Openat(dirfd int, path string, flags int, mode uint32) Call {
	path, pointer := cPath(path)
	c := Call{
		Name: "openat",
		FD:   dirfd,
		Args: []Arg{in("dirfd", dirName(dirfd)), in("pathname", pathText(path)), in("flags", OpenFlagNames(uint64(flags)))},
		C:    fmt.Sprintf("int fd = openat(%s, %s, %s);", dirName(dirfd), cString([]byte(path)), cNames(OpenFlagNames(uint64(flags)))),
		Go:   fmt.Sprintf("fd, err := unix.Openat(%s, %q, %s, %#o)", goDirName(dirfd), path, goNames(OpenFlagNames(uint64(flags))), mode),
	}
	if makesFile(uint64(flags)) {
		c.Args = append(c.Args, in("mode", fmt.Sprintf("0%02o", mode)))
		c.C = strings.TrimSuffix(c.C, ");") + fmt.Sprintf(", 0%02o);", mode)
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(dirfd), uintptr(unsafe.Pointer(pointer)), uintptr(flags), uintptr(mode), 0, 0)
		return fd, errno
	}, nil)
}

// Openat2 wraps openat2(2), which can also say where a path must not lead:
// with RESOLVE_BENEATH it never leaves dirfd, and EXDEV says that it would have.
// A path goes to the kernel as far as its first NUL byte: a caller refuses such
// paths before.
func (t *Tracer) Openat2(dirfd int, path string, how unix.OpenHow) Call {
	path, pointer := cPath(path)
	flags, resolve := OpenFlagNames(how.Flags), several(resolveFlags, int(how.Resolve), "RESOLVE_")
	mode, cMode, goMode := "", "", ""
	if makesFile(how.Flags) || how.Mode != 0 {
		mode = fmt.Sprintf(", mode=0%02o", how.Mode)
		cMode = fmt.Sprintf(", .mode = 0%02o", how.Mode)
		goMode = fmt.Sprintf(", Mode: %#o", how.Mode)
	}
	c := Call{
		Name: "openat2",
		FD:   dirfd,
		Args: []Arg{
			in("dirfd", dirName(dirfd)),
			in("pathname", pathText(path)),
			in("how", fmt.Sprintf("{flags=%s%s, resolve=%s}", flags, mode, resolve)),
			inInt("size", unix.SizeofOpenHow),
		},
		C: fmt.Sprintf("struct open_how how = {.flags = %s%s, .resolve = %s}; int fd = syscall(SYS_openat2, %s, %s, &how, sizeof how);",
			cNames(flags), cMode, cNames(resolve), dirName(dirfd), cString([]byte(path))),
		Go: fmt.Sprintf("fd, err := unix.Openat2(%s, %q, &unix.OpenHow{Flags: %s%s, Resolve: %s})",
			goDirName(dirfd), path, goNames(flags), goMode, goNames(resolve)),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT2, uintptr(dirfd), uintptr(unsafe.Pointer(pointer)),
			uintptr(unsafe.Pointer(&how)), unix.SizeofOpenHow, 0, 0)
		return fd, errno
	}, nil)
}

// cPath is a path as the kernel reads it, up to the first NUL, and its bytes
// with the NUL that ends it.
func cPath(path string) (string, *byte) {
	path, _, _ = strings.Cut(path, "\x00")
	b := make([]byte, len(path)+1)
	copy(b, path)
	return path, &b[0]
}

// pathText is a path as strace(1) prints it: whole, as far as a path can go.
func pathText(path string) string {
	if len(path) >= unix.PathMax {
		return cString([]byte(path[:unix.PathMax-1])) + "..."
	}
	return cString([]byte(path))
}

func dirName(dirfd int) string {
	if dirfd == unix.AT_FDCWD {
		return "AT_FDCWD"
	}
	return fmt.Sprint(dirfd)
}

func goDirName(dirfd int) string {
	if dirfd == unix.AT_FDCWD {
		return "unix.AT_FDCWD"
	}
	return fmt.Sprint(dirfd)
}

// OpenFlagNames is the flags of open(2) as strace(1) prints them: the access mode,
// which is a number from 0 to 3 and no set of bits, then the flags, and as hex what
// has no name.
func OpenFlagNames(flags uint64) string {
	access := [...]string{"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"}[flags&unix.O_ACCMODE]
	if rest := flags &^ unix.O_ACCMODE; rest != 0 {
		more := several(openFlags, int(rest), "O_")
		more, _, _ = strings.Cut(more, " ") // behind another name a number stands alone
		return access + "|" + more
	}
	return access
}

func makesFile(flags uint64) bool {
	return flags&unix.O_CREAT != 0 || flags&unix.O_TMPFILE == unix.O_TMPFILE
}
