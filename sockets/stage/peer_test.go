package stage_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/stage"
)

// The folder and the mode of the socket keep others out; should they get past
// both, the stage hangs up on them.
func TestAnotherUserIsRefused(t *testing.T) {
	need(t, os.Geteuid() == 0, "root, to be another user")
	r, _ := started(t, stage.IdleEnd)
	open, err := os.MkdirTemp("/tmp", "fd3s")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(open)
	door := filepath.Join(open, "door")
	if err := errors.Join(os.Chmod(open, 0o755), os.Link(path(r), door), os.Chmod(door, 0o666)); err != nil {
		t.Fatal(err)
	}
	for _, user := range []struct {
		uid     int
		refused bool
	}{{0, false}, {65534, true}} {
		answer, err := asUser(user.uid, func() ([]byte, error) { return talk(door, stage.Order{Do: "state", Version: stage.Version()}) })
		if err != nil {
			t.Fatal(err)
		}
		if refused := len(answer) == 0; refused != user.refused {
			t.Errorf("uid %d: refused %t, answer %q", user.uid, refused, answer)
		}
	}
}

// Nor is a server trusted that another user has put at the path.
func TestServerOfAnotherUser(t *testing.T) {
	need(t, os.Geteuid() == 0, "root, to be another user")
	r, _ := started(t, stage.IdleEnd) // for the folder
	r.Quit(t.Context())
	gone(t, r)
	if err := os.Mkdir(stage.Folder(), 0o700); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path(r)}); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path(r))
	// SO_PEERCRED tells who called listen(2).
	if _, err := asUser(65534, func() ([]byte, error) { return nil, unix.Listen(fd, 8) }); err != nil {
		t.Fatal(err)
	}
	var folder *stage.FolderError
	if _, err := r.State(t.Context()); !errors.As(err, &folder) {
		t.Errorf("State: %v", err)
	}
	if _, _, err := r.Start(stage.IdleEnd); !errors.As(err, &folder) {
		t.Errorf("Start: %v", err)
	}
	if _, err := r.Quit(t.Context()); !errors.As(err, &folder) {
		t.Errorf("Quit: %v", err)
	}
}

// asUser runs f on a thread whose effective uid is another. The thread ends with it.
func asUser(uid int, f func() ([]byte, error)) (answer []byte, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
			err = errno
			return
		}
		answer, err = f()
	}()
	<-done
	return answer, err
}

// talk sends one order over a control socket and gives the first line of the
// answer, nothing if there is none. All on this thread.
func talk(path string, o stage.Order) ([]byte, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return nil, err
	}
	line, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if err := unix.Sendto(fd, append(line, '\n'), unix.MSG_NOSIGNAL, nil); err == unix.EPIPE || err == unix.ECONNRESET {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	answer := make([]byte, 1<<16)
	n, err := unix.Read(fd, answer)
	if err == unix.ECONNRESET {
		return nil, nil
	}
	return answer[:max(n, 0)], err
}

// A stage that another fd3 started is not driven, but can be ended.
func TestStageOfAnotherVersion(t *testing.T) {
	r, orders := pretender(t, noPID)
	var foreign *stage.VersionError
	if _, err := r.State(t.Context()); !errors.As(err, &foreign) || foreign.Version != "0.0-other" || foreign.PID != noPID {
		t.Errorf("State: %v", err)
	}
	if began, _, err := r.Start(stage.IdleEnd); began || err != nil {
		t.Errorf("Start: %t, %v", began, err)
	}
	if _, err := r.Do(t.Context(), newSocket, nil); !errors.As(err, &foreign) {
		t.Errorf("Do: %v", err)
	}
	if bye, err := r.Quit(t.Context()); bye.PID != noPID || err != nil {
		t.Errorf("Quit: %+v, %v", bye, err)
	}
	if <-orders; (<-orders).Do != "socket" || (<-orders).Do != "quit" {
		t.Error("other orders than expected")
	}
}

// Only ESRCH says that a process is gone: where the kernel says anything else to
// pidfd_open(2), EMFILE or here EINVAL, Quit does not know it.
func TestQuitOfAProcessThatCannotBeAskedFor(t *testing.T) {
	r, _ := pretender(t, 0)
	if _, err := r.Quit(t.Context()); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "is not known") {
		t.Errorf("Quit: %v", err)
	}
}

