package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"fd3/sockets/path"
	"fd3/sockets/stage"
)

// TestMain makes this test binary be fd3 too, when it is called by that name: in
// the scripts, and when a stage executes itself again.
//
// A test that traces itself has a guard, which is this binary too: without Become it would
// be all tests once more.
//
// With -race every process would sleep for a second at its end.
func TestMain(m *testing.M) {
	path.Become()
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	testscript.Main(m, map[string]func(){"fd3": main})
}

// A skipper is a test, or a script of one.
type skipper interface {
	Skip(...any)
	Fatal(...any)
}

// need ends a test that cannot run here, and says what is missing. CI has
// everything, so there it is a failure.
func need(t skipper, there bool, what string) {
	switch {
	case there:
	case os.Getenv("CI") == "true":
		t.Fatal("missing, and CI must have it: " + what)
	default:
		t.Skip("missing: " + what)
	}
}

func needTool(t skipper, tool string) {
	_, err := exec.LookPath(tool)
	need(t, err == nil, tool)
}

// A place is where the stages of one test live, apart from all others.
type place struct {
	base string // short, because a socket's path is; anybody may pass through it
	run  string // XDG_RUNTIME_DIR
}

func newPlace() (place, error) {
	base, err := os.MkdirTemp("/tmp", "fd3t")
	if err != nil {
		return place{}, err
	}
	p := place{base, filepath.Join(base, "run")}
	if err := os.Chmod(base, 0o755); err != nil {
		return p, err
	}
	return p, os.Mkdir(p.run, 0o700)
}

// clear ends every stage of the place with fd3 reset, and tells what that left.
func (p place) clear() error {
	defer os.RemoveAll(p.base)
	for name := range p.stages() {
		reset := exec.Command("fd3", "reset", "--stage", name)
		reset.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+p.run)
		if out, err := reset.CombinedOutput(); err != nil {
			return fmt.Errorf("fd3 reset --stage %s: %w\n%s", name, err, out)
		}
	}
	var left []string
	filepath.WalkDir(p.base, func(path string, d fs.DirEntry, err error) error {
		if err == nil && (d.Type() == fs.ModeSocket || path == filepath.Join(p.run, "fd3")) {
			left = append(left, path)
		}
		return nil
	})
	// The answer to reset comes a moment before the end of the process.
	for deadline := time.Now().Add(5 * time.Second); len(p.processes()) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			left = append(left, fmt.Sprint("processes ", p.processes()))
			p.kill()
			break
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("left after fd3 reset: %s", strings.Join(left, ", "))
	}
	return nil
}

// stages are the names of the stages that have, or had, a control socket.
func (p place) stages() map[string]bool {
	names := make(map[string]bool)
	found, _ := filepath.Glob(filepath.Join(p.run, "fd3", "*.sock"))
	for _, path := range found {
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		names[name] = true
	}
	return names
}

// processes are the stages whose control socket is, or was, in this place: its
// path is one of their arguments.
func (p place) processes() []int {
	var pids []int
	found, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range found {
		args, _ := os.ReadFile(path)
		if !bytes.Contains(args, []byte("\x00"+stage.Command+"\x00")) || !bytes.Contains(args, []byte("\x00"+p.base+"/")) {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		pids = append(pids, pid)
	}
	return pids
}

func (p place) kill() {
	for _, pid := range p.processes() {
		unix.Kill(pid, unix.SIGKILL)
	}
}

// in makes a place for a test, and sees that nothing is left of it.
func in(t testing.TB) place {
	t.Helper()
	p, err := newPlace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.clear(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// fd3 is a command of fd3 in this place.
func (p place) fd3(args ...string) *exec.Cmd {
	cmd := exec.Command("fd3", args...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+p.run, "XDG_STATE_HOME="+filepath.Join(p.base, "state"), "FD3_STAGE=")
	return cmd
}

// until waits for a condition.
func until(t testing.TB, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !there(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}
