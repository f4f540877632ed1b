package stage

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// A SocketFile is the file that bind(2) made at a path, so that it is known again:
// whoever comes later may have put their own there.
type SocketFile struct {
	path string
	dev  uint64
	ino  uint64              // 0: it was gone when it was looked for
	born unix.StatxTimestamp // when the file was made; zero where the file system does not keep it
}

// FileAt looks for the socket's file that lies at a path now. bind(2) has just
// returned: the kernel tells a process no better which file it made.
func FileAt(path string) SocketFile {
	f := SocketFile{path: path}
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return f
	}
	f.dev, f.ino = st.Dev, st.Ino
	// An inode number is given again when its file is gone. The time of birth is not.
	var birth unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BTIME, &birth) == nil && birth.Mask&unix.STATX_BTIME != 0 {
		f.born = birth.Btime
	}
	return f
}

// A Removal is what became of a file that bind(2) had made.
type Removal struct {
	Path    string `json:"path"`
	Removed bool   `json:"removed"`
	Left    string `json:"left,omitempty"` // why what lies there is left; empty: it is removed, or nothing lay there
}

// told reports whether there is something to tell.
func (r Removal) told() bool { return r.Removed || r.Left != "" }

// Remove removes the file if it lies there still, and nothing else.
func (f SocketFile) Remove() Removal {
	r := Removal{Path: f.path}
	var st unix.Stat_t
	switch err := unix.Lstat(f.path, &st); {
	case err == unix.ENOENT, err == unix.ENOTDIR:
		return r
	case err != nil:
		r.Left = fmt.Sprintf("lstat(2) says %s", sockets.Meaning(err.(unix.Errno)))
		return r
	case f.ino == 0:
		r.Left = "it is not known to be the file that bind made"
		return r
	case FileAt(f.path) != f:
		r.Left = "it is not the file that bind made"
		return r
	}
	switch err := unix.Unlink(f.path); err {
	case nil:
		r.Removed = true
	case unix.ENOENT:
	default:
		r.Left = fmt.Sprintf("unlink(2) says %s", sockets.Meaning(err.(unix.Errno)))
	}
	return r
}

// Witness notes the file that a call made, if it is a bind(2) that succeeded. The
// calls that a stage is ordered to make are witnessed already.
func (m *Machine) Witness(c sockets.Call) {
	path := c.Addr.Path()
	if !c.Returned || c.Errno != 0 || c.Name != "bind" || path == "" || path[0] == '@' {
		return
	}
	f := FileAt(path)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bound = append(m.bound, f)
}

// RemoveFiles removes the socket files that calls of this process made, and tells
// what became of each. It tells that once.
func (m *Machine) RemoveFiles() []Removal {
	m.mu.Lock()
	defer m.mu.Unlock() // only then: who comes second may end the process
	var removals []Removal
	for _, f := range slices.Backward(m.bound) { // a path that was bound twice has the file of the second time
		if r := f.Remove(); r.told() {
			removals = append(removals, r)
		}
	}
	m.bound = nil
	return removals
}
