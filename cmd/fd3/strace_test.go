package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson"
)

// Calls that the Go runtime makes on the main thread while it waits for the next
// order: locks, memory, its other threads. No server would make them, and
// nothing is told of them. epoll_* must not be among them: see the package
// documentation of stage.
var runtimeCalls = []string{
	"futex", "nanosleep", "sched_yield", "mmap", "munmap", "madvise", "mprotect", "mincore",
	"rt_sigreturn", "rt_sigprocmask", "rt_sigaction", "sigaltstack", "tgkill", "getpid", "gettid",
	"clone", "clone3", "set_robust_list", "rseq", "restart_syscall",
	"gettimeofday", // of the race detector
}

// Calls that read evidence. The control thread makes them; the main thread never.
var evidenceCalls = []string{"getsockname", "getpeername", "getsockopt", "ioctl", "fcntl", "poll", "read", "openat", "sendmsg"}

// Calls that are steps of a socket's life: only the main thread makes them, but
// for accept4 and close, which the control socket needs too.
var lifeCalls = []string{"socket", "setsockopt", "bind", "listen", "connect", "recvfrom", "sendto", "shutdown"}

// TestStraceAgrees runs a learner's session while strace watches both processes,
// and compares what fd3 told with what strace saw: every call, in order, letter
// by letter.
func TestStraceAgrees(t *testing.T) {
	t.Parallel()
	needTool(t, "strace")
	s := &session{t: t, place: in(t), told: make(map[int][]string)}
	// A call that fails brings the processes up; strace can be there from the next.
	server := s.fails("listen", "--only").pid("server")
	client := s.fails("send", "--client", "--only").pid("client")
	clear(s.told)
	watchServer, watchClient := s.strace(server), s.strace(client)

	s.conversation("127.0.0.1:0")
	s.conversation("[::1]:0")
	s.conversation("unix:" + filepath.Join(s.base, "a path with \"quotes\" and \u00e9"))
	s.datagrams("127.0.0.1:0")
	s.datagrams("unix:" + filepath.Join(s.base, "dgram"))
	s.refusals()
	s.waits(server)
	s.manyClients()

	for _, w := range []*onlooker{watchServer, watchClient} {
		main, others := w.end()
		s.compare(w.pid, main)
		for _, line := range others {
			if name, _, _ := strings.Cut(line, "("); slices.Contains(lifeCalls, name) {
				t.Errorf("%d: a step was made on another thread: %s", w.pid, line)
			}
		}
	}
}

// A toldCourse is what fd3 tour --json tells of the whole course, and what strace saw
// meanwhile: by thread, nil where there is no strace.
type toldCourse struct {
	events []lesson.Event
	seen   map[int][]string
}

var wholeCourse struct {
	once sync.Once
	*toldCourse
}

// tellCourse goes through the whole course, once for all tests that need it.
func tellCourse(t *testing.T) *toldCourse {
	t.Helper()
	wholeCourse.once.Do(func() {
		var out []byte
		var file string
		var failed error
		_, without := exec.LookPath("strace")
		for range 3 {
			file = filepath.Join(t.TempDir(), "strace")
			cmd := in(t).fd3("tour", "--json")
			if without == nil {
				underStrace(t, cmd, file, "--seccomp-bpf", "-e", "trace=socket,bind,listen,connect,accept4,"+
					"recvfrom,sendto,sendmsg,read,write,openat,dup,setsockopt,shutdown,close,rt_sigaction")
			}
			if out, failed = cmd.Output(); !straceGaveUp(failed) {
				break
			}
			t.Logf("once more: strace itself ended: %s", failed.(*exec.ExitError).Stderr)
		}
		events, err := parseEvents(string(out))
		if err != nil {
			t.Fatal(err)
		}
		if exit, ok := failed.(*exec.ExitError); ok {
			for _, e := range events {
				if e.Section == "failed" {
					t.Errorf("%s: %s", e.Step, e.Text)
				}
			}
			t.Fatalf("%v: %s", failed, exit.Stderr)
		} else if failed != nil {
			t.Fatal(failed)
		}
		told := &toldCourse{events: events}
		if without == nil {
			told.seen = straceLines(t, file)
		}
		wholeCourse.toldCourse = told
	})
	if wholeCourse.toldCourse == nil {
		t.Fatal("the course did not come to its end: another test says why")
	}
	return wholeCourse.toldCourse
}

