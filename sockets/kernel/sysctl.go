package kernel

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Sysctl reads a kernel setting by its dotted name: "net.core.somaxconn" is
// /proc/sys/net/core/somaxconn (proc_sys(5)). As in sysctl(8), "/" stands for a
// dot inside one part: net.ipv4.conf.eth0/100.rp_filter. Several values stay
// separated as the kernel does it, by tabs. A name that does not begin with net
// belongs to no network namespace, and is the same of every Net.
func (n Net) Sysctl(name string) (string, error) {
	path, err := sysctlPath(name)
	if err != nil {
		return "", err
	}
	data, err := n.sysctl(path)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(data), "\n"), nil
}

// sysctl reads a file of /proc/sys, below net from a directory that the Net holds.
func (n Net) sysctl(path string) ([]byte, error) {
	below, isNet := strings.CutPrefix(path, procSys)
	if n.held == nil || !isNet {
		return readFile(path)
	}
	dir, file, _ := strings.Cut(below, "/")
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	fd, err := n.held.fd(procSys + dir)
	if err != nil {
		return nil, err
	}
	data, err := readFileAt(fd, cmp.Or(file, "."))
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", procSys, dir, err)
	}
	return data, nil
}

// SysctlInt reads a setting that is one whole number.
func (n Net) SysctlInt(name string) (int, error) {
	text, err := n.Sysctl(name)
	if err != nil {
		return 0, err
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("sysctl %s: %w", name, err)
	}
	return value, nil
}

// sysctlPath refuses a name that would lead out of /proc/sys.
func sysctlPath(name string) (string, error) {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		part = strings.ReplaceAll(part, "/", ".")
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
			return "", fmt.Errorf("no sysctl name: %q", name)
		}
		parts[i] = part
	}
	return "/proc/sys/" + strings.Join(parts, "/"), nil
}
