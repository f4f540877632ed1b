package course

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// solutions are what a learner may type to do each exercise, by "lesson/name".
// The {values} are those that the exercise shows him.
var solutions = map[string]string{}

// solve adds the solutions of one lesson.
func solve(id string, scripts map[string]string) bool {
	for name, script := range scripts {
		solutions[id+"/"+name] = script
	}
	return true
}

// A shell runs a script in a process group of its own, which ends with the test.
type shell struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (s *shell) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(b)
}

func (s *shell) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

func newShell(t *testing.T, script string) *shell {
	t.Helper()
	for _, tool := range []string{"bash", "nc", "curl", "ss"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal("missing, and CI must have it: " + tool)
			}
			t.Skip("missing: " + tool)
		}
	}
	s := &shell{}
	cmd := exec.Command("bash", "-c", script)
	cmd.Stdout, cmd.Stderr = s, s
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		cmd.Wait()
	})
	return s
}

// until waits for what the kernel is about to show.
func until(t *testing.T, true func() bool, why func() string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !true(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not seen: " + strings.TrimSpace(why()))
		}
	}
}
