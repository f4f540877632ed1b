package kernel

import (
	"fmt"
	"strconv"
	"strings"
)

// Sysctl reads a kernel setting by its dotted name: "net.core.somaxconn" is
// /proc/sys/net/core/somaxconn (proc_sys(5)). As in sysctl(8), "/" stands for a
// dot inside one part: net.ipv4.conf.eth0/100.rp_filter. Several values stay
// separated as the kernel does it, by tabs. Those under net belong to a network
// namespace, and this reads the one of the calling thread.
func Sysctl(name string) (string, error) {
	path, err := sysctlPath(name)
	if err != nil {
		return "", err
	}
	data, err := readFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(data), "\n"), nil
}

// SysctlInt reads a setting that is one whole number.
func SysctlInt(name string) (int, error) {
	text, err := Sysctl(name)
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
