// Package golden compares what tests draw and tell with the files that keep it, so that
// each change of it is seen in review. Only tests import it.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Update is the flag of go test that has the files written anew.
var Update = flag.Bool("update", false, "write the golden files anew")

// Compare fails the test unless a file of testdata has exactly this text. The file is
// written instead where Update says so.
func Compare(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *Update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	switch {
	case err != nil:
		t.Errorf("%v; go test -run %s -update writes it:\n%s", err, t.Name(), got)
	case string(want) != got:
		was, is := firstDifference(string(want), got)
		t.Errorf("%s was\n%s\nand is\n%s\nIf that is meant: go test -run %s -update, and look at it", path, was, is, t.Name())
	}
}

// firstDifference returns the first line in which two texts differ, as each has it.
func firstDifference(was, is string) (string, string) {
	a, b := strings.Split(was, "\n"), strings.Split(is, "\n")
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return strings.Join(a[i:min(i+1, len(a))], ""), strings.Join(b[i:min(i+1, len(b))], "")
}
