package netlab

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Clear ends every process of a host, the keeper's or not. It is for whoever has started
// one by other means than the keeper, when the network has ended.
func (h *Host) Clear() { clearHosts(0, h.Inode) }

// clearHosts ends the processes in network namespaces, by the inode numbers of these: again
// and again, as long as there are any, since one may have had a child meanwhile. It spares
// this process, guards, which end by themselves, and one more.
func clearHosts(spare int, namespaces ...uint64) {
	for range 100 {
		if killed := clearOnce(spare, namespaces); killed == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func clearOnce(spare int, namespaces []uint64) (killed int) {
	all, _ := os.ReadDir("/proc")
	for _, entry := range all {
		pid, err := strconv.Atoi(entry.Name())
		var st unix.Stat_t
		if err != nil || pid == os.Getpid() || pid == spare || unix.Stat("/proc/"+entry.Name()+"/ns/net", &st) != nil {
			continue
		}
		if slices.Contains(namespaces, st.Ino) && !isGuard(pid) && unix.Kill(pid, unix.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

// Paths are where the kernel has the namespaces of a host (namespaces(7)): that of its
// users, empty where it is the machine's own, and that of its network.
func (s *State) Paths(h *Host) (user, network string) {
	if s.Own {
		user = fmt.Sprintf("/proc/%d/ns/user", s.PID)
	}
	return user, fmt.Sprintf("/proc/%d/task/%d/ns/net", s.PID, h.TID)
}
