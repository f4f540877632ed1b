package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"

	"fd3/lesson"
)

// A serving is fd3 serve on a Unix socket, and what it writes.
type serving struct {
	t *testing.T
	place
	cmd  *exec.Cmd
	path string
	out  transcript
}

// A transcript is read while it is written.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (x *transcript) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.Write(p)
}

func (x *transcript) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.String()
}

// startServe starts fd3 serve with these arguments.
func startServe(t *testing.T, args ...string) *serving {
	t.Helper()
	s := newServing(t, args...)
	s.start()
	return s
}

func newServing(t *testing.T, args ...string) *serving {
	t.Helper()
	s := &serving{t: t, place: in(t)}
	s.path = filepath.Join(s.base, "serve")
	s.cmd = s.fd3(append([]string{"serve", "--addr", "unix:" + s.path}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, os.Stderr
	return s
}

func (s *serving) start() {
	s.t.Helper()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.cmd.Process.Kill() })
	until(s.t, "the server to listen", func() bool {
		c, err := net.Dial("unix", s.path)
		if err == nil {
			c.Close() // a client that says nothing and goes: one of the articles' servers crashes here
		}
		return err == nil
	})
}

func (s *serving) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("unix", s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	s.t.Cleanup(func() { c.Close() })
	return c
}

// get is the answer to a request for a path, on a connection of its own.
func (s *serving) get(path string) (status int, body string) {
	s.t.Helper()
	conn := s.dial()
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path)
	return s.answer(conn, "GET")
}

func (s *serving) answer(conn net.Conn, method string) (status int, body string) {
	s.t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// ends interrupts the server as Ctrl-C does, and expects it to leave in order.
func (s *serving) ends() {
	s.t.Helper()
	s.cmd.Process.Signal(os.Interrupt)
	s.ended(exitOK)
}

func (s *serving) ended(code int) {
	s.t.Helper()
	s.cmd.Wait()
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code %d, not %d (%v)\n%s", got, code, s.cmd.ProcessState, s.out.String())
	}
	if _, err := os.Lstat(s.path); err == nil {
		s.t.Error("the socket file is left")
	}
}

// endedByPipe waits until SIGPIPE has ended it.
func (s *serving) endedByPipe() {
	s.t.Helper()
	s.ended(-1)
	if !ofPipe(s.cmd.ProcessState) {
		s.t.Errorf("%v, and not by SIGPIPE", s.cmd.ProcessState)
	}
}

// events are what --json wrote so far.
func (s *serving) events() []lesson.Event {
	s.t.Helper()
	text := s.out.String()
	events, err := parseEvents(text[:strings.LastIndexByte(text, '\n')+1])
	if err != nil {
		s.t.Fatal(err)
	}
	return events
}

func eachLoop(t *testing.T, test func(t *testing.T, loop string)) {
	for _, loop := range []string{"iterative", "threads", "epoll"} {
		t.Run(loop, func(t *testing.T) {
			t.Parallel()
			test(t, loop)
		})
	}
}

