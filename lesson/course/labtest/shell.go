package labtest

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

	"fd3/lesson/course/lab"
	"fd3/lesson/words"
)

// solved does an exercise as a learner would: a shell runs the solution, and the
// kernel has to show what the exercise asks for.
func solved(t *testing.T, l lab.Lesson, p lab.Part, solution string) {
	if solution == "" {
		t.Fatal("nothing solves it")
	}
	s := Begin(t, l)
	if err := s.Prepare(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if done, now, err := s.Check(); done || err != nil {
		t.Fatalf("done before: %q, %v", now, err)
	}
	text, err := words.FillParagraphs(solution, s.Notes().Values())
	if err != nil {
		t.Fatal(err)
	}
	shell := newShell(t, text)
	last := ""
	Until(t, func() bool {
		done, now, err := s.Check()
		if err != nil {
			t.Fatal(err)
		}
		last = now
		return done
	}, func() string { return last + "\n" + shell.output() })
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

// Until waits for what the kernel is about to show, and ends the test if it does
// not come. why says what is there instead.
func Until(t *testing.T, reached func() bool, why func() string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !reached(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not seen: " + strings.TrimSpace(why()))
		}
	}
}