// TestStraceAgreesWithTheCourse runs the whole course under strace. It tells the calls of
// its server and client as strace saw them, letter by letter and in the same order, but
// not all: a lesson that makes hundreds shows some.
func TestStraceAgreesWithTheCourse(t *testing.T) {
	t.Parallel()
	needTool(t, "strace")
	course := tellCourse(t)
	told, all := make(map[int][]string), 0
	tell := func(process string, pid int, strace string) {
		if process != "fd3" { // its own calls are made on any of its threads
			told[pid] = append(told[pid], strace)
			all++
		}
	}
	for _, e := range course.events {
		for _, c := range e.Calls {
			tell(c.Process, c.PID, c.Strace)
		}
		if e.Kind == lesson.KindReturn {
			tell(e.Process, e.PID, e.Strace)
		}
	}
	for pid, calls := range told {
		rest := course.seen[pid]
		for _, call := range calls {
			i := slices.Index(rest, call)
			if i < 0 {
				t.Errorf("%d told %s, and strace did not see it then", pid, call)
				continue
			}
			rest = rest[i+1:]
		}
	}
	t.Logf("%d calls of %d processes", all, len(told))
	if all < 300 || len(told) < 50 {
		t.Errorf("only %d calls of %d processes are told", all, len(told))
	}
}

// compare holds what strace saw against what was told.
func (s *session) compare(pid int, seen []string) {
	s.t.Helper()
	seen = slices.DeleteFunc(seen, func(line string) bool {
		name, _, _ := strings.Cut(line, "(")
		if slices.Contains(evidenceCalls, name) || strings.HasPrefix(name, "epoll") || strings.HasPrefix(name, "eventfd") {
			s.t.Errorf("%d: on the main thread: %s", pid, line)
		}
		return slices.Contains(runtimeCalls, name)
	})
	told := s.told[pid]
	s.t.Logf("%d: %d calls told, %d seen", pid, len(told), len(seen))
	for i := range max(len(told), len(seen)) {
		a, b := "(nothing)", "(nothing)"
		if i < len(told) {
			a = told[i]
		}
		if i < len(seen) {
			b = seen[i]
		}
		if a != b {
			s.t.Errorf("%d, call %d:\n told %s\n seen %s", pid, i, a, b)
			if len(told) != len(seen) {
				return // the rest is out of step
			}
		}
	}
}

// conversation is the whole life of a stream, at both ends.
func (s *session) conversation(addr string) {
	family := []string{"--family", map[byte]string{'[': "inet6", 'u': "unix"}[addr[0]]}
	if family[1] == "" {
		family = nil
	}
	s.does(append([]string{"socket"}, family...)...)
	s.does("bind", addr)
	s.does("listen", "--backlog", "2")
	s.does("connect")
	s.does("accept")
	s.does("send", "--client", "--data", `GET /\0\x01\x0078\t\v "\\" HTTP/1.1\r\n\r\n`)
	s.does("recv", "--size", "7")
	s.does("recv")
	s.does("send")
	s.does("recv", "--client")
	s.does("send", "--body", strings.Repeat("long ", 100))
	s.does("recv", "--client")
	s.does("shutdown")
	s.does("recv", "--client")
	s.does("shutdown", "--client", "--how", "both")
	s.does("close")
	s.does("close", "--client")
	s.does("close")
}

// datagrams go both ways, without a connection.
func (s *session) datagrams(addr string) {
	s.does("socket", "--type", "dgram", "--family", map[bool]string{true: "unix", false: "inet"}[addr[0] == 'u'])
	s.does("bind", addr)
	s.does("connect")
	s.does("send", "--client")
	s.does("recv")
	if addr[0] != 'u' {
		s.does("send")
		s.does("recv", "--client", "--size", "3")
	}
	s.does("close", "--client")
	s.does("close")
}

// refusals are calls that the kernel says no to.
func (s *session) refusals() {
	s.fails("socket", "--only", "--protocol", "250")
	s.fails("socket", "--only", "--family", "unix", "--protocol", "99")
	s.fails("listen", "--only", "--fd", "77")
	s.fails("bind", "--only", "--fd", "0", "127.0.0.1:0")
	s.does("socket")
	s.fails("bind", "--only", "203.0.113.1:0")
	s.fails("bind", "--only", "[::1]:0")
	s.fails("bind", "--only", "[fe80::1%7]:80")
	s.fails("accept", "--only")
	s.fails("recv", "--only")
	s.fails("shutdown", "--only")
	s.fails("send", "--only", "--data", "nobody is there")
	s.does("listen", "--only") // without bind: the kernel chooses a port
	s.fails("bind", "--only", "127.0.0.1:0")
	s.fails("send", "--only")
	s.does("socket", "--client")
	s.fails("connect", "--only", "127.0.0.1:1")
	s.fails("send", "--only", "--client", "--fd", "1")
	s.does("close", "--only", "--client")
	s.does("close", "--only")
	s.fails("close", "--only", "--fd", "3")
}

// waits are calls that block: until their time is over, until a connection comes,
// and when the command that began them has gone away.
func (s *session) waits(server int) {
	s.does("bind", "127.0.0.1:0")
	s.does("listen")
	s.fails("accept", "--timeout", "20ms")
	accept := s.begins(server, "accept4", "accept", "--timeout", "0")
	s.fails("recv")
	s.does("connect")
	s.ends(accept, 0)
	s.fails("recv", "--timeout", "20ms")
	recv := s.begins(server, "recvfrom", "recv", "--timeout", "0")
	recv.Process.Signal(os.Interrupt)
	s.ends(recv, exitInterrupted)
	s.does("send", "--client")
	s.does("status")
	s.does("close", "--client")
	s.does("recv")
	s.does("close")
	s.does("close")
}

// manyClients overflow an accept queue, with sockets that do not block.
func (s *session) manyClients() {
	s.does("bind", "127.0.0.1:0")
	s.does("listen", "--backlog", "1")
	s.does("connect", "--count", "3")
	s.does("accept")
	for range 3 {
		s.does("close", "--client")
	}
	s.does("close")
	s.does("close")
}

// With a time limit a signal ends the call, whatever its handler asks for
// (signal(7)). Both calls are told: that which ended with EINTR, and the next.
func TestInterruptedCall(t *testing.T) {
	t.Parallel()
	needTool(t, "strace")
	s := &session{t: t, place: in(t), told: make(map[int][]string)}
	s.does("bind", "127.0.0.1:0")
	server := s.does("listen").pid("server")
	clear(s.told)
	w := s.strace(server)
	accept := s.begins(server, "accept4", "accept", "--timeout", "60s")
	unix.Tgkill(server, server, unix.SIGURG) // Go's runtime ignores it
	until(t, "the signal", func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/status", server, server))
		return err == nil && bytes.Contains(status, []byte("SigPnd:\t0000000000000000\n"))
	})
	s.does("connect")
	s.ends(accept, exitOK)
	main, _ := w.end()
	s.compare(server, main)
	// Go's runtime sends this signal too, so there may be more than one.
	calls := s.told[server]
	if len(calls) < 3 {
		t.Fatalf("not setsockopt, accept4 and accept4: %q", calls)
	}
	for _, call := range calls[1 : len(calls)-1] {
		if !strings.HasSuffix(call, "= -1 EINTR (Interrupted system call)") {
			t.Errorf("not an interrupted accept4: %q", call)
		}
	}
}

// A session runs commands and notes the calls that they tell of, by process.
type session struct {
	t testing.TB
	place
	told map[int][]string
}

type told []lesson.Event

func (s *session) does(args ...string) told { s.t.Helper(); return s.command(exitOK, args...) }

func (s *session) fails(args ...string) told { s.t.Helper(); return s.command(exitFailed, args...) }

func (s *session) command(code int, args ...string) told {
	s.t.Helper()
	cmd := s.fd3(append(args, "--json")...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	s.t.Log("fd3", args)
	cmd.Run()
	return s.note(cmd, &out, code)
}

func (s *session) note(cmd *exec.Cmd, out *bytes.Buffer, code int) told {
	s.t.Helper()
	events, err := parseEvents(out.String())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == lesson.KindReturn {
			s.told[e.PID] = append(s.told[e.PID], e.Strace)
			s.t.Log(e.Strace)
		}
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("%v: exit code %d, not %d\n%s", cmd.Args[1:], got, code, out)
	}
	return events
}

