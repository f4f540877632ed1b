package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// A terminal runs one command and keeps what it writes.
type terminal struct {
	t   *testing.T
	tty *os.File
	cmd *exec.Cmd

	mu  sync.Mutex
	out bytes.Buffer
	end chan struct{}
}

func (p place) terminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	return p.sized(t, pty.Winsize{Rows: 50, Cols: 100}, args...)
}

func (p place) sized(t *testing.T, size pty.Winsize, args ...string) *terminal {
	t.Helper()
	return onTerminal(t, size, p.fd3(args...))
}

func onTerminal(t *testing.T, size pty.Winsize, cmd *exec.Cmd) *terminal {
	t.Helper()
	term := &terminal{t: t, cmd: cmd, end: make(chan struct{})}
	term.cmd.Env = append(term.cmd.Env, "TERM=xterm-256color", "LANG=C.UTF-8", "NO_COLOR=")
	var err error
	if term.tty, err = pty.StartWithSize(term.cmd, &size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		term.cmd.Process.Kill()
		term.tty.Close()
	})
	go func() {
		defer close(term.end)
		buf := make([]byte, 4096)
		for {
			n, err := term.tty.Read(buf)
			term.mu.Lock()
			term.out.Write(buf[:n])
			term.mu.Unlock()
			if err != nil { // EIO: the last process has left the terminal
				return
			}
		}
	}()
	return term
}

func (term *terminal) text() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.out.String()
}

// screen is what stands on a terminal of that size.
func (term *terminal) screen(columns, rows int) string {
	shown := vt.NewEmulator(columns, rows)
	shown.WriteString(term.text())
	return shown.String()
}

// shows waits until the words are on the screen.
func (term *terminal) shows(words string) {
	term.t.Helper()
	until(term.t, words, func() bool { return strings.Contains(term.text(), words) })
}

// exits waits for the end of the command.
func (term *terminal) exits(code int) {
	term.t.Helper()
	select {
	case <-term.end:
	case <-time.After(time.Minute):
		term.t.Fatalf("it does not end:\n%s", term.text()) // and is killed
	}
	term.cmd.Wait()
	if got := term.cmd.ProcessState.ExitCode(); got != code {
		term.t.Errorf("exit code %d, not %d\n%s", got, code, term.text())
	}
}

// Ctrl-C leaves the server waiting. The next command shows the result.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	p := in(t)
	s := &session{t: t, place: p, told: make(map[int][]string)}
	s.does("bind", "127.0.0.1:0")
	server := s.does("listen").pid("server")
	term := p.terminal(t, "accept")
	term.shows("/wchan") // it waits, and says where
	term.tty.Write([]byte{3})
	term.exits(exitInterrupted)

	s.does("connect")
	if told := s.told[server]; len(told) == 0 || !strings.HasPrefix(told[len(told)-1], "accept4(3, {sa_family=AF_INET, ") {
		t.Errorf("the result of accept4 was not shown: %q", told)
	}
	// The stage is no process of that terminal's, so it outlives it.
	s.does("send", "--client")
	s.does("recv")
}

// A terminal has colours and its own width. One that is wide enough has a drawing below
// each step.
func TestTerminal(t *testing.T) {
	t.Parallel()
	p := in(t)
	term := p.terminal(t, "socket")
	term.exits(exitOK)
	if !strings.Contains(term.text(), "╭") {
		t.Error("no drawing on a terminal of 100 columns")
	}
	for _, args := range [][]string{{"socket", "--draw=false"}, {"status", "--json"}} {
		undrawn := p.terminal(t, args...)
		undrawn.exits(exitOK)
		if strings.Contains(undrawn.text(), "╭") {
			t.Errorf("a drawing after %q", args)
		}
	}
	narrow := p.sized(t, pty.Winsize{Rows: 50, Cols: 99}, "socket")
	narrow.exits(exitOK)
	if strings.Contains(narrow.text(), "╭") {
		t.Error("a drawing on a terminal of 99 columns, below each step")
	}
	if !strings.Contains(term.text(), "\x1b[") {
		t.Error("no colours on a terminal")
	}
	if strings.Contains(term.text(), "\x1b]") || strings.Contains(term.text(), "\x1b[6n") {
		t.Error("the terminal was asked something")
	}
}

// fd3 status --watch draws what the kernel has, draws it again when another terminal has
// made a step, and gives the terminal back.
func TestWatch(t *testing.T) {
	t.Parallel()
	p := in(t)
	s := &session{t: t, place: p, told: make(map[int][]string)}
	term := p.terminal(t, "status", "--watch")
	term.shows("No process runs")
	s.does("bind", "127.0.0.1:0")
	s.does("listen", "--backlog", "1")
	term.shows("accept queue, backlog 1")
	s.does("connect", "--count", "2") // no SYN is sent again and again: that would be a change, too
	term.shows("full: no room")
	server := s.does("status").pid("server")
	syscall.Kill(server, syscall.SIGSTOP)
	term.shows(fmt.Sprintf("server %d, stopped", server))
	syscall.Kill(server, syscall.SIGCONT)
	until(t, "it goes on", func() bool { return !strings.Contains(term.screen(100, 50), "stopped") })
	s.does("accept")
	until(t, "the new descriptor has a mark", func() bool { return strings.Contains(term.screen(100, 50), "▶+  4  ESTABLISHED") })
	term.tty.Write([]byte{3})
	term.exits(exitInterrupted)
	if all := term.text(); !strings.HasSuffix(all, leaveScreen) || strings.Count(all, enterScreen) != 1 {
		t.Errorf("the terminal is not given back: %q", all[max(0, len(all)-80):])
	}
}

// Nothing is written as long as nothing changes.
func TestWatchIsQuiet(t *testing.T) {
	t.Parallel()
	p := in(t)
	s := &session{t: t, place: p, told: make(map[int][]string)}
	s.does("bind", "127.0.0.1:0")
	s.does("listen")
	term := p.terminal(t, "status", "--watch")
	until(t, "all of it is drawn", func() bool {
		return strings.Contains(term.text(), "accept queue") && strings.HasSuffix(term.text(), clearBelow)
	})
	wrote := len(term.text())
	server := s.does("status").pid("server") // a process that answers has not changed
	time.Sleep(4 * glance)                   // several looks
	if got := term.text()[wrote:]; got != "" {
		t.Errorf("drawn again for nothing, with server %d: %q", server, got)
	}
	term.tty.Write([]byte{3})
	term.exits(exitInterrupted)
}

// A complaint on a narrow terminal breaks at blanks.
func TestComplaintFits(t *testing.T) {
	t.Parallel()
	p := in(t)
	term := p.sized(t, pty.Winsize{Rows: 17, Cols: 59}, "tour", "--record", filepath.Join(p.base, "tour.cast"))
	term.shows("59x17")
	complaint, _, _ := strings.Cut(term.text(), "59x17")
	for line := range strings.Lines(complaint) {
		if len(line) > 59+len("\r\n") {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
	if got := strings.Join(strings.Fields(complaint), " "); got != "fd3: the tour goes line by line: a terminal of 60x18 gives the full screen, this one has" {
		t.Errorf("%q", got)
	}
}