// noPID is the number of no process: it is above the largest (PID_MAX_LIMIT).
const noPID = 1<<22 + 1

// pretender is a stage of another version, which says that it has this pid. It tells the
// orders that it gets.
func pretender(t *testing.T, pid int) (stage.Remote, <-chan stage.Order) {
	t.Helper()
	r, _ := started(t, stage.IdleEnd) // for the folder
	r.Quit(t.Context())
	gone(t, r)
	if err := os.Mkdir(stage.Folder(), 0o700); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path(r))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	orders := make(chan stage.Order, 10)
	go pretend(l, pid, orders)
	return r, orders
}

// pretend answers as a stage of another version does.
func pretend(l net.Listener, pid int, orders chan<- stage.Order) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		line, err := bufio.NewReader(conn).ReadBytes('\n')
		if err == nil {
			var o stage.Order
			json.Unmarshal(line, &o)
			orders <- o
			report := stage.Report{Version: "0.0-other", PID: pid, Bye: o.Do == "quit"}
			if !report.Bye {
				report.Error = "version"
			}
			json.NewEncoder(conn).Encode(report)
		}
		conn.Close()
	}
}

// The other way round: a stage answers an order of another version with its own.
func TestOrderOfAnotherVersion(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	for _, c := range []struct{ do, want string }{{"socket", "version"}, {"quit", ""}} {
		answer, err := talk(path(r), stage.Order{Do: c.do, Version: "0.0-other"})
		if err != nil {
			t.Fatal(err)
		}
		var report stage.Report
		if err := json.Unmarshal(answer, &report); err != nil {
			t.Fatalf("%v: %q", err, answer)
		}
		if report.Error != c.want || report.Version != stage.Version() || report.PID != pid || report.Bye != (c.do == "quit") {
			t.Errorf("%s: %+v", c.do, report)
		}
	}
	gone(t, r)
}

// What is no order is no reason to stop: it is refused, or its line is closed.
func TestNonsense(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	version := `"version":"` + stage.Version() + `"`
	for _, c := range []struct{ text, answer string }{
		{"GET / HTTP/1.1\r\n\r\n", ""},
		{"\x00\xff\n", ""},
		{"null\n", "version"},
		{"[]\n", ""},
		{`{"do":7}` + "\n", ""},
		{`{"do":"unlink",` + version + "}\n", "unknown order"},
		{`{"do":"recvfrom","size":-1,` + version + "}\n", "size is from 0"},
		{`{"do":"read","size":9223372036854775807,` + version + "}\n", "size is from 0"},
		{`{"do":"close","fd":1e99,` + version + "}\n", ""},
		{`{"do":"close","fd":4294967296,` + version + "}\n", "fd is from"},
		{`{"do":"close","fd":1000,` + version + "}\n", "fd3's own"},
		{`{"do":"bind","fd":0,"addr":"AQ==",` + version + "}\n", `"errno":88`},
		{`{"do":"sigaction","value":4096,` + version + "}\n", "sigaction: value"},
		{`{"do":"openat","path":"a\u0000b",` + version + "}\n", "NUL"},
		{strings.Repeat("x", 9<<20), ""},
	} {
		shown := c.text[:min(len(c.text), 60)]
		conn, err := net.Dial("unix", path(r))
		if err != nil {
			t.Fatalf("%q: %v", shown, err)
		}
		go io.WriteString(conn, c.text)
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		in := bufio.NewReader(conn)
		answer := ""
		for range 2 { // a call is told twice
			line, err := in.ReadString('\n')
			if answer += line; err != nil || !strings.Contains(line, `"call"`) {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%q: neither refused nor hung up", shown)
				}
				break
			}
		}
		if !strings.Contains(answer, c.answer) || (answer == "") != (c.answer == "") {
			t.Errorf("%q: %q", shown, answer)
		}
		conn.Close()
	}
	if c := do(t, r, newSocket); c.Ret != 3 || look(t, r).PID != pid {
		t.Error(c.Strace())
	}
}
