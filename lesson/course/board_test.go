package course

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// prepared is an exercise as a learner finds it.
func prepared(t *testing.T, id string) *student {
	t.Helper()
	l, err := Find(id)
	if err != nil {
		t.Fatal(err)
	}
	s := newStudent(t)
	s.Begin(l)
	i := slices.IndexFunc(l.Parts, func(p Part) bool { return p.Kind == Exercise })
	if err := s.Prepare(t.Context(), l.Parts[i]); err != nil {
		t.Fatal(err)
	}
	return s
}

// A call that returns takes the place of itself, also if the other process has made
// one meanwhile.
func TestBoardHasEachCallOnce(t *testing.T) {
	l := newLab(t.Context(), &Walk{}, Part{})
	l.made(server, 1, sockets.Call{Name: "accept4"})
	l.made(client, 2, sockets.Call{Name: "connect", Returned: true})
	l.made(server, 1, sockets.Call{Name: "accept4", Returned: true})
	l.made(server, 1, sockets.Call{Name: "accept4"})
	var pids []int
	for _, c := range l.calls {
		pids = append(pids, c.PID)
	}
	if !slices.Equal(pids, []int{2, 1, 1}) {
		t.Errorf("%+v", l.calls)
	}
}

// fd3's own server is no process of its own, and is on the Board all the same.
func TestBoardHasOwnServer(t *testing.T) {
	b := prepared(t, "serve").Board(t.Context())
	if len(b.Ends) != 1 || len(b.Ends[0].Rows) != 1 || !strings.Contains(b.Ends[0].Doing, "thread ") {
		t.Fatalf("%+v", b.Ends)
	}
	row := b.Ends[0].Rows[0]
	if !strings.HasPrefix(row.Text, "LISTEN 127.0.0.1:") || len(row.Bars) != 1 || row.Bars[0].Name != "accept queue" {
		t.Errorf("%+v", row)
	}
}

// Where the Board would be the answer to an exercise it is empty.
func TestBoardKeepsTheAnswer(t *testing.T) {
	b := prepared(t, "syscall").Board(t.Context())
	if len(b.Ends)+len(b.Calls) > 0 || b.Of.Name != "wake" {
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
		unix.Kill(s.lab.pid(server), unix.SIGKILL)
		until(t, func() bool {
			_, _, err := s.Check()
			return err != nil && err.Error() == "the server has ended"
		}, func() string { return id })
	}
}
