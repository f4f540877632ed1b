package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The main thread stays with TestMain, so that no test renames the process.
func init() { runtime.LockOSThread() }

// The test binary is also a second process to look at. What the child does is
// told by FD3_KERNEL_CHILD; it writes one line when it is ready, and ends when
// its standard input does.
func TestMain(m *testing.M) {
	switch os.Getenv("FD3_KERNEL_CHILD") {
	case "":
		os.Exit(m.Run())
	case "readers":
		debug.SetGCPercent(-1) // the collector has a timer, which would bring the poller up
		before, _ := FDs(unix.Getpid())
		readEverything(unix.Getpid())
		after, _ := FDs(unix.Getpid())
		say(fmt.Sprintf("%v %v", before, after))
	case "listen":
		fd, _ := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		unix.Bind(fd, &unix.SockaddrInet4{})
		err := unix.Listen(fd, 7)
		say(fmt.Sprint(fd, " ", err))
		unix.Read(0, make([]byte, 1))
	case "away":
		line, _ := json.Marshal(goAway())
		say(string(line))
		unix.Read(0, make([]byte, 1))
	case "threads":
		say(threads())
	case "syn":
		say(synsAgain())
	case "wait":
		say("ready")
		unix.Read(0, make([]byte, 1))
	}
	os.Exit(0)
}

func say(line string) { unix.Write(1, []byte(line+"\n")) }

// readEverything calls every reading once, and some so that they fail.
func readEverything(pid int) []error {
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	_, err := FDs(pid)
	note(err)
	_, err = FDInfo(pid, 0)
	note(err)
	_, err = Thread(pid, pid)
	note(err)
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
		_, err = Own().Table(name)
		note(err)
	}
	_, err = Own().Links()
	note(err)
	held, err := OpenNet()
	note(err)
	_, err = held.TCP()
	note(err)
	held.Close()
	_, err = Own().UnixTable()
	note(err)
	_, err = Own().TCP()
	note(err)
	_, err = Own().UDP()
	note(err)
	_, err = Own().Unix()
	note(err)
	_, err = Look([]Party{{Name: "itself", PID: pid}}, Snapshot{})
	note(err)
	_, err = Own().Counters()
	note(err)
	_, err = Own().SysctlInt("net.core.somaxconn")
	note(err)
	_, _, err = Owners(1)
	note(err)
	_, err = SameFile(pid, 0, pid, 0)
	note(err)

	FDs(-1)
	FDInfo(pid, 1<<20)
	Thread(pid, -1)
	Own().Table("nothing")
	Of(-1)
	Own().udp(250)
	Own().Sysctl("net.core")
	return errs
}

// start runs the test binary as a child and returns its pid and its first line.
// The child ends with the test.
func start(t *testing.T, what string, attr *syscall.SysProcAttr, extra ...uintptr) (pid int, line string) {
	t.Helper()
	return startWith(t, what, nil, attr, extra...)
}

// startWith is start with more of an environment.
func startWith(t *testing.T, what string, env []string, attr *syscall.SysProcAttr, extra ...uintptr) (pid int, line string) {
	t.Helper()
	var in, out [2]int
	for _, pipe := range []*[2]int{&in, &out} {
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
	exe, err := readLink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	pid, err = syscall.ForkExec(exe, []string{exe}, &syscall.ProcAttr{
		Env:   append(append(os.Environ(), env...), "FD3_KERNEL_CHILD="+what),
		Files: append([]uintptr{uintptr(in[0]), uintptr(out[1]), 2}, extra...),
		Sys:   attr,
	})
	unix.Close(in[0])
	unix.Close(out[1])
	defer unix.Close(out[0])
	if err != nil {
		unix.Close(in[1])
		if err == syscall.EPERM || err == syscall.ENOSPC || err == syscall.EINVAL {
			t.Skipf("no such child here: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(in[1])
		unix.Wait4(pid, nil, 0, nil)
	})
	var text strings.Builder
	buf := make([]byte, 4096)
	for !strings.HasSuffix(text.String(), "\n") {
		n, err := unix.Read(out[0], buf)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			t.Fatalf("the child said %q, then %v", text.String(), err)
		}
		text.Write(buf[:n])
	}
	return pid, strings.TrimSpace(text.String())
}

// A reading leaves no descriptor behind, not even those of the Go runtime.
func TestReadingsLeaveNoDescriptor(t *testing.T) {
	_, line := start(t, "readers", nil)
	t.Log(line)
	if strings.Contains(line, "eventpoll") || strings.Contains(line, "eventfd") {
		t.Error("the Go runtime's poller came up")
	}
	before, after, ok := strings.Cut(line, "] [")
	if !ok || strings.TrimPrefix(before, "[") != strings.TrimSuffix(after, "]") {
		t.Error("the descriptors are not the same before and after")
	}

	pid := unix.Getpid()
	was, err := readNames("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range readEverything(pid) {
		if err != nil {
			t.Error(err)
		}
	}
	is, _ := readNames("/proc/self/fd")
	if len(was) != len(is) {
		t.Errorf("descriptors before %v, after %v", was, is)
	}
}

// The table of a process is that of its namespace, sock_diag's is the caller's own.
func TestTableOfAnotherNamespace(t *testing.T) {
	pid, line := start(t, "listen", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET})
	fds, err := FDs(pid)
	if err != nil {
		t.Fatal(err)
	}
	var listening uint64
	for _, fd := range fds {
		if fd.Inode != 0 {
			listening = fd.Inode
		}
	}
	if listening == 0 {
		t.Fatalf("no socket in %v; the child said %q", fds, line)
	}
	there, err := Of(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	rows, err := there.Table("tcp")
	if err != nil {
		t.Fatal(err)
	}
	if row, ok := rowByInode(rows, listening); !ok || row.State != Listen || len(rows) != 1 {
		t.Errorf("its table is %+v", rows)
	}
	if row, ok := rowByInode(table(t, "tcp"), listening); ok {
		t.Errorf("our table has %+v", row)
	}
	if row, ok := found(tcpSockets(t).Inode(listening)); ok {
		t.Errorf("sock_diag has %+v", row)
	}
	owners, _, err := Owners(listening)
	if err != nil || len(owners) != 1 || owners[0].PID != pid {
		t.Errorf("owners %+v, %v", owners, err)
	}
}

// A descriptor that a child inherited is the same open file description.
func TestSameFileInChild(t *testing.T) {
	fd, _ := listener(t, unix.AF_INET, 1)
	other, _ := listener(t, unix.AF_INET, 1)
	pid, _ := start(t, "wait", nil, uintptr(fd))
	if same, err := SameFile(unix.Getpid(), fd, pid, 3); errors.Is(err, unix.ENOSYS) {
		t.Skip(err)
	} else if err != nil || !same {
		t.Errorf("inherited: %v, %v", same, err)
	}
	if same, err := SameFile(unix.Getpid(), other, pid, 3); err != nil || same {
		t.Errorf("another socket: %v, %v", same, err)
	}
	owners, _, err := Owners(inode(t, fd))
	if err != nil || len(owners) != 2 {
		t.Errorf("owners %+v, %v", owners, err)
	}
}
