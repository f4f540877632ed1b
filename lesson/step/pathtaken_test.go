package step

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
)

// A file at a taken path is told as ls tells it, and rm is advised for one thing
// only: a socket's file whose socket is gone.
func TestTakenPath(t *testing.T) {
	dir := filepath.Dir(socketPath(t))
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(at("folder"), 0o700))
	must(unix.Chmod(at("folder"), 0o1777))
	must(os.WriteFile(at("file"), []byte("mine"), 0o600))
	must(unix.Chmod(at("file"), 0o6705))
	must(os.Symlink("nowhere", at("link")))
	must(unix.Mkfifo(at("fifo"), 0o644))
	must(unix.Close(boundTo(t, unix.SOCK_STREAM, at("orphan"))))
	for _, typ := range []struct {
		name string
		typ  int
	}{{"stream", unix.SOCK_STREAM}, {"dgram", unix.SOCK_DGRAM}} {
		fd := boundTo(t, typ.typ, at(typ.name))
		defer unix.Close(fd)
	}
	moved := boundTo(t, unix.SOCK_STREAM, at("before"))
	defer unix.Close(moved)
	must(os.Rename(at("before"), at("moved")))
	replaced := boundTo(t, unix.SOCK_STREAM, at("replaced"))
	defer unix.Close(replaced)
	must(os.Remove(at("replaced")))
	must(os.WriteFile(at("replaced"), []byte("mine"), 0o600))

	for _, c := range []struct{ name, holder, source string }{
		{"folder", "no socket: it is a directory", "lstat(2)"},
		{"file", "no socket: it is a regular file", "lstat(2)"},
		{"replaced", "no socket: it is a regular file", "lstat(2)"},
		{"link", "no socket: it is a symbolic link", "lstat(2)"},
		{"fifo", "no socket: it is a FIFO", "lstat(2)"},
		{"orphan", "no socket: only the file is left", "connect(2): ECONNREFUSED"},
		{"stream", "process ", "sock_diag(7), /proc/PID/fd"},
		{"dgram", "process ", "sock_diag(7), /proc/PID/fd"},
		{"moved", "process ", "sock_diag(7), /proc/PID/fd"},
	} {
		h := newStagehand(t)
		h.fails("bind", "EADDRINUSE", to(sockets.UnixSockaddr(at(c.name))))
		held := h.evidenceOf("held by")
		if !strings.HasPrefix(held.Value, c.holder) || held.Source != c.source {
			t.Errorf("%s: held by %q, %s", c.name, held.Value, held.Source)
		}
		ls, err := exec.Command("ls", "-ld", at(c.name)).Output()
		must(err)
		mode, _, _ := strings.Cut(string(ls), " ")
		if file := h.evidenceOf("file"); file.Value != strings.TrimRight(mode, ".+")+" "+at(c.name) {
			t.Errorf("%s: file %q, and ls says %s", c.name, file.Value, mode)
		}
		if advised := h.says("`rm "); advised != (c.name == "orphan") {
			t.Errorf("%s: rm advised %t", c.name, advised)
		}
		h.closeAll()
	}
}

// The kernel's table of unix sockets is that of one network namespace, and a path is
// not.
func TestPathHeldInAnotherNamespace(t *testing.T) {
	path := socketPath(t)
	var fd int
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with its namespace
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		}
		made <- err
	}()
	if err := <-made; err != nil {
		t.Skip("no other network namespace: ", err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	h := newStagehand(t)
	h.fails("bind", "EADDRINUSE", to(sockets.UnixSockaddr(path)))
	held := h.evidenceOf("held by")
	if !strings.Contains(held.Value, "network namespace") || h.says("`rm ") || !h.says(held.Value) {
		t.Errorf("held by %q, %s", held.Value, held.Source)
	}
	h.closeAll()
}

func boundTo(t *testing.T, typ int, path string) (fd int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// evidenceOf is the last evidence of that name.
func (h *stagehand) evidenceOf(fact string) lesson.Event {
	h.t.Helper()
	for _, e := range slices.Backward(h.events) {
		if e.Kind == lesson.KindEvidence && e.Fact == fact {
			return e
		}
	}
	h.t.Fatalf("no evidence %q", fact)
	return lesson.Event{}
}

// says reports whether a text was told that holds these words.
func (h *stagehand) says(words string) bool {
	return slices.ContainsFunc(h.events, func(e lesson.Event) bool { return strings.Contains(e.Text, words) })
}
