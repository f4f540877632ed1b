// Package stagetest has what the tests of several packages stand on: a runtime folder of
// their own, in which nothing may be left.
package stagetest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"fd3/sockets/stage"
)

// Run runs the tests of a package in a runtime folder of their own, and returns the code
// with which their process is to end. Nothing may be left there, and no background process
// whose control socket is there; nor what left returns.
//
// With -race every process would sleep for a second at its end.
func Run(m *testing.M, left func() []string) (code int) {
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	dir, err := os.MkdirTemp("/tmp", "fd3t") // the path of a socket is short
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Setenv("XDG_RUNTIME_DIR", dir)
	code = m.Run()
	if err := stage.Tidy(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	there := Processes(dir)
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		there = append(there, f.Name())
	}
	if left != nil {
		there = append(there, left()...)
	}
	if len(there) > 0 {
		fmt.Fprintln(os.Stderr, "left behind:", there)
		return 1
	}
	return code
}

// Processes are the background processes of fd3 whose control socket's path begins so.
func Processes(path string) (pids []string) {
	for _, pid := range PIDs() {
		args, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		if strings.Contains(string(args), "\x00"+stage.Command+"\x00") && strings.Contains(string(args), "\x00"+path) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// PIDs are the numbers of all processes. A pattern below /proc would have each of their
// directories read.
func PIDs() (all []string) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if strings.Trim(e.Name(), "0123456789") == "" {
			all = append(all, e.Name())
		}
	}
	return all
}

// Until waits for a condition.
func Until(t testing.TB, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !there(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}
