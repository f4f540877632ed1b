package stage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sys/unix"
)

// Role is the end of a conversation that a stage plays.
type Role string

const (
	Server Role = "server"
	Client Role = "client"
)

// DefaultName is the stage that commands act on unless told otherwise.
const DefaultName = "default"

var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)

// CheckName returns an error for a stage name that cannot be part of a file name.
func CheckName(name string) error {
	if nameRule.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%q cannot name a stage: use 1 to 32 letters, digits, - or _, and begin with a letter or digit", name)
}

// A FolderError says that the folder of the control sockets cannot be made, or used, or
// trusted.
type FolderError struct {
	Path, Why string
	Err       error // what the kernel said, or nil
}

func (e *FolderError) Error() string {
	text := e.Path + " " + e.Why
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *FolderError) Unwrap() error { return e.Err }

// Remedy says what to set so that another folder is taken.
func (e *FolderError) Remedy() string {
	const do = "Set XDG_RUNTIME_DIR to a folder of your own with mode 0700, or TMPDIR to one where you may write"
	dir := os.Getenv("XDG_RUNTIME_DIR")
	switch {
	case dir == "":
		return do
	case !filepath.IsAbs(dir):
		return fmt.Sprintf("XDG_RUNTIME_DIR is passed over: %q is no absolute path. %s", dir, do)
	}
	if err := trusted(dir); err != nil {
		return fmt.Sprintf("XDG_RUNTIME_DIR is passed over: %s. %s", unusable(dir, err), do)
	}
	return "Set XDG_RUNTIME_DIR to another folder of your own with mode 0700"
}

// unusable returns the FolderError of a folder that something fails for.
func unusable(dir string, err error) error {
	var folder *FolderError
	if errors.As(err, &folder) {
		return err
	}
	return &FolderError{dir, "cannot be used", err}
}

// Folder returns the folder of this user's control sockets: fd3 in XDG_RUNTIME_DIR,
// or fd3-UID in the temporary directory where that variable is unset or names a
// folder of somebody else's.
func Folder() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && trusted(dir) == nil {
		return filepath.Join(dir, "fd3")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("fd3-%d", os.Geteuid()))
}

// trusted returns an error unless dir is a folder of this user's that nobody else can enter.
// A link is refused too: its owner could turn it.
func trusted(dir string) error {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return err
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return &FolderError{dir, "is not a folder", nil}
	case int(st.Uid) != os.Geteuid():
		return &FolderError{dir, fmt.Sprintf("belongs to user %d, not to you (user %d)", st.Uid, os.Geteuid()), nil}
	case st.Mode&0o077 != 0:
		return &FolderError{dir, fmt.Sprintf("has mode %#o: others may enter it, and it must be 0700", st.Mode&0o777), nil}
	}
	return nil
}

// lockFolder makes the folder, checks it and holds an exclusive flock(2) on it,
// so that of twenty commands that start a stage at once only one does. The
// returned function gives the lock back.
func lockFolder(dir string) (unlock func(), err error) {
	for {
		if err := unix.Mkdir(dir, 0o700); err != nil && err != unix.EEXIST {
			return nil, &FolderError{dir, "cannot be made", err}
		}
		if err := trusted(dir); err == unix.ENOENT {
			continue
		} else if err != nil {
			return nil, unusable(dir, err)
		}
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err == unix.ENOENT {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("open %s: %w", dir, err)
		}
		if err := flock(fd); err != nil {
			unix.Close(fd)
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
		if sameFolder(dir, fd) {
			return func() { unix.Close(fd) }, nil
		}
		unix.Close(fd) // another command removed the folder while this one waited
	}
}

func flock(fd int) error {
	for {
		if err := unix.Flock(fd, unix.LOCK_EX); err != unix.EINTR {
			return err
		}
	}
}

func sameFolder(dir string, fd int) bool {
	var byPath, byFD unix.Stat_t
	return unix.Lstat(dir, &byPath) == nil && unix.Fstat(fd, &byFD) == nil &&
		byPath.Dev == byFD.Dev && byPath.Ino == byFD.Ino
}

// Tidy removes the folder when nothing is left in it.
func Tidy() error {
	dir := Folder()
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := lockFolder(dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := unix.Rmdir(dir); err != nil && err != unix.ENOTEMPTY && err != unix.EEXIST {
		return fmt.Errorf("remove %s: %w", dir, err)
	}
	return nil
}
