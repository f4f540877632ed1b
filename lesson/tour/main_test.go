package tour

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson/course"
	"fd3/lesson/view"
	"fd3/sockets/stage"
)

// A stage makes its calls on the main thread.
func init() { runtime.LockOSThread() }

// TestMain makes this test binary become a stage when a Lab executes it again, and
// the screen when a test does: its terminal and its signals are its own then.
func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == stage.Command {
		idle, _ := time.ParseDuration(os.Args[4])
		stage.Main(stage.Role(os.Args[2]), os.Args[3], idle)
	}
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
