package sockets

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The odd calls of strace_test.go are made on the main thread.
func init() { runtime.LockOSThread() }

// TestMain makes this test binary the program that strace watches, when it is
// started for that.
func TestMain(m *testing.M) {
	if out := os.Getenv("FD3_ODD_CALLS"); out != "" {
		var told []string
		tell := func(c Call) {
			if c.Returned {
				told = append(told, c.Strace())
			}
		}
		if os.Getenv("FD3_RAW_CALLS") != "" {
			rawCalls(newMaker(tell))
		} else {
			oddCalls(&Tracer{Observe: tell})
		}
		if err := os.WriteFile(out, []byte(strings.Join(told, "\n")), 0o600); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	time.AfterFunc(0, func() {}) // the runtime's epoll and eventfd are there before anybody counts
	os.Exit(m.Run())
}

// need ends a test that cannot run here. CI has everything, so there it fails.
func need(t *testing.T, there bool, what string) {
	t.Helper()
	switch {
	case there:
	case os.Getenv("CI") == "true":
		t.Fatal("missing, and CI must have it: " + what)
	default:
		t.Skip("missing: " + what)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !there(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// noneLeft sees that a test closes what it opens.
func noneLeft(t *testing.T) {
	t.Helper()
	before := descriptors(t)
	t.Cleanup(func() {
		if after := descriptors(t); after != before {
			t.Errorf("%d descriptors before, %d after", before, after)
		}
	})
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// watched is a Tracer whose calls are put into words.
func watched() *Tracer { return &Tracer{Observe: func(Call) {}} }

// ok gives the result of a call that must succeed.
func ok(t *testing.T, c Call) int {
	t.Helper()
	if !c.Returned || c.Errno != 0 {
		t.Fatal(c.Strace())
	}
	return int(c.Ret)
}

// says compares a call with what strace would print.
func says(t *testing.T, c Call, want string) {
	t.Helper()
	if got := c.Strace(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func parse(t *testing.T, text string) Sockaddr {
	t.Helper()
	s, err := ParseSockaddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pair is a connection over loopback: its listener and both ends.
func pair(t *testing.T, tr *Tracer) (listener, server, client int) {
	t.Helper()
	listener = ok(t, tr.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	ok(t, tr.Bind(listener, parse(t, "127.0.0.1:0")))
	ok(t, tr.Listen(listener, 5))
	client = ok(t, tr.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	ok(t, tr.Connect(client, Sockname(listener)))
	server = ok(t, tr.Accept4(listener, unix.SOCK_CLOEXEC))
	return listener, server, client
}
