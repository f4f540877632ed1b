package listen_test

import (
	"context"
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

// Those that wait for the same answer share a row of the Board, and have not failed.
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
	if len(b.Parties) != 2 || len(b.Parties[1].Rows) != 3 {
		t.Fatalf("%+v", b.Parties)
	}
	if last := b.Parties[1].Rows[2]; last.FD != 5 || !strings.HasPrefix(last.Text, "and 6, 7: SYN_SENT to 127.0.0.1:") {
		t.Errorf("%+v", last)
	}
	for _, c := range b.Calls {
		if c.Bad {
			t.Errorf("not a failure: %s", c.Text)
		}
	}
}
