package listen_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
	"fd3/lesson/course/listen"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, listen.Lesson, labtest.Proof{
		Answers: map[string]string{
			"wait":    "returns",
			"full":    "two",
			"clamp":   "less",
			"columns": "connections",
		},
		Solutions: map[string]string{
			"fill": `for i in 1 2 3 4; do nc 127.0.0.1 {port} </dev/null & done; wait`,
		},
		States: map[string]string{
			"fill": `[ $(ss -Hltn 'sport = :{port}' | tr -s ' ' | cut -d ' ' -f 2) -eq 2 ] && ss -Htn state syn-sent 'dport = :{port}' | grep .`,
		},
		Almost: map[string]string{
			"fill": `for i in 1 2; do nc 127.0.0.1 {port} </dev/null & done; sleep 1`,
		},
	})
}

// A full queue is on the Board, with those that wait in it and those that are not in it,
// which have not failed.
func TestBoardOfAFullQueue(t *testing.T) {
	l := listen.Lesson.Read()
	s := labtest.Begin(t, l)
	var b lab.Board
	if err := s.Run(t.Context(), labtest.Part(t, l, lab.Experiment, "full"), func(ctx context.Context) error {
		b = s.Board(ctx) // the last is from before the server accepts one
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(b.Now.Hosts) != 1 {
		t.Fatalf("%+v", b)
	}
	var states []string
	for _, x := range b.Now.Hosts[0].Sockets {
		states = append(states, fmt.Sprintf("%s %t", x.State, x.Waits()))
	}
	slices.Sort(states)
	want := "ESTABLISHED false, ESTABLISHED false, ESTABLISHED true, ESTABLISHED true, LISTEN false, SYN_SENT false, SYN_SENT false, SYN_SENT false"
	if got := strings.Join(states, ", "); got != want {
		t.Errorf("%s", got)
	}
	for _, c := range b.Calls {
		if c.Bad {
			t.Errorf("not a failure: %s", c.Text)
		}
	}
}
