package cable

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"fd3/lesson"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

// TestMain lets the test binary become the keeper of a network.
func TestMain(m *testing.M) {
	netlab.Become()
	stage.Become()
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	m.Run()
}

// A host whose tables cannot be read is said to tell nothing, and is not left out.
func TestEndsThatDoNotTell(t *testing.T) {
	name := fmt.Sprintf("ends-%d", os.Getpid())
	_, _, err := netlab.Up(name, netlab.Options{})
	defer stage.Tidy()
	defer netlab.Down(t.Context(), name)
	if denied := new(netlab.DeniedError); errors.As(err, &denied) && os.Getenv("CI") != "true" {
		t.Skip(denied)
	} else if err != nil {
		t.Fatal(err)
	}
	network, err := netlab.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	network.Close() // and what the tables are read by with it
	told := ""
	n := Narrator{Show: func(e lesson.Event) { told += fmt.Sprintf("%s %s\n", e.Fact, e.Value) }}
	n.ends(network)
	for _, want := range []string{"client's kernel does not tell of TCP: ", "client's kernel does not tell of UDP: ", "server's kernel does not tell of TCP: ", "server's kernel does not tell of UDP: "} {
		if !strings.Contains(told, want) {
			t.Errorf("no %q in\n%s", want, told)
		}
	}
}
