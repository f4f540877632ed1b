package course_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
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
