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

// fd3's own server is no process of its own, and is on the Board all the same: its
// sockets, and nothing else that fd3 has open.
func TestBoardHasOwnServer(t *testing.T) {
	b := prepared(t, "serve").Board(t.Context())
	if b.Err != nil || len(b.Now.Hosts) != 1 || len(b.Now.Hosts[0].Processes) != 1 {
		t.Fatalf("%+v", b)
	}
	h := b.Now.Hosts[0]
	p := h.Processes[0]
	if !strings.HasPrefix(p.Name, "server, thread ") || p.PID != os.Getpid() || len(p.Descriptors) != 1 || len(h.Sockets) != 1 {
		t.Fatalf("%+v", h)
	}
	if s := h.Held(p.PID, p.Descriptors[0].Number); s == nil || s.State != kernel.Listen || !s.Local.Addr().IsLoopback() {
		t.Errorf("%+v", s)
	}
}

// Where the Board would be the answer to an exercise it is empty.
func TestBoardKeepsTheAnswer(t *testing.T) {
	b := prepared(t, "syscall").Board(t.Context())
	if len(b.Now.Hosts)+len(b.Calls) > 0 || b.Of.Name != "wake" {
		t.Errorf("%+v", b)
	}
}

// parties are the processes on a Board.
func parties(b lab.Board) (all []kernel.Process) {
	for _, h := range b.Now.Hosts {
		for _, p := range h.Processes {
			if p.Party {
				all = append(all, p)
			}
		}
	}
	return all
}

// An exercise whose server the learner has killed cannot be done any more.
func TestCheckTellsThatAProcessHasEnded(t *testing.T) {
	for _, id := range []string{"listen", "handshake", "syscall"} {
		s := prepared(t, id)
		if _, _, err := s.Check(); err != nil {
			t.Fatal(err)
		}
		var pid int
		if all := parties(s.Board(t.Context())); len(all) > 0 {
			pid = all[0].PID
		} else if _, err := fmt.Sscan(s.Notes().Values()["pid"], &pid); err != nil {
			t.Fatalf("%s: neither its Board nor its words tell the server: %v", id, err)
		}
		unix.Kill(pid, unix.SIGKILL)
		labtest.Until(t, func() bool {
			_, _, err := s.Check()
			return err != nil && err.Error() == "the server has ended"
		}, func() string { return id })
		s.Refereed(id + ", killed")
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
		for _, party := range parties(s.Board(t.Context())) {
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
		s.Refereed(id + ", stopped")
		begun := time.Now()
		_, now, err := s.Check()
		if err != nil || time.Since(begun) > stage.Patience {
			t.Errorf("%s: the check says %q, %v after %s", id, now, err, time.Since(begun))
		}
		told = told || strings.Contains(now, "kill -CONT ")
		for _, party := range parties(s.Board(t.Context())) {
			if slices.Contains(stopped, party.PID) && party.State != "stopped" {
				t.Errorf("%s: on the Board: %+v", id, party)
			}
		}
		if time.Since(begun) > stage.Patience {
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
