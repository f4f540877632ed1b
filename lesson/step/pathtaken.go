package step

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
)

// A takenPath is what lies at the path that bind(2) found taken, or that another
// call found no socket at.
type takenPath struct {
	path string
	file unix.Stat_t // of lstat(2)
	mode uint32      // its st_mode; 0: nothing lies there any more

	// bound is what connect(2) of a datagram socket says of a socket's file:
	// ECONNREFUSED where no socket is bound to it, in whatever network namespace;
	// EPROTOTYPE where one of another type is (unix_find_bsd in net/unix/af_unix.c).
	// Nobody at the other end sees it.
	bound unix.Errno
}

// lookAtPath asks the kernel.
func lookAtPath(path string) takenPath {
	t := takenPath{path: path}
	if unix.Lstat(path, &t.file) != nil {
		return t
	}
	if t.mode = t.file.Mode; !t.socket() {
		return t
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.bound, _ = err.(unix.Errno)
		return t
	}
	defer unix.Close(fd)
	t.bound, _ = unix.Connect(fd, &unix.SockaddrUnix{Name: path}).(unix.Errno)
	return t
}

func (t takenPath) socket() bool { return t.mode&unix.S_IFMT == unix.S_IFSOCK }

// orphan reports whether the file is a socket's, and no socket is bound to it.
func (t takenPath) orphan() bool { return t.socket() && t.bound == unix.ECONNREFUSED }

// kind is what the file is, in a word of inode(7).
func (t takenPath) kind() string {
	switch t.mode & unix.S_IFMT {
	case unix.S_IFSOCK:
		return "a socket"
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFREG:
		return "a regular file"
	case unix.S_IFLNK:
		return "a symbolic link"
	case unix.S_IFIFO:
		return "a FIFO"
	case unix.S_IFCHR:
		return "a character device"
	case unix.S_IFBLK:
		return "a block device"
	}
	return "a file"
}

// holder says who has the path, where no table of the kernel does.
func (t takenPath) holder() string {
	switch {
	case t.mode == 0:
		return "nobody any more: the file is gone"
	case !t.socket():
		return "no socket: it is " + t.kind()
	case t.orphan():
		return "no socket: only the file is left"
	case t.bound == 0, t.bound == unix.EPROTOTYPE:
		return "a socket that is not in the kernel's table here: it may be of another network namespace"
	}
	return "a socket that may be in use: `connect` to it says " + sockets.Meaning(t.bound)
}

// taken is what lies at the path of a bind(2) that failed with EADDRINUSE. It is
// looked at once, so that words and evidence agree.
func (s *scene) taken() (takenPath, bool) {
	if s.call.Name != "bind" || s.call.Errno != unix.EADDRINUSE || !strings.HasPrefix(s.order.Addr.Path(), "/") {
		return takenPath{}, false
	}
	if s.atPath == nil {
		t := lookAtPath(s.order.Addr.Path())
		s.atPath = &t
	}
	return *s.atPath, true
}

// atTarget is what lies at the path that a call found no socket at, where the links on
// the way lead: those calls follow them, and bind(2) does not.
func (s *scene) atTarget() (takenPath, bool) {
	if s.call.Errno != unix.ECONNREFUSED || !strings.HasPrefix(s.order.Addr.Path(), "/") {
		return takenPath{}, false
	}
	if s.atPath == nil {
		path, err := filepath.EvalSymlinks(s.order.Addr.Path())
		if err != nil {
			return takenPath{}, false
		}
		t := lookAtPath(path)
		s.atPath = &t
	}
	return *s.atPath, s.atPath.mode != 0
}

// pathHolder is the socket that bind(2) made the file for which lies at the path
// that it was asked for, or one that once had that path. Of those that qualify it is
// the one that listens, since its connections have the same file.
func (s *scene) pathHolder() (holder kernel.UnixSocket, ok bool) {
	t, is := s.taken()
	if is && (!t.socket() || t.orphan()) {
		return kernel.UnixSocket{}, false
	}
	best := 0
	for _, row := range s.net().unix {
		rank := 0
		switch {
		case row.Inode == 0:
		case is && row.Made(&t.file):
			rank = 3
		case row.Path == s.order.Addr.Path():
			rank = 1
		}
		if rank > 0 && row.State == kernel.Listen {
			rank++
		}
		if rank > best {
			best, holder = rank, row
		}
	}
	return holder, best > 0
}
