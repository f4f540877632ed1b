package watch_test

import (
	"os"
	"os/signal"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets/watch"
)

// That a thread stands still is no signal for who watches: there would be two at each call.
func TestNoSignalForStops(t *testing.T) {
	odd := compile(t)
	const times = 100
	sent := make(chan os.Signal, 10*times)
	signal.Notify(sent, unix.SIGCHLD)
	defer signal.Stop(sent)
	stops := 0
	w := watch.Watch{Still: true, Tell: func(e *watch.Event) {
		if e.Kind == watch.Entered || e.Kind == watch.Returned {
			stops++
		}
	}}
	if _, err := w.Command(odd, []string{odd, "busy", strconv.Itoa(times)}, false); err != nil {
		t.Fatal(err)
	}
	if got := len(sent); stops < 4*times || got > times/10 {
		t.Errorf("%d signals of %d stops", got, stops)
	}
}
