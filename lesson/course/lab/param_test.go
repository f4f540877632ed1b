package lab

import (
	"context"
	"testing"
)

func TestParameters(t *testing.T) {
	l := Lesson{ID: "one", Words: `# one: a lesson

## experiment a: about it

Watch it.

Parameters: backlog 0..16 = 1,
clients -1..12 = 5

- look: Now.
`}.Read()
	p := l.Parts[0]
	if p.Text != "Watch it." || len(p.Steps) != 1 {
		t.Errorf("%+v", p)
	}
	if want := (Param{"clients", -1, 12, 5}); len(p.Params) != 2 || p.Params[1] != want {
		t.Errorf("%+v", p.Params)
	}
	if b := p.Params[0]; b.Allows(-1) || !b.Allows(0) || !b.Allows(16) || b.Allows(17) {
		t.Errorf("what %+v allows", b)
	}
	if got := New(context.Background(), p, nil, nil).Param("clients"); got != 5 {
		t.Errorf("clients is %d", got)
	}
	p.Chosen = map[string]int{"clients": 7}
	if got := New(context.Background(), p, nil, nil).Param("clients"); got != 7 {
		t.Errorf("clients is %d", got)
	}
	for _, wrong := range []string{"backlog", "backlog 1..0 = 1", "backlog 0..3 = 4", "Backlog 0..3 = 1", "backlog 0..3 = 1 clients 0..3 = 1", "backlog 0..99999999999999999999 = 1"} {
		if all, rest := takeParams("x\n\nParameters: " + wrong); all != nil || rest == "x" {
			t.Errorf("%q: %+v", wrong, all)
		}
	}
}
