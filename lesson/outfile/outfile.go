// Package outfile writes the files that a user names. A file is there whole or not
// at all: it is written without a name (O_TMPFILE, open(2)), brought to the disk
// (fsync(2)), and only then takes its name (linkat(2), rename(2)). Nothing is written
// over without being asked to, and never through a symbolic link of another user's.
package outfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A File is on its way to a name.
type File struct {
	*os.File
	path    string // the name that it will have
	over    bool   // another file that has the name gives way
	beside  string // the name that it has meanwhile; empty with O_TMPFILE
	special bool   // a terminal, a pipe, a device: written at once, and nothing takes its place
}

// Create begins a file that Commit will call path. A file that has the name already
// gives way if over is set, and leaves its permissions if it is the user's own; else
// the error is an fs.ErrExist, now or from Commit. A new one has perm, less the umask.
func Create(path string, perm fs.FileMode, over bool) (*File, error) {
	old, err := find(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: old.path, over: over}
	switch {
	case old.info == nil:
	case old.info.IsDir():
		return nil, &fs.PathError{Op: "create", Path: path, Err: unix.EISDIR}
	case !old.info.Mode().IsRegular():
		f.special = true
		fd, err := open(old.path, unix.O_WRONLY|old.flags, 0)
		if err != nil {
			return nil, err
		}
		f.File = os.NewFile(uintptr(fd), path)
		return f, nil
	case !over:
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	folder := filepath.Dir(f.path)
	fd, err := tmpfile(folder, perm)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) { // not every file system has it
		f.beside = beside(f.path)
		fd, err = unix.Open(f.beside, unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_WRONLY|unix.O_CLOEXEC, uint32(perm.Perm()))
	}
	if err != nil {
		return nil, &fs.PathError{Op: "create a file in", Path: folder, Err: err}
	}
	f.File = os.NewFile(uintptr(fd), path)
	if old.info != nil && owner(old.info) == os.Geteuid() {
		if err := f.Chmod(old.info.Mode().Perm()); err != nil {
			return nil, errors.Join(err, f.Discard())
		}
	}
	return f, nil
}

// tmpfile opens a file without a name in a folder.
var tmpfile = func(folder string, perm fs.FileMode) (fd int, err error) {
	return unix.Open(folder, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, uint32(perm.Perm()))
}

// beside returns a name next to a path: with a number, by which a program that sweeps
// the folder knows it.
func beside(path string) string { return path + "." + strconv.FormatUint(uint64(rand.Uint32()), 10) }

// Commit gives the file its name, when all of it is on the disk. On an error nothing
// is left of it, and what had the name has it still.
func (f *File) Commit() error {
	if f.special {
		return f.File.Close()
	}
	err := f.Sync()
	if err == nil {
		err = f.name()
	}
	if err != nil {
		return errors.Join(err, f.Discard())
	}
	return f.File.Close()
}

// name gives the file its name: with over by way of one beside, since only
// rename(2) puts a file in the place of another.
func (f *File) name() error {
	if f.beside == "" {
		link := f.path
		if f.over {
			link = beside(f.path)
		}
		from := "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
		if err := unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, link, unix.AT_SYMLINK_FOLLOW); err != nil {
			return &fs.PathError{Op: "create", Path: link, Err: err}
		}
		if !f.over {
			return nil
		}
		f.beside = link
	}
	if !f.over {
		if err := unix.Link(f.beside, f.path); err != nil {
			return &fs.PathError{Op: "create", Path: f.path, Err: err}
		}
		return os.Remove(f.beside)
	}
	return os.Rename(f.beside, f.path)
}

// Discard leaves nothing of the file.
func (f *File) Discard() error {
	err := f.File.Close()
	if f.beside != "" {
		err = errors.Join(err, os.Remove(f.beside))
	}
	return err
}

// Append opens the file of that path to write at its end, or makes it. The descriptor
// is the caller's.
func Append(path string, perm fs.FileMode) (fd int, err error) {
	old, err := find(path)
	if err != nil {
		return -1, err
	}
	return open(old.path, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|old.flags, perm)
}

// open never waits: a FIFO that nobody reads is an error.
func open(path string, flags int, perm fs.FileMode) (fd int, err error) {
	fd, err = unix.Open(path, flags|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, uint32(perm.Perm()))
	switch {
	case errors.Is(err, unix.ENXIO):
		return -1, fmt.Errorf("nobody reads %s: start its reader first", path)
	case err != nil:
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, unix.SetNonblock(fd, false)
}

// found is what a path names.
type found struct {
	path  string
	info  fs.FileInfo // nil: there is nothing of that name
	flags int         // for open(2): no link is followed that was not there when it was looked at
}

// find looks at a path. A link is followed only if it is the user's own or root's,
// since others may put one where the user writes: proc_sys_fs(5), protected_symlinks.
func find(path string) (found, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && path != "":
		return found{path: path, flags: unix.O_NOFOLLOW}, nil
	case err != nil:
		return found{}, err
	case info.Mode()&fs.ModeSymlink == 0:
		return found{path, info, unix.O_NOFOLLOW}, nil
	}
	if uid := owner(info); uid != 0 && uid != os.Geteuid() {
		return found{}, fmt.Errorf("%s is a symbolic link of another user's (uid %d): it is not followed", path, uid)
	}
	info, err = os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return found{}, fmt.Errorf("%s is a symbolic link to what is not there: name the file itself", path)
	case err != nil:
		return found{}, err
	}
	if !info.Mode().IsRegular() { // /dev/stdout: its target may be a pipe, which has no path
		return found{path, info, 0}, nil
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return found{}, err
	}
	return found{path, info, unix.O_NOFOLLOW}, nil
}

func owner(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }
