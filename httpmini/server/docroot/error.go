package docroot

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// Error is why a name is not served.
type Error struct {
	Name   string     // beneath the root
	Errno  unix.Errno // what the kernel said; 0 where it was not asked, or agreed
	Status int        // of the HTTP response
	Why    string     // for a person, without a capital and a full stop
}

func (e *Error) Error() string { return fmt.Sprintf("%q: %s", e.Name, e.Why) }

// Unwrap is the errno, so that errors.Is(err, unix.ENOENT) works.
func (e *Error) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// refusal is the Error of an errno.
func refusal(name string, errno unix.Errno) *Error {
	e := &Error{Name: name, Errno: errno, Status: 404}
	switch errno {
	case unix.ENOENT:
		e.Why = "there is no file of this name"
	case unix.ENOTDIR:
		e.Why = "what stands before a slash in the path is not a directory"
	case unix.ENAMETOOLONG:
		e.Why = "a name in the path is longer than any file's: path_resolution(7)"
	case unix.ELOOP:
		e.Why = "the symbolic links in the path lead round in a circle, or through a magic link of proc(5)"
	case unix.EXDEV:
		e.Status, e.Why = 403, "the path leads out of the directory that is served, and openat2(2) with RESOLVE_BENEATH stops there"
	case unix.EACCES, unix.EPERM:
		e.Status, e.Why = 403, "the server may not read this: the permissions of the file or of a directory above it do not allow it"
	case unix.EMFILE:
		e.Status, e.Why = 503, "the server has as many descriptors open as it may (RLIMIT_NOFILE, getrlimit(2)), and none is left for the file"
	case unix.ENFILE:
		e.Status, e.Why = 503, "as many files are open on this machine as it allows: /proc/sys/fs/file-max"
	case unix.ENOMEM:
		e.Status, e.Why = 503, "the kernel has no memory left to open the file with"
	case unix.EAGAIN:
		e.Status, e.Why = 503, "files are being renamed faster than the server can look this one up: try again"
	default:
		e.Status, e.Why = 500, "the file cannot be read: "+sockets.Meaning(errno)
	}
	return e
}

// notServed is the Error of something that is neither a file nor a directory.
func notServed(name string, mode uint32) *Error {
	what := "something that is neither"
	switch mode & unix.S_IFMT {
	case unix.S_IFIFO:
		what = "a FIFO (fifo(7)), and opening it would wait for a writer"
	case unix.S_IFSOCK:
		what = "a socket (unix(7))"
	case unix.S_IFCHR, unix.S_IFBLK:
		what = "a device"
	case unix.S_IFLNK: // met only where openat2(2) is missing
		return &Error{Name: name, Errno: unix.ELOOP, Status: 403,
			Why: "a symbolic link stands in the path, and this kernel has no openat2(2) that would see where it leads"}
	}
	return &Error{Name: name, Status: 403, Why: "only files and directories are served, and this is " + what}
}
