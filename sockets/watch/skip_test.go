package watch_test

import (
	"strconv"
	"testing"
	"time"

	"fd3/sockets/watch"
)

// A call that is skipped is not told, neither when it is entered nor when it returns; those
// that make or close a descriptor cannot be skipped.
func TestSkip(t *testing.T) {
	odd := compile(t)
	const times = 50
	told, skipped := make(map[string]int), 0
	w := watch.Watch{
		Tell: func(e *watch.Event) {
			if e.Kind == watch.Entered || e.Kind == watch.Returned {
				told[e.Call.Name]++
			}
		},
		Skip: func(int, uint64) (bool, time.Time) { skipped++; return true, time.Time{} },
	}
	status, err := w.Command(odd, []string{odd, "busy", strconv.Itoa(times)}, false)
	if err != nil || status.ExitStatus() != 0 {
		t.Fatal(status, err)
	}
	if skipped < 2*times || told["sendto"]+told["recvfrom"] != 0 || told["socketpair"] != 2 {
		t.Errorf("%d skipped, told: %v", skipped, told)
	}
}
