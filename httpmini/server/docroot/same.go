package docroot

import (
	"bytes"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// same reports whether the name leads to this file still, and the file is in the state
// in which it was read. A state that may stay while the content changes proves nothing.
//
// It is asked for each request, so it allocates nothing.
func (r *Root) same(t *sockets.Tracer, f *File) bool {
	if !f.settled {
		return false
	}
	var st unix.Stat_t
	if bytes.IndexByte(f.place, '/') < 0 {
		errno := stat(t, r.fd, f.place, &st)
		switch {
		case errno != 0:
			return false
		case st.Mode&unix.S_IFMT != unix.S_IFLNK: // else it may lead out of the root
			return f.unchanged(&st)
		}
	}
	if t.Observed() || r.walks {
		place, now, err := r.find(t, f.name)
		if err != nil {
			return false
		}
		t.Close(place)
		return now == f.state
	}
	return r.statBeneath(f.place, &st) == 0 && f.unchanged(&st)
}

func (f *File) unchanged(st *unix.Stat_t) bool {
	now, err := stateOf(f.name, st)
	return err == nil && now == f.state
}

// stat is fstatat(2) of a name that ends in NUL. A symbolic link is not followed. A
// Tracer would put st on the heap, so it makes the call only where that is told.
func stat(t *sockets.Tracer, dirfd int, name []byte, st *unix.Stat_t) unix.Errno {
	if t.Observed() {
		told := new(unix.Stat_t) // the other does not escape
		errno := t.Newfstatat(dirfd, string(name[:len(name)-1]), told, unix.AT_SYMLINK_NOFOLLOW).Errno
		*st = *told
		return errno
	}
	for {
		_, _, errno := unix.Syscall6(unix.SYS_NEWFSTATAT, uintptr(dirfd), uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(st)), unix.AT_SYMLINK_NOFOLLOW, 0, 0)
		if errno != unix.EINTR {
			return errno
		}
	}
}

// statBeneath looks up a place that ends in NUL, and what it is.
func (r *Root) statBeneath(place []byte, st *unix.Stat_t) unix.Errno {
	for range tries {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT2, uintptr(r.fd), uintptr(unsafe.Pointer(&place[0])), uintptr(unsafe.Pointer(&beneath)), unix.SizeofOpenHow, 0, 0)
		switch errno {
		case 0:
			_, _, errno = unix.RawSyscall(unix.SYS_FSTAT, fd, uintptr(unsafe.Pointer(st)), 0)
			unix.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
			return errno
		case unix.EAGAIN, unix.EINTR:
		default:
			return errno
		}
	}
	return unix.EAGAIN
}
