package kernel

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// openFile wraps open(2), read-only, retried when a signal interrupts it.
func openFile(path string, flags int) (int, error) {
	return openFileAt(unix.AT_FDCWD, path, flags)
}

// openFileAt wraps openat(2) likewise.
func openFileAt(dir int, path string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_CLOEXEC|flags, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, fmt.Errorf("open %s: %w", path, err)
		}
		return fd, nil
	}
}

// readFile returns the whole file.
func readFile(path string) ([]byte, error) {
	return readFileAt(unix.AT_FDCWD, path)
}

// readFileAt is readFile with a path that begins at a directory, as of openat(2).
func readFileAt(dir int, path string) ([]byte, error) {
	fd, err := openFileAt(dir, path, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return readAll(fd, path)
}

// readAll reads an open file from its beginning; the path is for the error. A file
// of /proc has no size to ask for, and hands out at most a page at a time: only a
// read of 0 bytes ends it.
func readAll(fd int, path string) ([]byte, error) {
	var data []byte
	for {
		data = slices.Grow(data, 4096)
		n, err := unix.Pread(fd, data[len(data):cap(data)], int64(len(data)))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if n == 0 {
			return data, nil
		}
		data = data[:len(data)+n]
	}
}

// readNames returns the names in a directory, in the kernel's order, without
// "." and "..". The directory is closed again when it returns, so a listing of
// /proc/self/fd names one descriptor that is gone by then.
func readNames(path string) ([]string, error) {
	fd, err := openFile(path, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)

	var names []string
	buf := make([]byte, 8192)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("getdents64 %s: %w", path, err)
		}
		if n == 0 {
			return names, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// readLink returns where a symbolic link points. The links of /proc/PID/fd may
// be as long as a path; readlink(2) cuts without saying so, hence the growing.
func readLink(path string) (string, error) {
	for size := 256; ; size *= 2 {
		buf := make([]byte, size)
		n, err := unix.Readlink(path, buf)
		if err != nil {
			return "", fmt.Errorf("readlink %s: %w", path, err)
		}
		if n < size {
			return string(buf[:n]), nil
		}
	}
}
