package docroot

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
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

// These bound what a Listing holds, and how many there are at a time: the names of a
// directory are anybody's to choose.
const (
	maxNames     = 10000
	maxNameBytes = 1 << 20
	MaxListings  = 16 // each has a descriptor

	dentsSize = 8 << 10 // of one getdents64(2): a few hundred names
)

// Listing is the names in a directory as they were when it was asked for. They are
// read piece by piece, so that nobody waits long for a large one, and those who ask
// for the same directory in the same state share them. It may be used by several
// threads at a time.
type Listing struct {
	// Valid when Read has reported that the listing is complete.
	Dirs, Files int
	Truncated   bool // it has more than these

	cache *Cache
	dir   *File
	users int // guarded by Cache.mu

	mu       sync.Mutex
	fd       int
	names    []name // sorted when complete
	bytes    int    // of all names
	complete bool
	failed   error // *Error
}

// name is one in a directory.
type name struct {
	text, lower string
	dir         bool
}

// List begins to list a directory that Open has just given, or goes on with those who
// do so already, if it is certain that nothing has changed since they began. The
// caller closes the Listing. The error is an *Error.
func (c *Cache) List(t *sockets.Tracer, f *File) (*Listing, error) {
	c.mu.Lock()
	for l := range c.listings {
		if l.dir.settled && l.dir.state == f.state {
			l.users++
			c.mu.Unlock()
			return l, nil
		}
	}
	if len(c.listings) == MaxListings {
		c.mu.Unlock()
		return nil, &Error{Name: f.name, Status: 503, Why: fmt.Sprintf("%d directories are being listed already, and that is the limit here", MaxListings)}
	}
	l := &Listing{cache: c, dir: f, users: 1, fd: -1}
	l.mu.Lock() // nobody reads before it is open
	defer l.mu.Unlock()
	if c.listings == nil {
		c.listings = make(map[*Listing]bool)
	}
	c.listings[l] = true
	c.mu.Unlock()
	l.failed = persist(func() error {
		place, _, err := f.root.find(t, f.name)
		if err != nil {
			return err
		}
		defer t.Close(place)
		l.fd, err = f.root.reopen(t, f.name, place, unix.O_DIRECTORY)
		return err
	})
	if l.failed != nil {
		c.mu.Lock()
		delete(c.listings, l)
		c.mu.Unlock()
	}
	return l, l.failed
}

// Close ends a user's use of the Listing.
func (l *Listing) Close(t *sockets.Tracer) {
	l.cache.mu.Lock()
	l.users--
	last := l.users == 0
	if last {
		delete(l.cache.listings, l)
	}
	l.cache.mu.Unlock()
	if last && l.fd >= 0 {
		t.Close(l.fd)
	}
}

// Read reads on, a few hundred names, and reports whether these are all. Names with a
// dot in front or with a control byte are left out, since nobody can ask for them, and
// so are FIFOs and the like, and symbolic links that lead out of the root or nowhere.
func (l *Listing) Read(t *sockets.Tracer) (complete bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.complete || l.failed != nil {
		return l.complete, l.failed
	}
	buf := make([]byte, dentsSize)
	n, errno := outcome(t.Getdents64(l.fd, buf))
	if errno != 0 {
		l.failed = refusal(l.dir.name, errno)
		return false, l.failed
	}
	for rest := buf[:n]; len(rest) > 0; {
		var text string
		var kind byte
		text, kind, rest = nextName(rest)
		dir, served := l.serves(t, text, kind)
		if !served {
			continue
		}
		if len(l.names) == maxNames || l.bytes+len(text) > maxNameBytes {
			l.Truncated = true
			n = 0
			break
		}
		l.bytes += len(text)
		l.names = append(l.names, name{text, strings.ToLower(text), dir})
		if dir {
			l.Dirs++
		} else {
			l.Files++
		}
	}
	if n == 0 {
		slices.SortFunc(l.names, name.compare)
		l.complete = true
	}
	return l.complete, nil
}

// compare puts directories first, and then goes by the letters, in either case.
func (a name) compare(b name) int {
	switch {
	case a.dir && !b.dir:
		return -1
	case b.dir && !a.dir:
		return 1
	}
	return cmp.Or(strings.Compare(a.lower, b.lower), strings.Compare(a.text, b.text))
}

// serves reports whether a name of this type (d_type, readdir(3)) is served, and
// whether it is a directory. Where the type does not say, the kernel is asked.
func (l *Listing) serves(t *sockets.Tracer, text string, kind byte) (dir, served bool) {
	if hidden(text) {
		return false, false
	}
	switch kind {
	case unix.DT_REG, unix.DT_DIR:
		return kind == unix.DT_DIR, true
	case unix.DT_LNK, unix.DT_UNKNOWN:
		st, ok := l.dir.lookAt(t, l.fd, text)
		return st.directory, ok
	}
	return false, false
}

// Rows returns at most so many names from a number on, as the disk has them now, and
// the number to go on from; -1 after the last. Names that have gone meanwhile are left
// out.
func (l *Listing) Rows(t *sockets.Tracer, from, most int) (rows []Dirent, next int) {
	l.mu.Lock() // for the others
	fd, names := l.fd, l.names
	l.mu.Unlock()
	next = min(from+most, len(names))
	for _, n := range names[from:next] {
		if st, ok := l.dir.lookAt(t, fd, n.text); ok {
			rows = append(rows, Dirent{n.text, st.directory, st.size, time.Unix(st.mtime.Unix())})
		}
	}
	if next == len(names) {
		next = -1
	}
	return rows, next
}

// nextName takes a struct linux_dirent64 from what getdents64(2) wrote: inode,
// offset, length of the whole, type, and the name with a NUL behind it.
func nextName(b []byte) (name string, kind byte, rest []byte) {
	const reclen, kindAt, start = 16, 18, 19
	size := int(binary.NativeEndian.Uint16(b[reclen:]))
	text, _, _ := bytes.Cut(b[start:size], []byte{0})
	return string(text), b[kindAt], b[size:]
}

// hidden reports whether a path cannot name it: see httpmini.AppendPath.
func hidden(name string) bool {
	return name == "" || name[0] == '.' || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// lookAt returns the state of the file or directory that a name in the directory fd
// stands for, and whether it is served at all.
func (f *File) lookAt(t *sockets.Tracer, fd int, name string) (state, bool) {
	var st unix.Stat_t
	if t.Newfstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW).Errno != 0 {
		return state{}, false // it has just been removed
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		s, err := stateOf(name, &st)
		return s, err == nil
	}
	place, s, err := f.root.find(t, strings.TrimSuffix(f.name, "/")+"/"+name)
	if err != nil {
		return s, false
	}
	t.Close(place)
	return s, true
}
