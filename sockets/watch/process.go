package watch

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A process is one that is followed.
type process struct {
	pid    int
	name   string
	fds    *table
	before map[int]int // calls since it began or was executed, by number, until the first on a socket; nil: not counted any more
	uring  bool        // it may open and close descriptors without a call

	foreign bool // its calls are another machine's
}

// A thread is one of a process.
type thread struct {
	tid int
	*process
	call *pending // that it has entered and that has not returned
	last *pending // that a signal has interrupted, to be gone on with by restart_syscall(2)
	room pending  // where these are: it is in one call at a time
}

// A table has the descriptors of a process that lead to sockets, by number. Processes
// may share one (CLONE_FILES, clone(2)).
type table struct {
	sockets map[int]uint64 // their inodes
	users   int            // processes
}

// list returns the descriptors, by number.
func (t *table) list() []Descriptor {
	var all []Descriptor
	for _, fd := range slices.Sorted(maps.Keys(t.sockets)) {
		all = append(all, Descriptor{FD: fd, Inode: t.sockets[fd]})
	}
	return all
}

// copied returns a table of another process with the same descriptors.
func (t *table) copied(holders map[uint64]int) *table {
	for _, inode := range t.sockets {
		holders[inode]++
	}
	return &table{sockets: maps.Clone(t.sockets), users: 1}
}

// socketOf returns the inode of the socket that a descriptor leads to, or 0.
func socketOf(tid, fd int) uint64 {
	var b [64]byte
	n, err := unix.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, fd), b[:])
	if err != nil {
		return 0
	}
	return socketInode(b[:n])
}

func socketInode(link []byte) uint64 {
	number, ok := bytes.CutPrefix(link, []byte("socket:["))
	if !ok {
		return 0
	}
	inode, _ := strconv.ParseUint(string(bytes.TrimSuffix(number, []byte("]"))), 10, 64)
	return inode
}

// socketsOf returns the descriptors of sockets that a process has, and whether it has a
// ring of io_uring(7).
func socketsOf(tid int) (all map[int]uint64, ring bool) {
	all = make(map[int]uint64)
	dir, err := os.Open(fmt.Sprintf("/proc/%d/fd", tid))
	if err != nil {
		return all, false
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		link, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, fd))
		if inode := socketInode([]byte(link)); inode != 0 {
			all[fd] = inode
		}
		ring = ring || link == "anon_inode:[io_uring]"
	}
	return all, ring
}

// status returns numbers of /proc/PID/status (proc_pid_status(5)), by their names; of
// those with several numbers the first.
func status(tid int) map[string]int {
	all := make(map[string]int)
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		if fields := strings.Fields(value); len(fields) > 0 {
			if n, err := strconv.Atoi(fields[0]); err == nil {
				all[name] = n
			}
		}
	}
	return all
}

// comm returns the name of a process.
func comm(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSuffix(string(b), "\n")
}

// sameFiles reports whether two processes share one table of descriptors.
func sameFiles(a, b int) bool {
	const files = 2 // KCMP_FILES, kcmp(2)
	r, _, errno := unix.RawSyscall6(unix.SYS_KCMP, uintptr(a), uintptr(b), files, 0, 0, 0)
	return errno == 0 && r == 0
}

// program returns the file that a process executes, and what is strange about it.
func program(pid int) (path string, s Strange) {
	exe := fmt.Sprintf("/proc/%d/exe", pid)
	path, _ = os.Readlink(exe)
	if f, err := os.Open(exe); err == nil {
		begins := make([]byte, sizeELF)
		n, _ := io.ReadFull(f, begins)
		if is, _ := foreign(begins[:n]); is {
			s |= Foreign
		}
		f.Close()
	}
	var st unix.Stat_t
	if unix.Stat(exe, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return path, s
	}
	uid, gid := effective(pid)
	capable, _ := unix.Getxattr(exe, "security.capability", nil)
	if st.Mode&unix.S_ISUID != 0 && uid != int(st.Uid) || st.Mode&unix.S_ISGID != 0 && st.Mode&0o010 != 0 && gid != int(st.Gid) || capable > 0 && uid != 0 {
		s |= Unentitled
	}
	return path, s
}

// foreign reports, by how a file begins, whether it is a program of another machine.
func foreign(begins []byte) (is, known bool) {
	if len(begins) < sizeELF || string(begins[:len(elf.ELFMAG)]) != elf.ELFMAG {
		return false, false
	}
	const atMachine = 18 // of the header (elf(5))
	class, machine := elf.Class(begins[elf.EI_CLASS]), elf.Machine(binary.NativeEndian.Uint16(begins[atMachine:]))
	return class != elf.ELFCLASS64 || machine != elfMachine, true
}

// effective returns the effective user and group of a process.
func effective(pid int) (uid, gid int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		var real int
		fmt.Sscanf(line, "Uid: %d %d", &real, &uid)
		fmt.Sscanf(line, "Gid: %d %d", &real, &gid)
	}
	return uid, gid
}
