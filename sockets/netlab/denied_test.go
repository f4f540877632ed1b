package netlab

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The line about a denial names what decides it, as it is read.
func TestReason(t *testing.T) {
	const allCaps = "CapEff:\t000001ffffffffff\nSeccomp:\t0\n"
	for _, c := range []struct {
		about      string
		errno      unix.Errno
		root       bool
		files      map[string]string
		why, allow string
	}{
		{"Debian of old", unix.EPERM, false, map[string]string{"/proc/sys/kernel/unprivileged_userns_clone": "0"}, "unprivileged_userns_clone is 0", "sysctl -w kernel.unprivileged_userns_clone=1"},
		{"Ubuntu", unix.EACCES, false, map[string]string{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"}, "AppArmor", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
		{"Docker", unix.EPERM, false, map[string]string{"/proc/self/status": "CapEff:\t0\nSeccomp:\t2\n"}, "seccomp", "seccomp=unconfined"},
		{"none allowed", unix.ENOSPC, false, map[string]string{"/proc/sys/user/max_user_namespaces": "0"}, "max_user_namespaces is 0", "sysctl -w user.max_user_namespaces"},
		{"all in use", unix.ENOSPC, false, map[string]string{"/proc/sys/user/max_user_namespaces": "100"}, "", ""},
		{"a root that may do little", unix.EPERM, true, map[string]string{"/proc/self/status": "CapEff:\t00000000a80425fb\nSeccomp:\t0\n"}, "CAP_SYS_ADMIN", "--cap-add SYS_ADMIN"},
		{"a root without a network", unix.EPERM, true, map[string]string{"/proc/self/status": "CapEff:\t000001ffffffefff\nSeccomp:\t0\n"}, "CAP_NET_ADMIN", "--cap-add NET_ADMIN"},
		{"nothing that is known", unix.EPERM, true, map[string]string{"/proc/self/status": allCaps}, "", ""},
	} {
		why, allow := reason(c.errno, c.root, func(path string) string { return c.files[path] })
		if !strings.Contains(why, c.why) || !strings.Contains(allow, c.allow) || (why == "") != (c.why == "") {
			t.Errorf("%s: %q, %q", c.about, why, allow)
		}
	}
}

// Only what is denied is a denial.
func TestStep(t *testing.T) {
	if step("x", nil) != nil {
		t.Error("no error is one")
	}
	for _, c := range []struct {
		err    error
		denied bool
	}{{unix.EPERM, true}, {fmt.Errorf("wrapped: %w", unix.ENOSPC), true}, {unix.ENODEV, false}, {errors.New("no errno"), false}} {
		var denied *DeniedError
		if err := step("x", c.err); errors.As(err, &denied) != c.denied || !strings.Contains(err.Error(), "x") {
			t.Errorf("%v: %v", c.err, err)
		}
	}
}
