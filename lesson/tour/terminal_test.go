package tour

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// A terminal is what a learner sees: a pseudoterminal, what stands on it,
// and the screen that runs there.
type terminal struct {
	t    testing.TB
	cmd  *exec.Cmd
	pty  *os.File // the side of the keys
	tty  *os.File // the side of the program
	gone chan struct{}

	mu       sync.Mutex
	shown    *vt.Emulator
	text     string   // what stands on it; empty: it has changed since
	past     []string // all that has stood on it, if it is remembered
	remember bool
	written  bytes.Buffer
	pressed  int      // keys, so far
	taken    int      // of them, by what stands on the screen
	offered  []string // the keys that do something there, as bubbletea calls them
	cursor   bool
	before   unix.Termios
	finished error
}

// open starts the screen on a terminal. Each test has a place of its own to keep
// its progress, unless env says which.
func open(t testing.TB, width, height int, from string, env ...string) *terminal {
	return openCommand(t, width, height, exec.Command("/proc/self/exe"), append([]string{"FD3_TEST_SCREEN=" + from}, env...)...)
}

func openCommand(t testing.TB, width, height int, cmd *exec.Cmd, env ...string) *terminal {
	t.Helper()
	x := &terminal{t: t, cmd: cmd, gone: make(chan struct{}), shown: vt.NewEmulator(width, height), cursor: true}
	keys, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	// One that does not block can be closed while it is read.
	fd, err := unix.FcntlInt(keys.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	keys.Close()
	x.pty, x.tty = os.NewFile(uintptr(fd), "pty"), tty
	t.Cleanup(x.close)
	x.resize(width, height)
	x.before = x.modes()
	x.shown.SetCallbacks(vt.Callbacks{
		CursorVisibility: func(visible bool) { x.cursor = visible },
		Title: func(title string) { // of signed; at its end the screen takes it away
			if words := strings.Fields(title); len(words) > 0 {
				x.taken, _ = strconv.Atoi(words[0])
				x.offered = words[1:]
			}
		},
	})
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LANG=C.UTF-8", "XDG_STATE_HOME="+t.TempDir())
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = x.tty, x.tty, x.tty
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	go x.read()
	go func() { // what a terminal answers goes nowhere: the program must not ask
		b := make([]byte, 256)
		for {
			if _, err := x.shown.Read(b); err != nil {
				return
			}
		}
	}()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		x.finished = cmd.Wait()
		close(x.gone)
	}()
	return x
}

func (x *terminal) read() {
	b := make([]byte, 64*1024)
	for {
		n, err := x.pty.Read(b)
		if err != nil {
			return
		}
		x.mu.Lock()
		x.written.Write(b[:n])
		x.shown.Write(b[:n])
		x.text = ""
		if x.remember {
			x.past = append(x.past, x.shown.String())
		}
		x.mu.Unlock()
	}
}

func (x *terminal) close() {
	if x.cmd.Process != nil {
		x.cmd.Process.Kill()
		<-x.gone
	}
	x.pty.Close()
	x.tty.Close()
}

// modes are the terminal's settings, as termios(3) has them.
func (x *terminal) modes() unix.Termios {
	modes, err := unix.IoctlGetTermios(int(x.tty.Fd()), unix.TCGETS)
	if err != nil {
		x.t.Fatal(err)
	}
	return *modes
}

func (x *terminal) resize(width, height int) {
	x.t.Helper()
	x.mu.Lock()
	x.shown.Resize(width, height)
	x.text = ""
	x.mu.Unlock()
	if err := unix.IoctlSetWinsize(int(x.tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(height), Col: uint16(width)}); err != nil {
		x.t.Fatal(err)
	}
}

// press presses keys, by bubbletea's names: each when it does something, and it waits
// until the screen has taken it. What stands there then is what came of it at once.
func (x *terminal) press(keys ...string) {
	x.t.Helper()
	for _, key := range keys {
		encoded(x.t, key)
		x.until("a use of the key "+key, func() bool { return x.offers(key) })
		x.tries(key)
	}
}

// tries presses a key that may do nothing.
func (x *terminal) tries(key string) {
	x.t.Helper()
	x.sends(key)
	x.until("the key "+key+" to be taken", func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.taken == x.pressed || x.isGone()
	})
}

// sends presses a key and waits for nothing: the screen cannot tell that it is taken.
func (x *terminal) sends(key string) {
	x.t.Helper()
	x.pressed++
	x.types(encoded(x.t, key))
}

