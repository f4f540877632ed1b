package netlab

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Clear ends every process of a host, the keeper's or not. It is for whoever has started
// one by other means than the keeper, when the network has ended.
func (h *Host) Clear() { clearHosts(h.Inode) }

// clearHosts ends the processes in network namespaces, by the inode numbers of these.
func clearHosts(namespaces ...uint64) {
	found, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, path := range found {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		var st unix.Stat_t
		if err != nil || pid == os.Getpid() || unix.Stat(path, &st) != nil {
			continue
		}
		for _, n := range namespaces {
			if st.Ino == n {
				unix.Kill(pid, unix.SIGKILL)
			}
		}
	}
}

// Paths are where the kernel has the namespaces of a host (namespaces(7)): that of its
// users, empty where it is the machine's own, and that of its network.
func (s *State) Paths(h *Host) (user, network string) {
	if s.Own {
		user = fmt.Sprintf("/proc/%d/ns/user", s.PID)
	}
	return user, fmt.Sprintf("/proc/%d/task/%d/ns/net", s.PID, h.TID)
}
