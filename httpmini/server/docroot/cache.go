package docroot

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/sockets"
)

// These bound what a Cache holds.
const (
	MaxOpen = 32 // descriptors

	maxContent = 64 << 10 // bytes of a file that is kept as bytes
	maxEntries = 512
	maxBytes   = 16 << 20
	maxKey     = 256 // bytes of a path
	idle       = 10 * time.Second

	// maxUnsized is how much is read of a file that does not say its size, as in
	// proc(5).
	maxUnsized = 1 << 20
)

// index is the file that stands for its directory.
const index = "index.html"

// Cache keeps what paths stand for. It may be used by several threads at a time.
type Cache struct {
	// Prepare, if set, sees an Entry of a regular file once, before anybody else
	// does. It may fill Answer; if the content is in that, it lets Content be that
	// part, so that it is kept once.
	Prepare func(*Entry)

	root *Root

	mu      sync.Mutex
	entries map[string]*Entry
	ring    []*Entry // the same, in the order of the clock
	hand    int
	bytes   int // of all entries
	open    int // descriptors of all entries

	listings map[*Listing]bool // that somebody reads
}

// NewCache makes a Cache of what lies beneath the root.
func NewCache(root *Root) *Cache {
	return &Cache{root: root, entries: make(map[string]*Entry)}
}

// Entry is the file or directory that a path stands for. It never changes.
type Entry struct {
	File      *File
	MediaType string // of a regular file
	Content   []byte // the whole of a small file, and not nil then; File.FD is -1
	Answer    []byte // the server's own: see Cache.Prepare

	key   string
	at    int           // in Cache.ring
	cost  int           // in bytes
	asked time.Duration // when it was asked for last
	used  bool          // since the hand of the clock came by
}

// Close ends the use of an Entry that Cache.Open gave.
func (e *Entry) Close() { e.File.Close() }

// Fresh returns the Entry of a path, if the Cache has it and the disk has it so now, or
// nil. The path is as the request has it, undecoded and without a query. The caller may
// use the content alone, since another thread may close the descriptor, which Open
// keeps open. now counts from any moment, and never back.
//
// It allocates nothing if t is nil.
func (c *Cache) Fresh(t *sockets.Tracer, path []byte, now time.Duration) *Entry {
	c.mu.Lock()
	e := c.kept(path, now)
	c.mu.Unlock()
	if e == nil || !c.root.same(t, e.File) {
		return nil
	}
	return e
}

func (c *Cache) kept(path []byte, now time.Duration) *Entry {
	e := c.entries[string(path)]
	if e != nil {
		e.used, e.asked = true, now
	}
	return e
}

// Open returns the Entry of a path as the disk has it now. The caller closes it. A
// directory is given as such if its path has no slash at the end, or if there is no
// index.html in it; else the index is given. The calls are made through t, which may be
// nil.
//
// The error is a *httpmini.BadError where the path is no name, else an *Error.
func (c *Cache) Open(t *sockets.Tracer, path []byte, now time.Duration) (*Entry, error) {
	if e := c.held(path, now); e != nil {
		if c.root.same(t, e.File) {
			return e, nil
		}
		e.Close()
		if old := c.take(path); old != nil {
			old.Close()
		}
	}
	name, err := httpmini.AppendPath(nil, path)
	if err != nil {
		return nil, err
	}
	e, err := c.find(t, string(name))
	if outOfDescriptors(err) && c.closeFiles() {
		e, err = c.find(t, string(name))
	}
	if err != nil {
		return nil, err
	}
	e.asked = now
	c.put(path, e)
	return e, nil
}

// held returns the Entry that the Cache has, for the caller to close, or nil.
func (c *Cache) held(path []byte, now time.Duration) *Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.kept(path, now)
	if e != nil {
		e.File.Retain()
	}
	return e
}

func outOfDescriptors(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)
}

// find looks the name up, and opens what it stands for.
func (c *Cache) find(t *sockets.Tracer, name string) (e *Entry, err error) {
	err = persist(func() error {
		e, err = c.findOnce(t, name)
		return err
	})
	return e, err
}

func (c *Cache) findOnce(t *sockets.Tracer, name string) (*Entry, error) {
	place, st, err := c.root.find(t, name)
	if err == nil && st.directory && endsInSlash(name) {
		inside, insideState, insideErr := c.root.find(t, name+index)
		switch {
		case insideErr == nil && insideState.directory: // a directory of that name is no index
			t.Close(inside)
		case errors.Is(insideErr, unix.ENOENT):
		default:
			t.Close(place)
			name, place, st, err = name+index, inside, insideState, insideErr
		}
	}
	if err != nil {
		return nil, err
	}
	f, err := c.root.open(t, name, place, st)
	if err != nil {
		return nil, err
	}
	return c.entry(t, f)
}

func endsInSlash(name string) bool { return name == "" || name[len(name)-1] == '/' }

// entry makes an Entry of a File, which becomes its own.
func (c *Cache) entry(t *sockets.Tracer, f *File) (*Entry, error) {
	e := &Entry{File: f}
	if f.IsDir {
		return e, nil
	}
	e.MediaType = httpmini.MediaType(f.name)
	var err error
	if e.Content, err = f.content(t); err != nil {
		f.Close()
		return nil, err
	}
	if c.Prepare != nil {
		c.Prepare(e)
	}
	return e, nil
}

// readings is how often a file is read that changes while it is read.
const readings = 3

// content reads a small file and closes it. It is nil for a file that is too
// large, or that goes on changing: that one stays open, and what is sent of it is
// what it will be then.
func (f *File) content(t *sockets.Tracer) ([]byte, error) {
	for range readings {
		if f.Size > maxContent {
			break
		}
		b, err := f.read(t)
		if err != nil {
			return nil, err
		}
		before := f.state
		after, err := look(t, f.name, f.FD)
		if err != nil {
			return nil, err
		}
		f.describe(after)
		if after == before {
			t.Close(f.FD)
			f.FD, f.Size = -1, int64(len(b))
			if f.Size != before.size { // as in proc(5) and sysfs(5): the state tells nothing of the content
				f.settled, f.ETag = false, ""
			}
			return b, nil
		}
	}
	return nil, nil
}

// read reads the file to its end. One without a size may have content all the same.
func (f *File) read(t *sockets.Tracer) ([]byte, error) {
	b := make([]byte, f.Size)
	n := 0
	for {
		if n == len(b) {
			if f.Size > 0 {
				return b, nil // all that it said
			}
			if n > maxUnsized {
				return nil, &Error{Name: f.name, Status: 500, Why: "the file says that it has no bytes, and has more than are read of such a one"}
			}
			b = append(b, make([]byte, max(n, 4<<10))...)
		}
		m, errno := outcome(t.Pread64(f.FD, b[n:], int64(n)))
		if errno != 0 {
			return nil, refusal(f.name, errno)
		}
		if m == 0 {
			return b[:n:n], nil // or shorter than it said
		}
		n += m
	}
}
