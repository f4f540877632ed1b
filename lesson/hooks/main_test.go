package hooks

import (
	"fmt"
	"os"
	"testing"

	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

// TestMain makes this test binary become an agent or a keeper when it is executed again.
func TestMain(m *testing.M) {
	hooks.Become()
	netlab.Become()
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	os.Exit(inRuntimeFolder(m))
}

func inRuntimeFolder(m *testing.M) int {
	dir, err := os.MkdirTemp("/tmp", "fd3t")
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
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		fmt.Fprintln(os.Stderr, "left behind:", left)
		return 1
	}
	return code
}
