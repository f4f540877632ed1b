package labtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

// program is the environment variable that has the path of fd3 where it is built already.
const program = "FD3_TEST_PROGRAM"

// built returns the folder of fd3 itself, for the commands that name it. It is of the
// version that a test is, so that both understand each other.
var built = sync.OnceValues(func() (dir string, err error) {
	if path := os.Getenv(program); path != "" {
		return filepath.Dir(path), nil
	}
	if dir, err = os.MkdirTemp("", "fd3-labtest-"); err != nil {
		return "", err
	}
	discarded = append(discarded, dir)
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", dir, "fd3/cmd/fd3").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

// besides returns where to look for commands besides the usual places, where a command
// of fd3 is among them.
func besides(t *testing.T, commands string) string {
	t.Helper()
	if !strings.Contains(commands, "fd3 ") {
		return ""
	}
	dir, err := built()
	switch {
	case err == nil:
		return ":" + dir
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	}
	t.Skip("fd3 cannot be built here: ", err)
	return ""
}

// NeedNetwork skips the test where the machine denies its user a network of their own. CI
// must have one. fd3 is built then, before any experiment: the timers of a network do not
// wait for that.
func NeedNetwork(t *testing.T) {
	t.Helper()
	besides(t, "fd3 on")
	name := fmt.Sprintf("probe-%d", os.Getpid())
	_, _, err := netlab.Up(name, netlab.Options{})
	netlab.Down(context.Background(), name)
	stage.Tidy()
	if denied := new(netlab.DeniedError); errors.As(err, &denied) && os.Getenv("CI") != "true" {
		t.Skip(denied)
	}
}

// discarded are the folders that are there until the tests are over.
var discarded []string

func discard() {
	for _, dir := range discarded {
		os.RemoveAll(dir)
	}
}
