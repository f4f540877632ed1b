package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// bash is a shell at a terminal, in which a learner types.
func (p place) bash(t *testing.T) *terminal {
	t.Helper()
	needTool(t, "bash")
	cmd := p.fd3()
	cmd.Path, _ = exec.LookPath("bash")
	cmd.Args = []string{"bash", "--norc", "--noprofile", "-i"}
	cmd.Env = append(cmd.Env, "PS1=$ ", "HISTFILE=")
	return onTerminal(t, pty.Winsize{Rows: 50, Cols: 100}, cmd)
}

// types writes a line, or a key.
func (term *terminal) types(keys string) { term.tty.Write([]byte(keys)) }

// A watched program is stopped and continued from its terminal as any other, Ctrl-C is its
// own to handle, and its exit code comes through.
func TestWatchedAtTerminal(t *testing.T) {
	t.Parallel()
	term := in(t).bash(t)
	term.types("fd3 watch -- bash -c 'trap \"echo caught-\\$((40+4)); exit 9\" INT; trap \"echo continued-\\$((40+5))\" CONT; echo begun-$((40+2)); while :; do sleep 0.05; done'\n")
	term.shows("begun-42")
	term.types("\x1a")
	term.shows("Stopped")
	term.types("jobs; echo jobs-$((40+3))\n")
	term.shows("jobs-43")
	term.types("fg\n")
	term.shows("continued-45") // before, a key would be the shell's
	term.types("\x03")
	term.shows("caught-44")
	term.types("echo code-$?\n")
	term.shows("code-9")
	term.types("exit\n")
	term.exits(exitOK)
}

// A signal that is sent to fd3 alone reaches the program.
func TestWatchPassesSignalsOn(t *testing.T) {
	t.Parallel()
	p := in(t)
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP} {
		ready := filepath.Join(p.base, fmt.Sprint("ready", int(s)))
		cmd := p.fd3("watch", "--", "sh", "-c", fmt.Sprintf("trap 'exit 1%d' %d; echo > %s; while :; do sleep 0.05; done", s, s, ready))
		cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "the program", func() bool { return exec.Command("test", "-e", ready).Run() == nil })
		cmd.Process.Signal(s)
		cmd.Wait()
		if got, want := fmt.Sprint(cmd.ProcessState.ExitCode()), fmt.Sprintf("1%d", s); got != want {
			t.Errorf("%s: exit code %s, not %s", s, got, want)
		}
	}
}

// A signal to fd3 ends a whole comparison, with all that its command has started. Only a
// command that has sockets, and is no server, is ended by Ctrl-C alone.
func TestCompareEndsBySignal(t *testing.T) {
	t.Parallel()
	needTool(t, "bash")
	const waits = "sleep 317 & echo $! > child; wait"
	const socket = "exec bash -c 'exec 3<>/dev/udp/127.0.0.1/9; echo $$ > child; while :; do read -t 9 <> <(:); done'"
	for _, c := range []struct {
		command string
		signal  unix.Signal
		code    int
		second  bool
	}{
		{waits, unix.SIGTERM, 143, false},
		{waits, unix.SIGHUP, 129, false},
		{waits, unix.SIGINT, exitInterrupted, false},
		{socket, unix.SIGTERM, 143, false},
		{socket, unix.SIGINT, exitOK, true},
	} {
		dir := t.TempDir()
		cmd := in(t).fd3("watch", "--compare", c.command, "echo > second")
		cmd.Dir = dir
		cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var pid int
		until(t, "the command", func() bool {
			b, _ := os.ReadFile(filepath.Join(dir, "child"))
			n, _ := fmt.Sscan(string(b), &pid)
			return n == 1
		})
		cmd.Process.Signal(c.signal)
		cmd.Wait()
		_, err := os.Stat(filepath.Join(dir, "second"))
		if got := cmd.ProcessState.ExitCode(); got != c.code || (err == nil) != c.second {
			t.Errorf("%s, %s: exit code %d, not %d; the second command: %v", c.command, c.signal, got, c.code, err)
		}
		if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); len(line) > 0 { // of a zombie it is empty
			t.Errorf("%s, %s: it has left %q", c.command, c.signal, line)
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}
