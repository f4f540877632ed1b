package hooks_test

import (
	"os"
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
	for _, pid := range stagetest.PIDs() {
		if exe, _ := os.Readlink("/proc/" + pid + "/exe"); exe != self {
			continue
		}
		if args, _ := os.ReadFile("/proc/" + pid + "/cmdline"); strings.HasSuffix(string(args), "\x00hooks\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}
