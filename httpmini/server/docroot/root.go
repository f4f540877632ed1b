package docroot

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// Root is a directory that is served.
type Root struct {
	fd  int // O_PATH: a place to look up names from, not to be read
	dir string

	walks  bool             // openat2(2) is not to be had
	selfFD string           // "/proc/self/fd/"
	clock  func() time.Time // time.Now
}

// Open holds the directory as it is now. If another one takes its name later, the
// root stays where it is.
func Open(dir string) (*Root, error) {
	flags := unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	fd, errno := outcome(untold.Openat(unix.AT_FDCWD, dir, flags, 0))
	if errno != 0 {
		return nil, cannotServe(dir, errno)
	}
	r := &Root{fd: fd, dir: dir, selfFD: "/proc/self/fd/", clock: time.Now}
	err := r.probe()
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return r, nil
}

// probe looks up the root in itself. That needs the permission to go through it,
// as every name does, and shows whether there is an openat2(2): before Linux 5.6
// it is ENOSYS, and a seccomp(2) filter that does not know it may say EPERM.
func (r *Root) probe() error {
	fd, errno := outcome(untold.Openat2(r.fd, ".", beneath))
	if errno == unix.ENOSYS || errno == unix.EPERM {
		r.walks = true
		fd, errno = outcome(untold.Openat(r.fd, ".", unix.O_PATH|unix.O_CLOEXEC, 0))
	}
	if errno != 0 {
		return cannotServe(r.dir, errno)
	}
	unix.Close(fd)
	return nil
}

// untold is the Tracer of calls that nobody is told of.
var untold *sockets.Tracer

// outcome returns what a call gave: a descriptor, or a number of bytes.
func outcome(c sockets.Call) (int, unix.Errno) { return int(c.Ret), c.Errno }

func cannotServe(dir string, errno unix.Errno) error {
	hint := ""
	switch errno {
	case unix.ENOENT:
		hint = ": name a directory that is there"
		if dir == "" {
			hint = ": the name is empty; the working directory is ."
		}
	case unix.ENOTDIR:
		hint = fmt.Sprintf(": a server shows a directory; that of a file is %q", filepath.Dir(dir))
	case unix.EACCES:
		hint = ": serving it takes the permission x on it and on every directory above, and r on what is served (path_resolution(7))"
	}
	return fmt.Errorf("cannot serve %q: %w%s", dir, errno, hint)
}

// Close gives the descriptor back. Files that are open stay so.
func (r *Root) Close() error { return unix.Close(r.fd) }

// Gone returns what has become of the directory if its name leads to it no more, else
// "". Its files are served all the same, as far as they are there. The text leaves the
// name out, since a client may see it.
func (r *Root) Gone() string {
	var held, named unix.Stat_t
	if errno := untold.Fstat(r.fd, &held).Errno; errno != 0 {
		return ""
	}
	switch errno := untold.Newfstatat(unix.AT_FDCWD, r.dir, &named, 0).Errno; {
	case held.Nlink == 0:
		return "the directory that is served has been removed since the server started"
	case errno != 0:
		return "the directory that is served has been moved since the server started"
	case held.Dev != named.Dev || held.Ino != named.Ino:
		return "another directory has taken the name of the one that is served since the server started"
	}
	return ""
}

// Open opens the file that a name means beneath the root. The name is decoded; "" is the
// root, and slashes in front do not count. A regular file is open for reading
// then and belongs to the caller, who closes it; a directory is only looked at.
// The calls are made through t, which may be nil. An error is an *Error.
func (r *Root) Open(t *sockets.Tracer, name string) (f *File, err error) {
	err = persist(func() error {
		place, st, err := r.find(t, name)
		if err != nil {
			return err
		}
		f, err = r.open(t, name, place, st)
		return err
	})
	return f, err
}

// tries is how often a name is looked up that others rename meanwhile.
const tries = 32

// persist tries again what a change of names ran into: openat2(2) says EAGAIN
// when something was renamed while it followed a "..", anywhere on the machine.
func persist(try func() error) error {
	for range tries - 1 {
		if err := try(); !errors.Is(err, unix.EAGAIN) {
			return err
		}
	}
	return try()
}

// find looks up a name and what it is: a regular file or a directory. The place
// is an O_PATH descriptor and belongs to the caller.
func (r *Root) find(t *sockets.Tracer, name string) (place int, st state, err error) {
	place, err = r.resolve(t, name)
	if err != nil {
		return -1, st, err
	}
	st, err = look(t, name, place)
	if err != nil {
		t.Close(place)
		return -1, st, err
	}
	return place, st, nil
}

// open makes a File of a place, which it closes.
func (r *Root) open(t *sockets.Tracer, name string, place int, st state) (*File, error) {
	defer t.Close(place)
	f := &File{FD: -1, root: r, name: name, place: append([]byte(beneathRoot(name)), 0)}
	f.refs.Store(1)
	if st.directory {
		f.describe(st)
		return f, nil
	}
	var err error
	if f.FD, err = r.reopen(t, name, place, 0); err != nil {
		return nil, err
	}
	f.describe(st)
	return f, nil
}

// reopen opens the file at a place for reading. O_NONBLOCK and O_NOCTTY mean
// nothing to a file; they are for the worst case.
func (r *Root) reopen(t *sockets.Tracer, name string, place, flags int) (int, error) {
	flags |= unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	fd, errno := outcome(t.Openat(unix.AT_FDCWD, fmt.Sprint(r.selfFD, place), flags, 0))
	switch errno {
	case 0:
		return fd, nil
	case unix.ENOENT: // the file is there, since it was looked at
		return -1, &Error{Name: name, Errno: errno, Status: 500,
			Why: "a file is opened through /proc/self/fd, and there is no /proc here: proc(5)"}
	}
	return -1, refusal(name, errno)
}

// resolve finds the place of a name beneath the root. Symbolic links are followed
// as long as they stay there. One with an absolute path does not, wherever it
// ends, and the magic links of proc(5) are not followed at all.
func (r *Root) resolve(t *sockets.Tracer, name string) (int, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return -1, &Error{Name: name, Status: 400, Why: "the name has a NUL byte in it, where it would end for the kernel: path_resolution(7)"}
	}
	if r.walks {
		return r.walk(t, beneathRoot(name))
	}
	fd, errno := outcome(t.Openat2(r.fd, beneathRoot(name), beneath))
	if errno != 0 {
		return -1, refusal(name, errno)
	}
	return fd, nil
}

// beneathRoot makes of a name a path that begins at the root.
func beneathRoot(name string) string { return cmp.Or(strings.TrimLeft(name, "/"), ".") }

var beneath = unix.OpenHow{
	Flags:   unix.O_PATH | unix.O_CLOEXEC,
	Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
}
