package docroot

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// Dirent is a name in a directory that is served.
type Dirent struct {
	Name     string
	Dir      bool
	Size     int64     // in bytes; of a file
	Modified time.Time // of a file's content
}

// Entries are up to max names of a directory, in no order; truncated says that it
// has more. Names with a dot in front or with a control byte are left out, since
// nobody can ask for them, and so are FIFOs and the like, and symbolic links that
// lead out of the root or nowhere. The error is an *Error.
func (f *File) Entries(t *sockets.Tracer, max int) (entries []Dirent, truncated bool, err error) {
	c, r := calls{t}, f.root
	var fd int
	err = persist(func() error {
		place, _, err := r.find(c, f.name)
		if err != nil {
			return err
		}
		defer c.close(place)
		fd, err = r.reopen(c, f.name, place, unix.O_DIRECTORY)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	defer c.close(fd)
	buf := make([]byte, 32<<10)
	for {
		n, errno := c.getdents(fd, buf)
		if errno != 0 {
			return nil, false, refusal(f.name, errno)
		}
		if n == 0 {
			return entries, false, nil
		}
		for rest := buf[:n]; len(rest) > 0; {
			var name string
			name, rest = nextName(rest)
			if hidden(name) {
				continue
			}
			st, ok := f.lookAt(c, fd, name)
			if !ok {
				continue
			}
			if len(entries) == max {
				return entries, true, nil
			}
			entries = append(entries, Dirent{name, st.directory, st.size, time.Unix(st.mtime.Unix())})
		}
	}
}

// nextName takes a struct linux_dirent64 from what getdents64(2) wrote: inode,
// offset, length of the whole, type, and the name with a NUL behind it.
func nextName(b []byte) (name string, rest []byte) {
	const reclen, start = 16, 19
	size := int(binary.NativeEndian.Uint16(b[reclen:]))
	text, _, _ := bytes.Cut(b[start:size], []byte{0})
	return string(text), b[size:]
}

// hidden is what a path cannot name: see httpmini.AppendPath.
func hidden(name string) bool {
	return name == "" || name[0] == '.' || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// lookAt is the state of what a name in the directory fd stands for, if that is
// served at all.
func (f *File) lookAt(c calls, fd int, name string) (state, bool) {
	var st unix.Stat_t
	if c.fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != 0 {
		return state{}, false // it has just been removed
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		s, err := stateOf(name, &st)
		return s, err == nil
	}
	place, s, err := f.root.find(c, strings.TrimSuffix(f.name, "/")+"/"+name)
	if err != nil {
		return s, false
	}
	c.close(place)
	return s, true
}