// encoded is what a terminal sends for a key.
func encoded(t testing.TB, key string) string {
	t.Helper()
	if bytes, named := map[string]string{
		"space": " ", "tab": "\t", "enter": "\r", "esc": "\x1b", "backspace": "\x7f", "ctrl+c": "\x03", "ctrl+z": "\x1a",
		"left": "\x1b[D", "right": "\x1b[C", "pgup": "\x1b[5~", "pgdown": "\x1b[6~", "home": "\x1b[H", "end": "\x1b[F",
	}[key]; named {
		return bytes
	}
	if len(key) != 1 || key < "!" {
		t.Fatalf("%q is no key", key)
	}
	return key
}

// types writes what may not be for the screen.
func (x *terminal) types(bytes string) {
	x.t.Helper()
	if _, err := x.pty.WriteString(bytes); err != nil {
		x.t.Fatal(err)
	}
}

// offers reports whether a key does something where the screen is now.
func (x *terminal) offers(key string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Contains(x.offered, key)
}

// screen is what stands on the terminal now.
func (x *terminal) screen() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.text == "" {
		x.text = x.shown.String()
	}
	return x.text
}

// sees waits until something stands on the terminal.
func (x *terminal) sees(pattern string) {
	x.t.Helper()
	words := regexp.MustCompile(pattern)
	x.until(fmt.Sprintf("%q", pattern), func() bool { return words.MatchString(x.screen()) })
}

// hasBackground looks whether each cell has a background of its own, or none has.
func (x *terminal) hasBackground(own bool) {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	for row := range x.shown.Height() {
		for column := range x.shown.Width() {
			if c := x.shown.CellAt(column, row); c != nil && c.Width > 0 && (c.Style.Bg != nil) != own {
				x.t.Fatalf("the background of cell %d of row %d: %v\n%s", column, row, c.Style.Bg, x.shown)
			}
		}
	}
}

// remembers keeps what stands on the terminal from now on.
func (x *terminal) remembers() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remember = true
}

// saw waits until something stands on the terminal, or has stood there since it is
// remembered.
func (x *terminal) saw(pattern string) {
	x.t.Helper()
	words := regexp.MustCompile(pattern)
	x.until(fmt.Sprintf("%q", pattern), func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		return slices.ContainsFunc(x.past, words.MatchString)
	})
}

// goesOnUntil presses Space, each time that it does something, until something
// stands on the terminal: how often depends on how much of the text fits.
func (x *terminal) goesOnUntil(pattern string) {
	x.t.Helper()
	words := regexp.MustCompile(pattern)
	for range 40 {
		there := false
		x.until(fmt.Sprintf("%q or Space", pattern), func() bool {
			offers := x.offers("space") // asked first: what it is offered for stands there then
			there = words.MatchString(x.screen())
			return there || offers
		})
		if there {
			return
		}
		x.press("space")
	}
	x.t.Fatalf("%q never came:\n%s", pattern, x.screen())
}

func (x *terminal) until(what string, there func() bool) {
	x.t.Helper()
	for end := time.Now().Add(time.Minute); !there(); time.Sleep(3 * time.Millisecond) {
		if time.Now().After(end) {
			x.t.Fatalf("waited too long for %s:\n%s", what, x.screen())
		}
	}
}

// ends waits for the end of the program, and looks whether the terminal is as it
// was.
func (x *terminal) ends(code int) {
	x.t.Helper()
	select {
	case <-x.gone:
	case <-time.After(time.Minute):
		x.t.Fatalf("it does not end:\n%s", x.screen())
	}
	if got := x.cmd.ProcessState.ExitCode(); got != code {
		x.t.Errorf("exit code %d, %v; want %d", got, x.finished, code)
	}
	x.isRestored()
}

func (x *terminal) isGone() bool {
	select {
	case <-x.gone:
		return true
	default:
		return false
	}
}

func (x *terminal) isRestored() {
	x.t.Helper()
	x.until("the terminal to be as it was", func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		return !x.shown.IsAltScreen() && x.cursor
	})
	if now := x.modes(); now != x.before {
		x.t.Errorf("termios is %+v, was %+v", now, x.before)
	}
}

// isBack waits until the screen stands again where it was put aside.
func (x *terminal) isBack() {
	x.t.Helper()
	x.until("the screen once more", func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		return bytes.Count(x.written.Bytes(), []byte("\x1b[?1049h")) == 2
	})
}

// children are the processes that the program has started.
func (x *terminal) children() []int {
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		_, after, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[1] == strconv.Itoa(x.cmd.Process.Pid) {
			pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

// areGone waits for the end of processes.
func (x *terminal) areGone(pids []int) {
	x.t.Helper()
	for _, pid := range pids {
		x.until(fmt.Sprintf("the end of process %d", pid), func() bool { return errors.Is(unix.Kill(pid, 0), unix.ESRCH) })
	}
}
