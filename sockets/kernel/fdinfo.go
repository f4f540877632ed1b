package kernel

import (
	"fmt"
	"strconv"
	"strings"
)

// OpenFile is what the kernel tells about one descriptor and the open file
// description behind it: /proc/PID/fdinfo/FD (proc_pid_fdinfo(5), seq_show in
// fs/proc/fd.c).
type OpenFile struct {
	Pos     int64    // file offset, in bytes; always 0 for a socket
	Flags   int      // the flags of open(2) and fcntl(2) F_GETFL, plus O_CLOEXEC of this descriptor
	Names   []string // Flags in words, unknown bits last and in octal as the kernel prints them
	MountID int      // of the mount in /proc/PID/mountinfo; a socket's is the hidden sockfs
	Inode   uint64   // inode number; since Linux 5.14, 0 before
	Raw     []string // every line as it stands: an epoll or eventfd adds its own
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
// other kinds of file add stays in Raw.
func parseFDInfo(text string) (OpenFile, error) {
	var file OpenFile
	var pos, flags bool
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		file.Raw = append(file.Raw, line)

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
		case "mnt_id":
			file.MountID, err = strconv.Atoi(value)
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
	file.Names = openFlagNames(file.Flags)
	return file, nil
}