func (t told) pid(process string) int {
	for _, e := range t {
		if e.Process == process {
			return e.PID
		}
	}
	return 0
}

// begins starts a command whose call blocks, and returns when it does.
func (s *session) begins(pid int, call string, args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := s.fd3(append(args, "--json")...)
	cmd.Stdout = new(bytes.Buffer)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Log("fd3", args, "&")
	until(s.t, "a blocked "+call, func() bool {
		out, _ := s.fd3("status", "--json").Output()
		events, _ := parseEvents(string(out))
		return slices.ContainsFunc(events, func(e lesson.Event) bool {
			return e.Kind == lesson.KindEnter && e.Name == call && e.PID == pid
		})
	})
	return cmd
}

func (s *session) ends(cmd *exec.Cmd, code int) told {
	s.t.Helper()
	cmd.Wait()
	return s.note(cmd, cmd.Stdout.(*bytes.Buffer), code)
}

// An onlooker is strace, attached to a process.
type onlooker struct {
	t    testing.TB
	pid  int
	cmd  *exec.Cmd
	file string
}

// strace attaches to all threads of a process.
func (s *session) strace(pid int) *onlooker {
	s.t.Helper()
	w := &onlooker{t: s.t, pid: pid, file: filepath.Join(s.t.TempDir(), "strace")}
	w.cmd = exec.Command("strace", "-f", "-a", "1", "-o", w.file, "-p", strconv.Itoa(pid))
	var stderr transcript
	w.cmd.Stderr = &stderr
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := w.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	// It says so when it has stopped each thread: from there on it sees every call.
	until(s.t, "strace to attach", func() bool { return strings.Contains(stderr.String(), " attached") })
	return w
}

// The parts of a line of strace -f: the thread, and what it did.
var straceLine = regexp.MustCompile(`^(\d+) +(.*)$`)

// end detaches strace and gives what it saw: the calls of the main thread and
// those of the others.
func (w *onlooker) end() (main, others []string) {
	w.t.Helper()
	w.cmd.Process.Signal(os.Interrupt)
	w.cmd.Wait()
	for tid, calls := range straceLines(w.t, w.file) {
		if tid == w.pid {
			main = calls
		} else {
			others = append(others, calls...)
		}
	}
	return main, others
}

// underStrace has strace start the command and write to the file all that it does.
func underStrace(t testing.TB, cmd *exec.Cmd, file string, options ...string) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{strace, "-f", "-a", "1", "-o", file}, options...)
	cmd.Path, cmd.Args = strace, append(append(args, cmd.Path), cmd.Args[1:]...)
}

// straceGaveUp reports whether strace(1) ended because a ptrace(2) of its own failed, as
// its PTRACE_LISTEN may where a lesson stops a process and soon continues it.
func straceGaveUp(err error) bool {
	exit, ok := err.(*exec.ExitError)
	return ok && bytes.Contains(exit.Stderr, []byte("strace: ptrace("))
}

// straceLines are the calls in a file of strace -f, by thread.
func straceLines(t testing.TB, file string) map[int][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[int][]string)
	begun := make(map[int]string) // calls that another thread's line has interrupted
	for line := range strings.Lines(string(text)) {
		parts := straceLine.FindStringSubmatch(strings.TrimSpace(line))
		if parts == nil {
			t.Fatalf("not a line of strace: %s", line)
		}
		tid, _ := strconv.Atoi(parts[1])
		call := parts[2]
		if head, ok := strings.CutSuffix(call, " <unfinished ...>"); ok {
			begun[tid] = head
			continue
		}
		if rest, ok := strings.CutPrefix(call, "<... "); ok {
			_, tail, _ := strings.Cut(rest, " resumed>")
			call = begun[tid] + tail
			delete(begun, tid)
		}
		// Not a signal, not an end, and no call that the kernel itself makes again
		// after a signal: the program does not see it return.
		if !strings.HasPrefix(call, "---") && !strings.HasPrefix(call, "+++") && !strings.Contains(call, " = ? ERESTART") {
			all[tid] = append(all[tid], call)
		}
	}
	return all
}