func TestServeAnswers(t *testing.T) {
	t.Parallel()
	eachLoop(t, func(t *testing.T, loop string) {
		s := startServe(t, "--loop", loop, "--json")
		for _, c := range []struct {
			pieces []string // of the request, each in a send of its own
			status int
			body   string // empty: none
		}{
			{[]string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"}, 200, "descriptor"},
			{[]string{"GE", "T / HTTP/1.1\r\nHo", "st: a\r\n\r", "\n"}, 200, "descriptor"},
			{[]string{"GET / HTTP/1.0\r\n\r\n"}, 200, "descriptor"},
			{[]string{"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"}, 200, ""},
			{[]string{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "he", "llo"}, 200, "5 bytes came behind the head"},
			{[]string{"GET / HTTP/1.1\r\nHost: a\r\nCookie: id=topsecret\r\n\r\n"}, 200, "Cookie: *"},
			{[]string{"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"}, 404, "404"},
			{[]string{"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"}, 405, "GET"},
			{[]string{"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"}, 501, "GET"},
			{[]string{"GET / HTTP/1.1\r\n\r\n"}, 400, "Host"},
			{[]string{"GET / HTTP/2.0\r\n\r\n"}, 505, "HTTP"},
			{[]string{"\x16\x03\x01"}, 400, "TLS"},
		} {
			conn := s.dial()
			for _, piece := range c.pieces {
				if _, err := io.WriteString(conn, piece); err != nil {
					t.Fatal(err)
				}
			}
			method := "GET"
			if strings.HasPrefix(c.pieces[0], "HEAD") {
				method = "HEAD"
			}
			status, body := s.answer(conn, method)
			if status != c.status || !strings.Contains(body, c.body) || (c.body == "") != (len(body) == 0) || strings.Contains(body, "topsecret") {
				t.Errorf("%q: %d %.500q", c.pieces, status, body)
			}
			conn.Close()
		}
		s.ends()
		requests := 0
		for _, e := range s.events() {
			if e.Kind == lesson.KindRequest {
				requests++
			}
		}
		if last := s.events()[len(s.events())-1]; requests < 12 || last.Kind != lesson.KindEnd {
			t.Errorf("%d requests told; the last event is %+v", requests, last)
		}
		if !strings.Contains(s.out.String(), `"strace":"close(3) = 0"`) {
			t.Error("the listener was not closed")
		}
	})
}

// Ctrl-C ends the server also while a client is connected and says nothing.
func TestServeEndsWithAnIdleClient(t *testing.T) {
	t.Parallel()
	eachLoop(t, func(t *testing.T, loop string) {
		s := startServe(t, "--loop", loop, "--quiet")
		conn := s.dial()
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		s.answer(conn, "GET") // from here on it is idle
		s.ends()
	})
}

// A request that has begun keeps the server until its answer. A later signal does not
// wait. SIGTERM, since a shell has SIGINT ignored in what it runs in the background, and
// that is what it is reset to.
func TestServeSecondSignal(t *testing.T) {
	t.Parallel()
	eachLoop(t, func(t *testing.T, loop string) {
		half := func() (*serving, net.Conn) {
			s := startServe(t, "--loop", loop, "--json")
			conn := s.dial()
			io.WriteString(conn, "GET / HTTP/1.1\r\n")
			until(t, "half a request", func() bool { return strings.Contains(s.out.String(), `= 16"`) })
			s.cmd.Process.Signal(syscall.SIGTERM)
			return s, conn
		}
		s, conn := half()
		until(t, "whom the server waits for", func() bool { return strings.Contains(s.out.String(), "The server waits for 1 connection,") })
		io.WriteString(conn, "Host: a\r\n\r\n")
		if status, _ := s.answer(conn, "GET"); status != 200 {
			t.Errorf("status %d", status)
		}
		s.ended(exitOK)

		s, _ = half()
		until(t, "the server to drain", func() bool { return strings.Contains(s.out.String(), "No new connections") })
		ended := make(chan struct{})
		go func() {
			s.cmd.Wait()
			close(ended)
		}()
		until(t, "a later signal to end it", func() bool {
			s.cmd.Process.Signal(syscall.SIGTERM)
			select {
			case <-ended:
				return true
			default:
				return false
			}
		})
		if status := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
			t.Errorf("it ended with %v", s.cmd.ProcessState)
		}
	})
}

// The same signal at once again changes nothing: timeout(1) sends it twice.
func TestSameSignalAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent, ends := make(chan os.Signal), 0
		go obey(sent, func() { ends++ })
		sent <- syscall.SIGTERM
		time.Sleep(sameWish - 1)
		sent <- syscall.SIGTERM
		close(sent)
		synctest.Wait() // it would have killed this process
		if ends != 1 {
			t.Errorf("ended %d times", ends)
		}
	})
}

// On a terminal the line at the bottom is no part of anything else, has whole words in
// any window, and is gone at the end, also when that comes at once.
func TestServeOnTerminal(t *testing.T) {
	t.Parallel()
	p := in(t)
	path := filepath.Join(p.base, "serve")
	term := p.terminal(t, "serve", "--quiet", "--log", "-", "--backlog", "2", "--addr", "unix:"+path)
	screen := func() string { return term.screen(60, 20) }
	resize := func(columns uint16) {
		t.Helper()
		if err := pty.Setsize(term.tty, &pty.Winsize{Rows: 20, Cols: columns}); err != nil {
			t.Fatal(err)
		}
	}
	resize(60)
	term.shows(", accept queue 0 of 2")
	s := &serving{t: t, place: p, path: path}
	s.get("/")
	resize(42)
	term.shows("0 conn, 0 req/s, accept queue 0 of 2") // its like with more does not fit
	conn := s.dial()
	io.WriteString(conn, "GET / HTTP/1.1\r\n")
	term.shows("1 conn, 0 req/s")
	term.tty.Write([]byte{3})
	term.shows("The server waits for 1 connection,")
	logged := regexp.MustCompile(`(?m)^- - - \[.*\] "GET / HTTP/1.1" 200 \d+ *$`)
	until(t, "one line at the bottom, a line of the log, and no ^C", func() bool {
		got := screen()
		return strings.Count(got, "req/s") == 1 && !strings.Contains(got, "^C") && logged.MatchString(got)
	})
	until(t, "the later Ctrl-C to end it", func() bool {
		term.tty.Write([]byte{3})
		select {
		case <-term.end:
			return true
		default:
			return false
		}
	})
	term.exits(-1) // by SIGINT
	if got := screen(); strings.Contains(got, "req/s") {
		t.Errorf("at the end:\n%s", got)
	}
}

