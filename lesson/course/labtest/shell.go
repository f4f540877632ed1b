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

// races is how often an exercise is done. Each time the learner's programs and the
// check, which asks all the time, meet in another way.
const races = 3

// solved does an exercise as a learner would: a shell runs the solution, and the
// kernel has to show what the exercise asks for. The check never says so earlier.
func solved(t *testing.T, l lab.Lesson, p lab.Part, proof Proof) {
	if proof.Solutions[p.Name] == "" {
		t.Fatal("nothing solves it")
	}
	s := prepared(t, l, p)
	defer s.End()
	shell := newShell(t, filled(t, s, proof.Solutions[p.Name]))
	defer shell.end()
	last, end := "", time.Now().Add(20*time.Second)
	for done := false; !done; {
		var err error
		if done, last, err = s.Check(); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(end) {
			t.Fatalf("not seen: %s\n%s", last, shell.output())
		}
	}
	state := newShell(t, filled(t, s, proof.States[p.Name]))
	if err := <-state.ended; err != nil {
		t.Errorf("the check says %q, and a learner does not see it: %v %s", last, err, state.output())
	}
}

// almost does what is not enough for an exercise: the check never says that it was.
func almost(t *testing.T, l lab.Lesson, p lab.Part, script string) {
	s := prepared(t, l, p)
	shell := newShell(t, filled(t, s, script))
	for over := time.After(2 * time.Second); ; {
		if done, now, err := s.Check(); done || err != nil {
			t.Fatalf("done by %q: %q, %v", script, now, err)
		}
		select {
		case <-shell.ended:
			return
		case <-over:
			return
		default:
		}
	}
}

// prepared returns a Learner before an exercise that is not done yet.
func prepared(t *testing.T, l lab.Lesson, p lab.Part) *Learner {
	t.Helper()
	s := Begin(t, l)
	if err := s.Prepare(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if done, now, err := s.Check(); done || err != nil {
		t.Fatalf("done before: %q, %v", now, err)
	}
	return s
}

// filled returns a script with the values that the exercise shows.
func filled(t *testing.T, s *Learner, script string) string {
	t.Helper()
	text, err := words.FillParagraphs(script, s.Notes().Values())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Types has the learner run a script in another terminal, with the values that the exercise
// shows. What still runs ends with the test.
func (s *Learner) Types(script string) { newShell(s.t, filled(s.t, s, script)) }

// A shell runs a script in a process group of its own, which ends with the test.
type shell struct {
	end   func()
	ended chan error // what Wait returned

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
	s := &shell{ended: make(chan error, 1)}
	cmd := exec.Command("bash", "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+besides(t, script))
	cmd.Stdout, cmd.Stderr = s, s
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		s.ended <- cmd.Wait()
		close(over)
	}()
	s.end = sync.OnceFunc(func() {
		unix.Kill(-cmd.Process.Pid, unix.SIGKILL) // the group is there as long as anybody of it
		<-over
	})
	t.Cleanup(s.end)
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
