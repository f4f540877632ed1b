package kernel

import (
	"fmt"
	"strconv"
	"strings"

	"fd3/sockets"
)

// OpenFile is /proc/PID/fdinfo/FD: one descriptor and the open file description
// behind it (proc_pid_fdinfo(5), seq_show in fs/proc/fd.c).
type OpenFile struct {
	Pos   int64    // file offset, in bytes; always 0 for a socket
	Flags int      // the flags of open(2) and fcntl(2) F_GETFL, plus O_CLOEXEC of this descriptor
	Names []string // Flags in words
	Inode uint64   // inode number; since Linux 5.14, 0 before
}

// FDInfo reads /proc/PID/fdinfo/FD.
func FDInfo(pid, fd int) (OpenFile, error) {
	path := fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd)
	data, err := readFile(path)
	if err != nil {
		return OpenFile{}, err
	}
	file, err := parseFDInfo(string(data))
	if err != nil {
		return OpenFile{}, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// parseFDInfo reads "key:<tab>value" lines. pos and flags must be there; what
// other kinds of file add is passed over.
func parseFDInfo(text string) (OpenFile, error) {
	var file OpenFile
	var pos, flags bool
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		var err error
		switch key {
		case "pos":
			file.Pos, err = strconv.ParseInt(value, 10, 64)
			pos = true
		case "flags":
			var bits uint64
			bits, err = strconv.ParseUint(value, 8, 32)
			file.Flags, flags = int(bits), true
		case "ino":
			file.Inode, err = strconv.ParseUint(value, 10, 64)
		}
		if err != nil {
			return OpenFile{}, fmt.Errorf("line %q: %w", line, err)
		}
	}
	if !pos || !flags {
		return OpenFile{}, fmt.Errorf("no pos and flags in %q", text)
	}
	file.Names = strings.Split(sockets.OpenFlagNames(uint64(file.Flags)), "|")
	return file, nil
}
