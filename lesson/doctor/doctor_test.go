package doctor_test

import (
	"context"
	"os"
	"testing"

	"fd3/lesson"
	"fd3/lesson/doctor"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

// TestMain makes this test binary become a keeper or a stage when it is executed again.
func TestMain(m *testing.M) {
	netlab.Become()
	stage.Become()
	os.Exit(m.Run())
}

// A learner who does not wait for the end leaves no stage and no network behind.
func TestInterrupted(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "fd3d") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var seen int
	doctor.Examine(ctx, func(e lesson.Event) {
		if e.Kind == lesson.KindEvidence {
			seen++
		}
	})
	if seen < 8 {
		t.Errorf("%d things were looked at", seen)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
