package hooks_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

// TestMain makes this test binary become an agent or a keeper when it is executed again.
// Nothing may be left of either.
func TestMain(m *testing.M) {
	hooks.Become()
	netlab.Become()
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	os.Exit(inRuntimeFolder(m))
}

func inRuntimeFolder(m *testing.M) int {
	dir, err := os.MkdirTemp("/tmp", "fd3h")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Setenv("XDG_RUNTIME_DIR", dir)
	code := m.Run()
	if err := stage.Tidy(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	left, _ := os.ReadDir(dir)
	if len(left) > 0 || len(agents()) > 0 {
		fmt.Fprintln(os.Stderr, "left behind:", left, agents())
		return 1
	}
	return code
}

// agents are the processes of this test binary that are agents.
func agents() (pids []string) {
	self, _ := os.Readlink("/proc/self/exe")
	found, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, file := range found {
		exe, _ := os.Readlink(file)
		args, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if exe == self && strings.HasSuffix(string(args), "\x00hooks\x00") {
			pids = append(pids, strings.Split(file, "/")[2])
		}
	}
	return pids
}

// up returns a network. Its cable holds what comes, and Try lets its packet pass.
func up(t *testing.T) *netlab.Network {
	t.Helper()
	name := strings.ReplaceAll(strings.ToLower(t.Name()), "/", "-")
	if len(name) > 30 {
		name = name[len(name)-30:]
	}
	name = "t" + strings.Trim(name, "-")
	_, _, err := netlab.Up(name, netlab.Options{})
	var denied *netlab.DeniedError
	if errors.As(err, &denied) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	n, err := netlab.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.Close()
		netlab.Down(context.Background(), name)
	})
	return n
}
