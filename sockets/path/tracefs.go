package path

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Mounted are the places where tracefs is mounted by custom: the kernel's own, and the one
// that debugfs has made since before.
var Mounted = []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

// A tracefs is the file system by which the kernel's tracing is driven.
type tracefs struct {
	dir   string   // with its instances
	mount *os.File // that dir is in, where nothing was mounted; else nil
}

// openTracefs finds tracefs. Where it is mounted nowhere it is mounted for this process
// alone, at no place: that mount ends with its descriptor.
func openTracefs() (*tracefs, error) {
	var denied error
	for _, dir := range Mounted {
		err := unix.Access(dir+"/instances", unix.W_OK)
		if err == nil {
			return &tracefs{dir: dir}, nil
		} else if err != unix.ENOENT && denied == nil {
			denied = &DeniedError{What: dir, Errno: err.(unix.Errno)}
		}
	}
	if denied != nil {
		return nil, denied
	}
	context, err := unix.Fsopen("tracefs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, deniedAt("fsopen(2) of tracefs", err)
	}
	defer unix.Close(context)
	if err := unix.FsconfigCreate(context); err != nil {
		return nil, deniedAt("a mount of tracefs", err)
	}
	fd, err := unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil, deniedAt("a mount of tracefs", err)
	}
	dir := fmt.Sprintf("/proc/self/fd/%d", fd)
	return &tracefs{dir: dir, mount: os.NewFile(uintptr(fd), "tracefs")}, nil
}

func (t *tracefs) close() {
	if t.mount != nil {
		t.mount.Close()
	}
}

// write writes a value into a file of a directory in tracefs, in one write(2).
func write(dir, file, value string) error {
	fd, err := unix.Open(dir+"/"+file, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: file, Err: err}
	}
	defer unix.Close(fd)
	for {
		_, err = unix.Write(fd, []byte(value))
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return &os.PathError{Op: "write " + strings.TrimSpace(value) + " to", Path: file, Err: err}
	}
	return nil
}

// read returns what a file of a directory in tracefs says.
func read(dir, file string) ([]byte, error) {
	f, err := os.OpenFile(dir+"/"+file, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// A DeniedError says that this kernel does not show the way to this user.
type DeniedError struct {
	What  string // what was denied
	Errno unix.Errno
}

func (e *DeniedError) Error() string {
	return "the kernel's own way is not to be seen here: " + e.says()
}

func (e *DeniedError) says() string { return e.What + " says " + unix.ErrnoName(e.Errno) }

func (e *DeniedError) Unwrap() error { return e.Errno }

// deniedAt is a *DeniedError where an errno says so, and else the error.
func deniedAt(what string, err error) error {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return fmt.Errorf("%s: %w", what, err)
	}
	switch errno {
	case unix.EPERM, unix.EACCES, unix.ENODEV, unix.ENOSYS, unix.ENOENT, unix.EROFS:
		return &DeniedError{what, errno}
	}
	return fmt.Errorf("%s: %w", what, err)
}
