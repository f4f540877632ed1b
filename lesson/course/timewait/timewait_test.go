package timewait_test

import (
	"bytes"
	"testing"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
	"fd3/lesson/course/timewait"
	"fd3/sockets/kernel"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// A learner who thinks for longer than a TIME_WAIT lasts finds one all the same.
func TestSlowRestart(t *testing.T) {
	l := lab.New(t.Context(), lab.Part{}, func(lesson.Event) {}, lab.NewNotes(nil))
	defer l.End()
	if err := l.Try(func() {
		addr := l.ServedLately(lab.Loopback(1), false) // where there was never a server
		if len(l.RowsAt(addr, kernel.TimeWait)) != 1 {
			t.Errorf("no TIME_WAIT at %s", addr)
		}
		if again := l.ServedLately(addr, false); !bytes.Equal(again, addr) {
			t.Errorf("another server at %s, and the TIME_WAIT of that at %s has just begun", again, addr)
		}
	}); err != nil {
		t.Error(err)
	}
}

func TestLesson(t *testing.T) {
	labtest.Prove(t, timewait.Lesson, labtest.Proof{
		Answers: map[string]string{
			"who":     "client",
			"restart": "neither",
			"two":     "error",
			"fault":   "server",
		},
		Solutions: map[string]string{
			"sides": `nc -N 127.0.0.1 {port} </dev/null; echo bye | nc 127.0.0.1 {port}`,
		},
		States: map[string]string{
			"sides": `ss -Htn state time-wait 'sport = :{port}' | grep . && ss -Htn state time-wait 'dport = :{port}' | grep .`,
		},
		Almost: map[string]string{
			"sides": `for i in 1 2 3; do nc -N 127.0.0.1 {port} </dev/null; done; sleep 0.3`,
		},
	})
}
