package docroot

import (
	"strings"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// walk is resolve without openat2(2): one name after the other, each from the
// descriptor of the directory before, so that nothing that is renamed meanwhile
// leads elsewhere. It knows no way to follow a symbolic link or ".." safely, and
// refuses both.
func (r *Root) walk(t *sockets.Tracer, path string) (int, error) {
	names := strings.Split(path, "/")
	at := r.fd
	for _, name := range names {
		if name == "" { // two slashes, or one at the end: it has to be a directory
			name = "."
		}
		if name == ".." {
			r.leave(t, at)
			return -1, &Error{Name: path, Errno: unix.EXDEV, Status: 403,
				Why: `".." may lead out of the directory that is served, and this kernel has no openat2(2) that would see it`}
		}
		next, errno := outcome(t.Openat(at, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0))
		r.leave(t, at)
		if errno != 0 {
			return -1, refusal(path, errno)
		}
		var st unix.Stat_t
		if errno := t.Fstat(next, &st).Errno; errno != 0 {
			t.Close(next)
			return -1, refusal(path, errno)
		}
		if st.Mode&unix.S_IFMT == unix.S_IFLNK { // O_PATH opens the link itself
			t.Close(next)
			return -1, notServed(path, st.Mode)
		}
		at = next
	}
	return at, nil
}

// leave closes a directory on the way; the root stays.
func (r *Root) leave(t *sockets.Tracer, at int) {
	if at != r.fd {
		t.Close(at)
	}
}