// A log that cannot be written is told of when that happens, and once.
func TestServeLogFull(t *testing.T) {
	t.Parallel()
	s := newServing(t, "--quiet", "--log", "/dev/full")
	var complaint transcript
	s.cmd.Stderr = &complaint
	s.start()
	for range 2 { // and what the second one writes fails too
		s.get("/")
		until(t, "the complaint", func() bool {
			return strings.Contains(complaint.String(), "the log: write /dev/full: no space left on device")
		})
	}
	s.cmd.Process.Signal(os.Interrupt)
	s.ended(exitFailed)
	if got := complaint.String(); strings.Count(got, "\n") != 1 {
		t.Errorf("%q", got)
	}
}

// A log goes on where it ended, and one that leads elsewhere, or to nobody, is refused
// before anything is served.
func TestServeLogGoesOn(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "access.log")
	for range 2 {
		s := startServe(t, "--quiet", "--log", log)
		s.get("/")
		s.cmd.Process.Signal(os.Interrupt)
		s.ended(exitOK)
	}
	if text, err := os.ReadFile(log); strings.Count(string(text), "\n") != 2 || err != nil {
		t.Errorf("%q, %v", text, err)
	}

	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newServing(t, "--quiet", "--log", fifo)
	p.cmd.Stdout, p.cmd.Stderr = nil, nil
	out, err := p.cmd.CombinedOutput()
	if code(err, exitFailed) != nil || string(out) != "fd3: the log: nobody reads "+fifo+": start its reader first\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// The cause of a failure is on stderr, also where stdout goes nowhere.
func TestServeQuietlyFails(t *testing.T) {
	t.Parallel()
	first := startServe(t, "--quiet")
	second := newServing(t, "--quiet")
	second.cmd = second.fd3("serve", "--quiet", "--addr", "unix:"+first.path)
	second.cmd.Stdout = nil
	var complaint transcript
	second.cmd.Stderr = &complaint
	if err := code(second.cmd.Run(), exitFailed); err != nil {
		t.Error(err)
	}
	if got := complaint.String(); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "fd3: cannot listen on unix:"+first.path+": bind(2)") || !strings.Contains(got, "EADDRINUSE") {
		t.Errorf("%q", got)
	}
	first.ends()
}

// The owner of a path, and the fault of an address, are told with the remedy that fd3
// serve has.
func TestServeCannotListen(t *testing.T) {
	t.Parallel()
	s := startServe(t, "--quiet")
	for _, c := range []struct {
		addr       string
		want, miss string
	}{
		{"unix:" + s.path, fmt.Sprintf("process %d (fd3", s.cmd.Process.Pid), "sport"},
		{"[fe80::1]:0", "is a link-local address", "does not fit"},
		{"192.0.2.1:0", "No interface of this machine", "fd3 bind"},
	} {
		out, _ := s.fd3("serve", "--addr", c.addr, "--quiet").CombinedOutput()
		if !strings.Contains(string(out), c.want) || strings.Contains(string(out), c.miss) {
			t.Errorf("%s: no %q, or %q, in\n%s", c.addr, c.want, c.miss, out)
		}
	}
	s.ends()
}

