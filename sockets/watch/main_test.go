package watch_test

import (
	"net/http"
	"os"
	"os/exec"
	"testing"

	"fd3/sockets/watch"
)

// goServer is the last but one argument of this program when it is to be a server of
// net/http, and the address follows.
const goServer = "go-server"

func TestMain(m *testing.M) {
	watch.Become()
	if n := len(os.Args); n > 2 && os.Args[n-2] == goServer {
		http.ListenAndServe(os.Args[n-1], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello\n")) }))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// need ends a test that cannot run here. CI has everything, so there it fails.
func need(t testing.TB, there bool, what string) {
	t.Helper()
	switch {
	case there:
	case os.Getenv("CI") == "true":
		t.Fatal("missing, and CI must have it: " + what)
	default:
		t.Skip("missing: " + what)
	}
}

// tool returns the path of a program.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	need(t, err == nil, name)
	return path
}

// byBoth runs a test of programs that stand still for who watches, and of programs that do
// not, where that is possible.
func byBoth(t *testing.T, test func(t *testing.T, still bool)) {
	t.Run("ptrace", func(t *testing.T) { test(t, true) })
	t.Run("tracepoints", func(t *testing.T) {
		byTracepoints(t)
		test(t, false)
	})
}

// follow watches a command until it has ended, and returns what was told.
func follow(t *testing.T, w *watch.Watch, argv ...string) (told []watch.Event, exit int) {
	t.Helper()
	w.Tell = func(e *watch.Event) { told = append(told, *e) }
	status, err := w.Command(tool(t, argv[0]), argv, false)
	if err != nil {
		t.Fatal(err)
	}
	if status.Signaled() {
		return told, 128 + int(status.Signal())
	}
	return told, status.ExitStatus()
}
