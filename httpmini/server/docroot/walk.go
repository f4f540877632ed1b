package docroot

import (
	"strings"

	"golang.org/x/sys/unix"
)

// walk is resolve without openat2(2): one name after the other, each from the
// descriptor of the directory before, so that nothing that is renamed meanwhile
// leads elsewhere. It knows no way to follow a symbolic link or ".." safely, and
// refuses both.
func (r *Root) walk(c calls, path string) (int, error) {
	names := strings.Split(path, "/")
	at := r.fd
	for _, name := range names {
		if name == "" { // two slashes, or one at the end: it has to be a directory
			name = "."
		}
		if name == ".." {
			r.leave(c, at)
			return -1, &Error{Name: path, Errno: unix.EXDEV, Status: 403,
				Why: `".." may lead out of the directory that is served, and this kernel has no openat2(2) that would see it`}
		}
		next, errno := c.openat(at, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC)
		r.leave(c, at)
		if errno != 0 {
			return -1, refusal(path, errno)
		}
		var st unix.Stat_t
		if errno := c.fstat(next, &st); errno != 0 {
			c.close(next)
			return -1, refusal(path, errno)
		}
		if st.Mode&unix.S_IFMT == unix.S_IFLNK { // O_PATH opens the link itself
			c.close(next)
			return -1, notServed(path, st.Mode)
		}
		at = next
	}
	return at, nil
}

// leave closes a directory on the way; the root stays.
func (r *Root) leave(c calls, at int) {
	if at != r.fd {
		c.close(at)
	}
}
