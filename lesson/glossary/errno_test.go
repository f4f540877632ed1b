package glossary

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Any error that the kernel may return has a number, words and a reference.
func TestEveryErrnoIsExplained(t *testing.T) {
	n := 0
	for e := range unix.Errno(lastErrno + 1) {
		name := unix.ErrnoName(e)
		if name == "" {
			continue
		}
		n++
		for _, asked := range []string{name, strings.ToLower(name), strconv.Itoa(int(e))} {
			entry, ok := LookUp(asked)
			if !ok || entry.Errno != e || entry.Text == "" || len(entry.From) == 0 || len(entry.Also) == 0 {
				t.Errorf("%q: %+v", asked, entry)
			}
			if strings.ContainsAny(entry.Text, "{}") {
				t.Errorf("%q: a value is missing: %s", asked, entry.Text)
			}
			if first := entry.now()[0]; !strings.HasPrefix(first.Value, fmt.Sprintf("%d, ", int(e))) {
				t.Errorf("%q: %+v", asked, first)
			}
		}
	}
	if n < 130 {
		t.Errorf("%d errnos", n)
	}
}

// An error without an entry of its own has the words of the steps.
func TestErrnoHasTheWordsOfTheSteps(t *testing.T) {
	for name, want := range map[string]string{"ENOMEM": "The kernel", "EFAULT": "address"} {
		if e, _ := LookUp(name); !strings.Contains(e.Text, want) || strings.Contains(e.Text, "no words of its own") {
			t.Errorf("%s: %q", name, e.Text)
		}
	}
}

// The texts of errnos are those of the C library, which perl asks.
func TestErrnoTextsAreThoseOfC(t *testing.T) {
	perl, err := exec.LookPath("perl")
	if err != nil {
		t.Skip("perl is not here")
	}
	command := exec.Command(perl, "-e", fmt.Sprintf(`for (0..%d) { $! = $_; print "$_, $!\n" }`, lastErrno))
	command.Env = []string{"LC_ALL=C"}
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	for e := range unix.Errno(lastErrno + 1) {
		if unix.ErrnoName(e) == "" {
			continue
		}
		if got := errnoNumber(e).Value; !strings.EqualFold(got, lines[e]) {
			t.Errorf("%s: got %q, want %q", unix.ErrnoName(e), got, lines[e])
		}
	}
}
