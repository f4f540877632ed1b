package course

import (
	"slices"
	"strings"
	"testing"
)

var _ = prove("listen", map[string]string{
	"wait":    "returns",
	"full":    "two",
	"clamp":   "less",
	"columns": "connections",
})

var _ = solve("listen", map[string]string{
	"fill": `for i in 1 2 3 4; do nc 127.0.0.1 {port} </dev/null & done; wait`,
})

// Those that wait for the same answer share a row of the Board, and have not failed.
func TestBoardOfAFullQueue(t *testing.T) {
	l, err := Find("listen")
	if err != nil {
		t.Fatal(err)
	}
	s := newStudent(t)
	s.Begin(l)
	i := slices.IndexFunc(l.Parts, func(p Part) bool { return p.Kind == Experiment && p.Name == "full" })
	s.experiment(l.Parts[i])
	b := s.Board(t.Context())
	if len(b.Ends) != 2 || len(b.Ends[1].Rows) != 3 {
		t.Fatalf("%+v", b.Ends)
	}
	if last := b.Ends[1].Rows[2]; last.FD != 5 || !strings.HasPrefix(last.Text, "and 6, 7: SYN_SENT to 127.0.0.1:") {
		t.Errorf("%+v", last)
	}
	for _, c := range b.Calls {
		if c.Bad {
			t.Errorf("not a failure: %s", c.Text)
		}
	}
}
