package netlab

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// A DeniedError says that this machine lets its user make no network of their own.
type DeniedError struct {
	Step  string     `json:"step"` // what was denied
	Errno unix.Errno `json:"errno"`
}

func (e *DeniedError) Error() string {
	text := []string{fmt.Sprintf("no network of one's own can be made here: %s says %s (%s)", e.Step, unix.ErrnoName(e.Errno), sockets.Meaning(e.Errno))}
	why, allow := reason(e.Errno, os.Geteuid() == 0, reading)
	text = append(text, cmp.Or(why, "The kernel does not say which rule of this machine forbids it"))
	if allow != "" {
		text = append(text, "The owner of the machine allows it with: "+allow)
	}
	if os.Geteuid() != 0 {
		text = append(text, "As root it works all the same: sudo fd3 wire up")
	}
	return strings.Join(text, ". ")
}

// step says at what a set-up has failed. What a user is denied is a *DeniedError.
func step(what string, err error) error {
	var errno unix.Errno
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &errno):
		return fmt.Errorf("%s: %w", what, err)
	case errno == unix.EPERM, errno == unix.EACCES, errno == unix.ENOSPC, errno == unix.EUSERS, errno == unix.ENOSYS:
		return &DeniedError{what, errno}
	case errno == unix.EINVAL && strings.HasPrefix(what, "clone"): // a kernel without CONFIG_USER_NS
		return &DeniedError{what, errno}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// A switch of the machine's that denies it.
var switches = []struct {
	errno            unix.Errno
	path, denies     string // the value that denies; "seccomp" is looked for in a line of its own
	what, allow, key string
}{
	{unix.ENOSPC, "/proc/sys/user/max_user_namespaces", "0", "The sysctl user.max_user_namespaces is 0", "sudo sysctl -w user.max_user_namespaces=1000", ""},
	{unix.ENOSPC, "/proc/sys/user/max_net_namespaces", "0", "The sysctl user.max_net_namespaces is 0", "sudo sysctl -w user.max_net_namespaces=1000", ""},
	{unix.EPERM, "/proc/sys/kernel/unprivileged_userns_clone", "0", "The sysctl kernel.unprivileged_userns_clone is 0, as Debian once had it", "sudo sysctl -w kernel.unprivileged_userns_clone=1", ""},
	{unix.EPERM, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor takes the capabilities away in a new user namespace: the sysctl kernel.apparmor_restrict_unprivileged_userns is 1, as Ubuntu has it", "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0", ""},
	{unix.EPERM, "/proc/self/status", "2", "A seccomp filter stands over this process, as Docker's does", "docker run --security-opt seccomp=unconfined --cap-add SYS_ADMIN --cap-add NET_ADMIN", "Seccomp:"},
}

// reason says which switch denies it, or which capability root has not, and what the
// machine's owner can do. read returns the text of a file, or nothing.
func reason(errno unix.Errno, root bool, read func(path string) string) (why, allow string) {
	if errno == unix.EACCES {
		errno = unix.EPERM
	}
	for _, s := range switches {
		value := read(s.path)
		if s.key != "" {
			value = line(value, s.key)
		}
		if s.errno == errno && value == s.denies {
			return s.what, s.allow
		}
	}
	if !root || errno != unix.EPERM {
		return "", ""
	}
	caps, err := strconv.ParseUint(line(read("/proc/self/status"), "CapEff:"), 16, 64)
	for _, c := range []struct {
		bit  uint
		name string
	}{{unix.CAP_SYS_ADMIN, "SYS_ADMIN"}, {unix.CAP_NET_ADMIN, "NET_ADMIN"}, {unix.CAP_NET_RAW, "NET_RAW"}} {
		if err == nil && caps&(1<<c.bit) == 0 {
			return "This root has no CAP_" + c.name, "docker run --cap-add " + c.name + " (if it is a container)"
		}
	}
	return "", ""
}

func reading(path string) string {
	text, _ := os.ReadFile(path)
	return strings.TrimSpace(string(text))
}

// line returns what follows a key at the beginning of a line.
func line(text, key string) string {
	for l := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(l, key); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