func TestServeDirectory(t *testing.T) {
	t.Parallel()
	eachLoop(t, func(t *testing.T, loop string) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a.txt"), "first")
		write(t, filepath.Join(dir, ".hidden"), "secret")
		log := filepath.Join(t.TempDir(), "log")
		s := startServe(t, dir, "--loop", loop, "--quiet", "--listing", "--log", log)
		if status, body := s.get("/a.txt"); status != 200 || body != "first" {
			t.Errorf("%d %.200q", status, body)
		}
		if status, body := s.get("/"); status != 200 || !strings.Contains(body, "./a.txt") || strings.Contains(body, "/.hidden") {
			t.Errorf("%d %.200q", status, body)
		}
		for _, path := range []string{"/.hidden", "/b", "/%2e%2e/etc/passwd", "//etc/passwd"} {
			if status, body := s.get(path); status/100 != 4 || strings.Contains(body, "root:") {
				t.Errorf("%s: %d %q", path, status, body)
			}
		}
		write(t, filepath.Join(dir, "a.txt"), "second")
		until(t, "the changed file", func() bool { _, body := s.get("/a.txt"); return body == "second" })
		s.ends()
		lines, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		common := regexp.MustCompile(`^- - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /\S* HTTP/1.1" \d{3} (\d+|-)$`)
		for line := range strings.Lines(string(lines)) {
			if !common.MatchString(strings.TrimSuffix(line, "\n")) {
				t.Errorf("not in Common Log Format: %q", line)
			}
		}
		if !strings.Contains(string(lines), `"GET /a.txt HTTP/1.1" 200 5`) {
			t.Errorf("the log lacks the first request:\n%s", lines)
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A reader of the narration may go: the server ends in order, and then as any program
// whose stdout nobody reads.
func TestServeReaderGone(t *testing.T) {
	t.Parallel()
	s := newServing(t)
	s.cmd.Stdout = nil
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		bufio.NewReader(stdout).ReadString('\n')
		stdout.Close()
	}()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.endedByPipe()
}

// Nor does it write a log that nobody reads.
func TestServeLogReaderGone(t *testing.T) {
	t.Parallel()
	s := newServing(t, "--quiet", "--log", "-")
	var complaint transcript
	s.cmd.Stdout, s.cmd.Stderr = nil, &complaint
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		defer stdout.Close()
		for in := bufio.NewReader(stdout); ; {
			if line, err := in.ReadString('\n'); err != nil || strings.HasPrefix(line, "- - - [") {
				return
			}
		}
	}()
	s.start()
	s.get("/")
	<-gone
	s.get("/")
	s.endedByPipe()
	if got := complaint.String(); got != "" {
		t.Errorf("%q", got)
	}
}

// A port that another server has is not shared, although that one's loops share
// it among themselves.
func TestServePortTaken(t *testing.T) {
	t.Parallel()
	p := in(t)
	first := p.fd3("serve", "--addr", "127.0.0.1:0", "--quiet", "--json")
	stdout, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { first.Process.Signal(os.Interrupt); first.Wait() }()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	var listening lesson.Event
	if err != nil || json.Unmarshal([]byte(line), &listening) != nil || listening.Value == "" {
		t.Fatalf("%v: %q", err, line)
	}
	for _, loop := range []string{"iterative", "threads", "epoll"} {
		second := p.fd3("serve", "--addr", listening.Value, "--loop", loop, "--quiet")
		out, err := second.Output()
		if second.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), "EADDRINUSE") || !strings.Contains(string(out), "fd3 serve --addr :0") {
			t.Errorf("%s: %v\n%s", loop, err, out)
		}
	}
}

// Each call is told as strace saw it.
func TestServeStraceAgrees(t *testing.T) {
	t.Parallel()
	needTool(t, "strace")
	eachLoop(t, func(t *testing.T, loop string) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "small"), "small")
		write(t, filepath.Join(dir, "large"), strings.Repeat("large", 100_000))
		s := newServing(t, dir, "--loop", loop, "--json")
		// From birth, and in a process of its own (-D): the process that is started is fd3.
		file := filepath.Join(t.TempDir(), "strace")
		underStrace(t, s.cmd, file, "-D")
		s.start()
		for _, path := range []string{"/small", "/large", "/none", "/small"} {
			s.get(path)
		}
		conn := s.dial()
		io.WriteString(conn, "NONSENSE\r\n")
		s.answer(conn, "GET")
		conn.Close()
		s.ends()
		var seen []string
		until(t, "strace to have written all", func() bool {
			text, _ := os.ReadFile(file)
			return bytes.Contains(text, []byte("+++ exited with 0 +++"))
		})
		for _, calls := range straceLines(t, file) {
			seen = append(seen, calls...)
		}
		told := 0
		for _, e := range s.events() {
			if e.Kind != lesson.KindReturn {
				continue
			}
			told++
			if i := slices.Index(seen, e.Strace); i >= 0 {
				seen = slices.Delete(seen, i, i+1)
			} else {
				t.Errorf("told, and not seen: %s", e.Strace)
			}
		}
		if told < 30 {
			t.Errorf("only %d calls were told", told)
		}
	})
}

// At its end the server removes the file that it made, and none that somebody else has
// put there meanwhile; it tells of both.
func TestServeRemovesItsOwnFileOnly(t *testing.T) {
	t.Parallel()
	for _, quiet := range []string{"--quiet", "--quiet=false"} {
		t.Run(quiet, func(t *testing.T) {
			t.Parallel()
			s := startServe(t, quiet, "--plain")
			s.ends()
			if !strings.Contains(s.out.String(), "is removed.") {
				t.Errorf("%s", s.out.String())
			}
			s = startServe(t, quiet, "--json")
			if err := os.Remove(s.path); err != nil {
				t.Fatal(err)
			}
			other, err := net.Listen("unix", s.path)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			s.cmd.Process.Signal(os.Interrupt)
			s.cmd.Wait()
			if _, err := os.Lstat(s.path); err != nil {
				t.Errorf("the other server's socket: %v", err)
			}
			if !strings.Contains(s.out.String(), "is left: it is not the file that bind made.") {
				t.Errorf("%s", s.out.String())
			}
		})
	}
}
