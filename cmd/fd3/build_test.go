package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeGo builds a program that says which build it is of, and what it was given.
const fakeGo = `#!/bin/sh
while [ "$1" != -o ]; do shift; done
n=$(($(cat "$HOME/builds" 2>/dev/null || echo 0) + 1))
echo $n >"$HOME/builds"
[ -z "$FAIL" ] || { echo 'syntax error' >&2; exit 1; }
printf '#!/bin/sh\necho build %s: "$@"\nexit 7\n' $n >"$2"
chmod 755 "$2"
`

// scripts/fd3 builds when there is nothing, or when the sources have changed, says so,
// and becomes the program.
func TestFD3Script(t *testing.T) {
	t.Parallel()
	home, root := t.TempDir(), filepath.Join(t.TempDir(), "a tree")
	script, err := os.ReadFile("../../scripts/fd3")
	if err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	put := func(path, text string, mode os.FileMode) {
		t.Helper()
		// A child that is forked meanwhile would have the file open for writing, and nobody could
		// execute it (ETXTBSY).
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode), os.Chtimes(path, past, past)); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(home, "path/go"), fakeGo, 0o755)
	put(filepath.Join(root, "scripts/fd3"), string(script), 0o755)
	for _, name := range []string{"go.mod", "go.sum", "cmd/fd3/main.go", "httpmini/x.go", "lesson/x.md", "lesson/y.go", "lesson/x_test.go", "lesson/testdata/x", "sockets/x.go"} {
		put(filepath.Join(root, name), "", 0o644)
	}
	runs := func(name, told, complained string, env ...string) {
		t.Helper()
		var out, trouble bytes.Buffer
		cmd := exec.Command(filepath.Join(root, "scripts/fd3"), "a b", "c")
		cmd.Dir, cmd.Stdout, cmd.Stderr = home, &out, &trouble
		cmd.Env = append([]string{"HOME=" + home, "PATH=" + home + "/path:" + os.Getenv("PATH")}, env...)
		cmd.Run() // what it told says how it ended
		code := cmd.ProcessState.ExitCode()
		if out.String() != told || told != "" && code != 7 || told == "" && code != 1 {
			t.Errorf("%s: exit code %d, %q", name, code, out.String())
		}
		if got := trouble.String(); complained == "" && got != "" || !strings.Contains(got, complained) {
			t.Errorf("%s: it says %q, not %q", name, got, complained)
		}
		if left, _ := filepath.Glob(filepath.Join(root, "bin/*")); len(left) > 1 {
			t.Errorf("%s: left behind: %q", name, left)
		}
	}
	touch := func(name string) {
		t.Helper()
		later := time.Now().Add(time.Minute)
		if err := os.Chtimes(filepath.Join(root, name), later, later); err != nil {
			t.Fatal(err)
		}
	}
	folders := func() { // a file that was written has touched its folder
		for _, name := range []string{"cmd", "cmd/fd3", "httpmini", "lesson", "lesson/testdata", "sockets"} {
			if err := os.Chtimes(filepath.Join(root, name), past, past); err != nil {
				t.Fatal(err)
			}
		}
	}
	folders()
	runs("at first", "", "syntax error", "FAIL=1")
	runs("once more", "build 2: a b c\n", "building once")
	runs("again", "build 2: a b c\n", "")
	touch("lesson/x_test.go")
	touch("lesson/testdata/x")
	runs("a test has changed", "build 2: a b c\n", "")
	touch("lesson/x.md")
	runs("words have changed", "build 3: a b c\n", "since lesson/x.md has changed")
	put(filepath.Join(root, "lesson/x.md"), "", 0o644)
	folders()
	runs("nothing has changed", "build 3: a b c\n", "")
	if err := os.Remove(filepath.Join(root, "lesson/y.go")); err != nil {
		t.Fatal(err)
	}
	touch("lesson")
	runs("a file is gone", "", "syntax error", "FAIL=1")
	runs("what was there is not run", "build 5: a b c\n", "since lesson has changed")
	folders()
	runs("without go", "build 5: a b c\n", "", "PATH="+t.TempDir()+":/usr/bin:/bin")
	if err := os.Remove(filepath.Join(root, "bin/fd3")); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(home, "path/linked")
	if err := os.Symlink(filepath.Join(root, "scripts/fd3"), link); err != nil {
		t.Fatal(err)
	}
	runs("anew", "build 6: a b c\n", "built in ")
}
