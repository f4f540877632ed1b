package labtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
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

// discarded are the folders that are there until the tests are over.
var discarded []string

func discard() {
	for _, dir := range discarded {
		os.RemoveAll(dir)
	}
}
