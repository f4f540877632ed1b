package hooks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

var errNoCgroup = errors.New("this machine has no cgroup of version 2 in which fd3 may make one (cgroups(7))")

// A cgroup is one of an agent's own: programs at it see the packets of that agent's
// sockets alone.
type cgroup struct {
	path string
	from string // where the agent was before
}

const cgroupPrefix = "fd3-hooks-"

// cgroup2 is where the cgroups of version 2 are, or "".
func cgroup2() string {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(text)) {
		before, after, _ := strings.Cut(line, " - ")
		if f := strings.Fields(before); strings.HasPrefix(after, "cgroup2 ") && len(f) > 4 {
			return f[4]
		}
	}
	return ""
}

// joinCgroup makes a cgroup for this process, and moves it there.
func joinCgroup() (*cgroup, error) {
	root := cgroup2()
	if root == "" {
		return nil, errNoCgroup
	}
	g := &cgroup{path: cgroupOf(root, os.Getpid()), from: root}
	text, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			g.from = filepath.Join(root, path)
		}
	}
	if err := os.Mkdir(g.path, 0o755); err != nil {
		return nil, err
	}
	if err := move(g.path); err != nil {
		os.Remove(g.path)
		return nil, err
	}
	return g, nil
}

func cgroupOf(root string, pid int) string {
	return filepath.Join(root, fmt.Sprint(cgroupPrefix, pid))
}

func move(to string) error {
	return os.WriteFile(filepath.Join(to, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0)
}

// leave moves this process back, and removes the cgroup.
func (g *cgroup) leave() {
	if g == nil {
		return
	}
	move(g.from)
	os.Remove(g.path)
}

// removeCgroup removes that of an agent which ends, or has been killed: the kernel lets it go
// when its process has left it.
func removeCgroup(pid int) {
	root := cgroup2()
	if root == "" {
		return
	}
	for range 400 {
		if err := os.Remove(cgroupOf(root, pid)); !errors.Is(err, unix.EBUSY) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// sweep removes the cgroups of agents that are no more: one that was killed together with
// whoever had started it has left it behind.
func sweep() {
	root := cgroup2()
	if root == "" {
		return
	}
	found, _ := filepath.Glob(filepath.Join(root, cgroupPrefix+"*"))
	for _, path := range found {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), cgroupPrefix))
		if err == nil && unix.Kill(pid, 0) == unix.ESRCH {
			os.Remove(path) // fails if somebody is in it
		}
	}
}
