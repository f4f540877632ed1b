package course_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// prepared is an exercise as a learner finds it.
func prepared(t *testing.T, id string) *labtest.Learner {
	t.Helper()
	l, err := course.Find(id)
	if err != nil {
		t.Fatal(err)
	}
	s := labtest.Begin(t, l)
	i := slices.IndexFunc(l.Parts, func(p lab.Part) bool { return p.Kind == lab.Exercise })
	if err := s.Prepare(t.Context(), l.Parts[i]); err != nil {
		t.Fatal(err)
	}
	return s
}

// fd3's own server is no process of its own, and is on the Board all the same.
func TestBoardHasOwnServer(t *testing.T) {
	b := prepared(t, "serve").Board(t.Context())
	if len(b.Parties) != 1 || len(b.Parties[0].Rows) != 1 || !strings.Contains(b.Parties[0].Doing, "thread ") {
		t.Fatalf("%+v", b.Parties)
	}
	row := b.Parties[0].Rows[0]
	if !strings.HasPrefix(row.Text, "LISTEN 127.0.0.1:") || len(row.Bars) != 1 || row.Bars[0].Name != "accept queue" {
		t.Errorf("%+v", row)
	}
}

// Where the Board would be the answer to an exercise it is empty.
func TestBoardKeepsTheAnswer(t *testing.T) {
	b := prepared(t, "syscall").Board(t.Context())
	if len(b.Parties)+len(b.Calls) > 0 || b.Of.Name != "wake" {
		t.Errorf("%+v", b)
	}
}

// An exercise whose server the learner has killed cannot be done any more.
func TestCheckTellsThatAProcessHasEnded(t *testing.T) {
	for _, id := range []string{"listen", "handshake", "syscall"} {
		s := prepared(t, id)
		if _, _, err := s.Check(); err != nil {
			t.Fatal(err)
		}
		var pid int
		if b := s.Board(t.Context()); len(b.Parties) > 0 {
			pid = b.Parties[0].PID
		} else if _, err := fmt.Sscan(s.Notes().Values()["pid"], &pid); err != nil {
			t.Fatalf("%s: neither its Board nor its words tell the server: %v", id, err)
		}
		unix.Kill(pid, unix.SIGKILL)
		labtest.Until(t, func() bool {
			_, _, err := s.Check()
			return err != nil && err.Error() == "the server has ended"
		}, func() string { return id })
	}
}

// A process that the learner has stopped holds up neither the Board nor the check, and
// is no reason to give the exercise up.
func TestStoppedProcessHoldsNothingUp(t *testing.T) {
	told := false
	for _, id := range course.IDs() {
		l, err := course.Find(id)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(l.Parts, func(p lab.Part) bool { return p.Kind == lab.Exercise }) {
			continue
		}
		s := prepared(t, id)
		var stopped []int
		for _, party := range s.Board(t.Context()).Parties {
			if party.PID == os.Getpid() {
				continue
			}
			unix.Kill(party.PID, unix.SIGSTOP)
			labtest.Until(t, func() bool {
				task, err := kernel.Thread(party.PID, party.PID)
				return err == nil && task.State == 'T'
			}, func() string { return id })
			stopped = append(stopped, party.PID)
		}
		begun := time.Now()
		_, now, err := s.Check()
		if err != nil || time.Since(begun) > stage.Patience/2 {
			t.Errorf("%s: the check says %q, %v after %s", id, now, err, time.Since(begun))
		}
		told = told || strings.Contains(now, "kill -CONT ")
		for _, party := range s.Board(t.Context()).Parties {
			if slices.Contains(stopped, party.PID) && party.Doing != "stopped by a signal" {
				t.Errorf("%s: on the Board: %+v", id, party)
			}
		}
		if time.Since(begun) > stage.Patience/2 {
			t.Errorf("%s: the Board came after %s", id, time.Since(begun))
		}
		for _, pid := range stopped {
			unix.Kill(pid, unix.SIGCONT)
		}
		s.End()
	}
	if !told {
		t.Error("no check of an exercise said that a process is stopped")
	}
}
