package docroot

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// File is a regular file that is open, or a directory that was looked at.
type File struct {
	FD      int // to read from; -1 for a directory, and where a Cache has the content
	IsDir   bool
	Size    int64     // in bytes
	ModTime time.Time // when the content last changed, as its owner says
	ETag    string    // the entity tag with its quotes, RFC 9110 section 8.8.3; empty where nothing tells two contents apart

	state   state
	settled bool // the state cannot stay the same while the content changes
	root    *Root
	name    string
	place   []byte // the name as a path from the root, with its NUL
	refs    atomic.Int32
}

// Retain adds a holder, for whom the descriptor stays open until they close it.
func (f *File) Retain() *File {
	if f.FD >= 0 {
		f.refs.Add(1)
	}
	return f
}

// Close ends a holder's use of the file. The last one closes the descriptor. No
// Tracer hears of it: it may be long after the request that opened it.
func (f *File) Close() {
	if f.FD >= 0 && f.refs.Add(-1) == 0 {
		unix.Close(f.FD)
	}
}

// state is by what a file is told from another one, and from itself before a
// change: inode(7). The owner can set mtime back, nobody ctime.
type state struct {
	dev, ino     uint64
	size         int64
	mtime, ctime unix.Timespec
	directory    bool
}

// look asks for the state of a file or directory. Others are refused.
func look(t *sockets.Tracer, name string, fd int) (state, error) {
	var st unix.Stat_t
	if errno := t.Fstat(fd, &st).Errno; errno != 0 {
		return state{}, refusal(name, errno)
	}
	return stateOf(name, &st)
}

func stateOf(name string, st *unix.Stat_t) (state, error) {
	s := state{dev: uint64(st.Dev), ino: st.Ino, size: st.Size, mtime: st.Mtim, ctime: st.Ctim}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		s.directory = true
	default:
		return s, notServed(name, st.Mode)
	}
	return s, nil
}

// settling is how long after a change a file may change again without a trace: a
// time stamp is no finer than a tick of the kernel's clock on some file systems,
// and a second or two on others. RFC 9110 section 8.8.2.2 has the same problem.
const settling = 2 * time.Second

// describe fills in what follows from the state. The entity tag is the state; it
// is weak, so good for no ranges, while the file may change unseen.
func (f *File) describe(st state) {
	f.state = st
	f.IsDir = st.directory
	f.Size = st.size
	f.ModTime = time.Unix(st.mtime.Unix())
	f.settled = f.root.clock().Sub(time.Unix(st.ctime.Unix())) >= settling
	f.ETag = fmt.Sprintf(`"%x-%x-%x-%x"`, st.ino, st.size, nano(st.mtime), nano(st.ctime))
	if !f.settled {
		f.ETag = "W/" + f.ETag
	}
}

// nano is in nanoseconds since 1970, modulo 2^64.
func nano(t unix.Timespec) uint64 { return uint64(t.Nano()) }
