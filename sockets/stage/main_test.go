package stage_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/stage"
	"fd3/sockets/stage/stagetest"
)

// TestMain makes this test binary become a stage when stage.Remote executes it
// again. All tests share one runtime folder, and each has a stage of its own name.
func TestMain(m *testing.M) {
	stage.Become()
	if len(os.Args) == 3 && os.Args[1] == "own-stage" {
		ownStage(os.Args[2] == "blocked")
	}
	if len(os.Args) == 3 && os.Args[1] == "remote-stage" {
		stage.RemoteStage(os.Args[2])
	}
	if len(os.Args) == 2 && os.Args[1] == "limited-stage" {
		limitedStage()
	}
	os.Exit(stagetest.Run(m, nil))
}

// remote is a stage of this test's own, not yet started, that is ended after it.
func remote(t *testing.T) stage.Remote {
	name := strings.NewReplacer("/", "-", "_", "-").Replace(strings.TrimPrefix(t.Name(), "Test"))
	r := stage.Remote{Name: name[:min(len(name), 32)], Role: stage.Server}
	t.Cleanup(func() {
		r.Quit(context.Background())
		gone(t, r)
	})
	return r
}

// started is a running stage, and its pid.
func started(t *testing.T, idle time.Duration) (r stage.Remote, pid int) {
	t.Helper()
	r = remote(t)
	if began, crashed, err := r.Start(idle); !began || crashed || err != nil {
		t.Fatalf("Start: started %t, crashed %t, %v", began, crashed, err)
	}
	return r, look(t, r).PID
}

func look(t *testing.T, r stage.Remote) stage.State {
	t.Helper()
	s, err := r.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// path is where the control socket of a stage lies.
func path(r stage.Remote) string {
	return filepath.Join(stage.Folder(), r.Name+"."+string(r.Role)+".sock")
}

// do makes the stage make a call that returns.
func do(t *testing.T, r stage.Remote, o stage.Order) sockets.Call {
	t.Helper()
	c, err := r.Do(t.Context(), o, func(sockets.Call) {})
	if err != nil || !c.Returned {
		t.Fatalf("%s: %v", o.Do, err)
	}
	return c
}

// gone waits until neither the process nor its control socket is left.
func gone(t *testing.T, r stage.Remote) {
	t.Helper()
	stagetest.Until(t, "the end of the stage", func() bool {
		_, err := os.Lstat(path(r))
		return os.IsNotExist(err) && len(stagetest.Processes(path(r))) == 0
	})
}

// need ends a test that cannot run here. CI has everything, so there it fails.
func need(t *testing.T, there bool, what string) {
	t.Helper()
	switch {
	case there:
	case os.Getenv("CI") == "true":
		t.Fatal("missing, and CI must have it: " + what)
	default:
		t.Skip("missing: " + what)
	}
}

// Orders that these tests use.
var (
	newSocket = stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC}
	loopback  = func() sockets.Sockaddr { a, _ := sockets.ParseSockaddr("127.0.0.1:0"); return a }()
)

func on(fd int, do string) stage.Order {
	return stage.Order{Do: do, FD: fd, Addr: loopback, Backlog: 1, Size: 100, Flags: unix.SOCK_CLOEXEC}
}
