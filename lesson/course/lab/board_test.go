package lab

import (
	"slices"
	"testing"

	"fd3/sockets"
)

// A TestBoardHasEachCallOnce that returns takes the place of itself, also if the other process has made
// one meanwhile.
func TestBoardHasEachCallOnce(t *testing.T) {
	l := New(t.Context(), Part{}, nil, nil)
	l.made(Server, 1, sockets.Call{Name: "accept4"})
	l.made(Client, 2, sockets.Call{Name: "connect", Returned: true})
	l.made(Server, 1, sockets.Call{Name: "accept4", Returned: true})
	l.made(Server, 1, sockets.Call{Name: "accept4"})
	var pids []int
	for _, c := range l.calls {
		pids = append(pids, c.PID)
	}
	if !slices.Equal(pids, []int{2, 1, 1}) {
		t.Errorf("%+v", l.calls)
	}
}
