package kernel

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSysctl(t *testing.T) {
	if n, err := Own().SysctlInt("net.core.somaxconn"); err != nil || n <= 0 {
		t.Errorf("somaxconn %d, %v", n, err)
	}
	if text, err := Own().Sysctl("net.ipv4.tcp_rmem"); err != nil || len(strings.Fields(text)) != 3 || strings.HasSuffix(text, "\n") {
		t.Errorf("tcp_rmem %q, %v", text, err)
	}
	if n, err := Own().SysctlInt("net.ipv4.tcp_rmem"); err == nil {
		t.Errorf("tcp_rmem is the number %d", n)
	}
	if _, err := Own().Sysctl("net.core.nothing"); !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "/proc/sys/net/core/nothing") {
		t.Errorf("error %v", err)
	}
	if _, err := Own().Sysctl("net.core"); !errors.Is(err, unix.EISDIR) {
		t.Errorf("error %v", err)
	}
}

// A listen(2) above net.core.somaxconn is cut to it.
func TestSysctlSomaxconn(t *testing.T) {
	limit, err := Own().SysctlInt("net.core.somaxconn")
	if err != nil {
		t.Fatal(err)
	}
	_, addr := listener(t, unix.AF_INET, limit+1000)
	row, ok := found(tcpSockets(t).Listener(addr))
	if !ok || row.WQueue != uint32(limit) {
		t.Errorf("somaxconn %d: %+v", limit, row)
	}
}

func TestSysctlPath(t *testing.T) {
	for name, want := range map[string]string{
		"net.core.somaxconn":               "/proc/sys/net/core/somaxconn",
		"net.ipv4.conf.eth0/100.rp_filter": "/proc/sys/net/ipv4/conf/eth0.100/rp_filter",
		"":                                 "",
		".":                                "",
		"net..core":                        "",
		"net.":                             "",
		".net":                             "",
		"net.//.//.//.etc.passwd":          "",
		"net./.core":                       "",
		"/etc/passwd":                      "/proc/sys/.etc.passwd",
		"a.b\x00c":                         "",
	} {
		if got, err := sysctlPath(name); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}
