package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Under a limit that is too small fd3 says one line, which names it.
func TestTooSmallALimit(t *testing.T) {
	p, err := newPlace()
	if err != nil {
		t.Fatal(err)
	}
	defer p.clear()
	build, _ := debug.ReadBuildInfo()
	raced := slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
	for _, c := range []struct{ ulimit, command, names string }{
		{"-n 6", "socket", "RLIMIT_NOFILE is 6"},
		{"-n 7", "socket", "RLIMIT_NOFILE is 7"},
		{"-n 7", "status", "RLIMIT_NOFILE is 7"},
		{"-n 7", "serve --addr 127.0.0.1:0", "RLIMIT_NOFILE is 7"},
		{"-n 12", "socket", "RLIMIT_NOFILE is 12"},
		{"-v 1800000", "version", "RLIMIT_AS is 1843200000"},
	} {
		t.Run(c.ulimit+" "+c.command, func(t *testing.T) {
			if raced && strings.HasPrefix(c.ulimit, "-v") {
				t.Skip("the race detector needs terabytes of addresses")
			}
			cmd := exec.Command("sh", "-c", fmt.Sprintf("ulimit %s; exec fd3 %s", c.ulimit, c.command))
			cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+p.run)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			if cmd.Run(); cmd.ProcessState.ExitCode() != exitFailed {
				t.Errorf("exit code %d", cmd.ProcessState.ExitCode())
			}
			if said := stderr.String(); !strings.HasPrefix(said, "fd3: ") || strings.Count(said, "\n") != 1 || !strings.Contains(said, c.names) {
				t.Errorf("stderr: %s", said)
			}
		})
	}
	if os.Geteuid() != 0 {
		var was unix.Rlimit
		unix.Getrlimit(unix.RLIMIT_NPROC, &was)
		defer unix.Setrlimit(unix.RLIMIT_NPROC, &was)
		unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: 3, Max: was.Max})
		if err := enough(); err == nil || !strings.Contains(err.Error(), "RLIMIT_NPROC is 3") {
			t.Error(err)
		}
	}
}
