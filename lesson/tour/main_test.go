package tour

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson/course"
	"fd3/lesson/view"
	"fd3/sockets/stage"
)

// TestMain makes this test binary become a stage when a Lab executes it again, and
// the screen when a test does: its terminal and its signals are its own then.
func TestMain(m *testing.M) {
	stage.Become()
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	if from, ok := os.LookupEnv("FD3_TEST_SCREEN"); ok {
		os.Exit(screenProcess(from))
	}
	os.Exit(m.Run())
}

// screenProcess is fd3 tour as far as it is of this package.
func screenProcess(from string) int {
	auto, _ := time.ParseDuration(os.Getenv("FD3_TEST_AUTO"))
	var mark func(string)
	if os.Getenv("FD3_TEST_PANIC") != "" {
		mark = func(string) { panic("a fault of the test") }
	}
	progress, err := course.LoadProgress()
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGHUP) // as cmd/fd3 does
		defer stop()
		err = Screen(ctx, Options{
			From: from, Auto: auto, Progress: progress, Mark: mark, In: os.Stdin, Out: os.Stdout,
			Look: view.Look{Colour: os.Getenv("NO_COLOR") == "", ASCII: os.Getenv("FD3_TEST_ASCII") != ""},
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fd3:", err)
		return 1
	}
	return 0
}
