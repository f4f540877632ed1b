package hooks

import (
	"os"
	"testing"

	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/stage/stagetest"
)

// TestMain makes this test binary become an agent or a keeper when it is executed again.
func TestMain(m *testing.M) {
	hooks.Become()
	netlab.Become()
	os.Exit(stagetest.Run(m, nil))
}
