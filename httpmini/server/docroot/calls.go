package docroot

import (
	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// calls makes the system calls: through a Tracer if anybody listens to it, else
// directly, since to put them in words takes longer than to make them.
type calls struct{ tracer *sockets.Tracer }

func (c calls) told() bool { return c.tracer != nil && c.tracer.Observe != nil }

func (c calls) openat2(dirfd int, path string, how unix.OpenHow) (int, unix.Errno) {
	if c.told() {
		call := c.tracer.Openat2(dirfd, path, how)
		return int(call.Ret), call.Errno
	}
	return uninterrupted(func() (int, error) { return unix.Openat2(dirfd, path, &how) })
}

func (c calls) openat(dirfd int, path string, flags int) (int, unix.Errno) {
	if c.told() {
		call := c.tracer.Openat(dirfd, path, flags, 0)
		return int(call.Ret), call.Errno
	}
	return uninterrupted(func() (int, error) { return unix.Openat(dirfd, path, flags, 0) })
}

func (c calls) fstat(fd int, st *unix.Stat_t) unix.Errno {
	if c.told() {
		return c.tracer.Fstat(fd, st).Errno
	}
	_, errno := uninterrupted(func() (int, error) { return 0, unix.Fstat(fd, st) })
	return errno
}

func (c calls) fstatat(dirfd int, path string, st *unix.Stat_t, flags int) unix.Errno {
	if c.told() {
		return c.tracer.Newfstatat(dirfd, path, st, flags).Errno
	}
	_, errno := uninterrupted(func() (int, error) { return 0, unix.Fstatat(dirfd, path, st, flags) })
	return errno
}

func (c calls) pread(fd int, buf []byte, offset int64) (int, unix.Errno) {
	if c.told() {
		call := c.tracer.Pread64(fd, buf, offset)
		return int(call.Ret), call.Errno
	}
	return uninterrupted(func() (int, error) { return unix.Pread(fd, buf, offset) })
}

func (c calls) getdents(fd int, buf []byte) (int, unix.Errno) {
	if c.told() {
		call := c.tracer.Getdents64(fd, buf)
		return int(call.Ret), call.Errno
	}
	return uninterrupted(func() (int, error) { return unix.Getdents(fd, buf) })
}

func (c calls) close(fd int) {
	if c.told() {
		c.tracer.Close(fd)
		return
	}
	unix.Close(fd)
}

// uninterrupted makes a call again that a signal interrupted (EINTR, signal(7)),
// as a Tracer does.
func uninterrupted(call func() (int, error)) (int, unix.Errno) {
	for {
		n, err := call()
		if err == nil {
			return n, 0
		}
		if errno, _ := err.(unix.Errno); errno != unix.EINTR {
			return -1, errno
		}
	}
}
