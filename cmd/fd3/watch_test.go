package main

import (
	"fmt"
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
