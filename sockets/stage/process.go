package stage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/kernel"
)

// process finds the process behind the control socket, which SO_PEERCRED does not
// tell: that is who called listen(2), the starter. It is a process of this user's that
// was executed as this stage, that sees the same file at the path, and that has a
// socket open which listens there. fd is a pidfd, so that the number cannot come to
// mean another process; the caller closes it.
func (r Remote) process() (pid, fd int, found bool) {
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, command := range commands {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(command)))
		if err != nil || !r.executed(command) {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue
		}
		if r.executed(command) && r.listens(pid) {
			return pid, fd, true
		}
		unix.Close(fd)
	}
	return 0, -1, false
}

// executed reports whether the arguments and the user of a process are those of
// this stage.
func (r Remote) executed(command string) bool {
	var st unix.Stat_t
	text, err := os.ReadFile(command)
	args := bytes.Split(text, []byte{0})
	return err == nil && unix.Stat(command, &st) == nil && int(st.Uid) == os.Geteuid() &&
		len(args) >= 4 && string(args[1]) == Command && string(args[2]) == string(r.Role) && string(args[3]) == r.path()
}

// listens reports whether a process has a socket open that listens at the path of the
// control socket, and sees the file there that this process sees.
func (r Remote) listens(pid int) bool {
	var here, there unix.Stat_t
	if unix.Lstat(r.path(), &here) != nil || unix.Lstat(fmt.Sprintf("/proc/%d/root%s", pid, r.path()), &there) != nil ||
		here.Dev != there.Dev || here.Ino != there.Ino {
		return false
	}
	theirs, err := kernel.Of(pid)
	if err != nil {
		return false
	}
	defer theirs.Close()
	fds, err := kernel.FDs(pid)
	if err != nil {
		return false
	}
	listening := make(map[uint64]bool)
	for _, net := range []kernel.Net{theirs, kernel.Own()} { // the starter made it, perhaps in another namespace
		rows, err := net.UnixTable()
		if err != nil {
			return false
		}
		for _, row := range rows {
			if row.Listening() && row.Path == r.path() {
				listening[row.Inode] = true
			}
		}
	}
	for _, fd := range fds {
		if listening[fd.Inode] && fd.Inode != 0 {
			return true
		}
	}
	return false
}

// ended waits until the process of a pidfd has ended: it is gone, or a zombie
// (pidfd_open(2)).
func ended(pidfd int, patience time.Duration) bool {
	for until := time.Now().Add(patience); ; {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, max(0, int(time.Until(until).Milliseconds())))
		if err != unix.EINTR {
			return ready > 0
		}
	}
}
