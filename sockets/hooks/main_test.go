package hooks_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/stage/stagetest"
)

// TestMain makes this test binary become an agent or a keeper when it is executed again.
// Nothing may be left of either.
func TestMain(m *testing.M) {
	hooks.Become()
	netlab.Become()
	os.Exit(stagetest.Run(m, agents))
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
