package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets/path"
)

// needTracing skips a test where this user may not trace.
func needTracing(t *testing.T) {
	t.Helper()
	trace, err := path.Open()
	var denied *path.DeniedError
	if errors.As(err, &denied) {
		t.Skip("needs root and tracefs:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	trace.Close()
}

// Every function tells, or one line says that this kernel does not have that, and what it has.
func TestEveryFunction(t *testing.T) {
	needTracing(t)
	t.Parallel()
	p := in(t)
	cmd := p.fd3("path", "--all", "--", "bash", "-c", "echo hello >/dev/udp/127.0.0.1/9")
	var out, trouble strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &trouble
	err := cmd.Run()
	if err == nil && strings.Contains(out.String(), "Told by the tracer") {
		return
	}
	said, code := trouble.String(), exitFailed
	if strings.Contains(said, "it answers EPERM to ") {
		code = exitDenied
	}
	if !strings.HasPrefix(said, "fd3: Linux ") || !strings.Contains(said, "has the tracers") || strings.Count(said, "\n") != 1 || cmd.ProcessState.ExitCode() != code {
		t.Errorf("%v: %s%s", err, out.String(), said)
	}
}

// Ctrl-C is for the command whose drops are told: it ends as it wants to, and then fd3 tells.
func TestDropsAtTerminal(t *testing.T) {
	needTracing(t)
	t.Parallel()
	term := in(t).bash(t)
	term.types("fd3 path --drop -- bash -c 'n=0; trap \"n=\\$((n+1))\" INT; echo begun-$((40+2)); while [ $n = 0 ]; do sleep 0.05; done; sleep 0.3; echo caught-$n-$((40+4)); exit 9'; echo code-$?\n")
	term.shows("begun-42")
	term.types("\x03")
	term.shows("caught-1-44") // once, and not by fd3 again
	term.shows("code-9")
	term.types("exit\n")
	term.exits(exitOK)
}

// A signal that is sent to fd3 alone reaches the command, which decides what it means.
func TestDropsPassSignalsOn(t *testing.T) {
	needTracing(t)
	t.Parallel()
	p := in(t)
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT} {
		ready := filepath.Join(p.base, fmt.Sprint("ready", int(s)))
		cmd := p.fd3("path", "--drop", "--", "sh", "-c", fmt.Sprintf("trap 'exit 1%d' %d; echo > %s; while :; do sleep 0.05; done", s, s, ready))
		cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "the program", func() bool { _, err := os.Stat(ready); return err == nil })
		cmd.Process.Signal(s)
		cmd.Wait()
		if got, want := fmt.Sprint(cmd.ProcessState.ExitCode()), fmt.Sprintf("1%d", s); got != want {
			t.Errorf("%s: exit code %s, not %s", s, got, want)
		}
	}
	cmd := p.fd3("path", "--drop", "--", "sleep", "1000") // which does nothing about a signal
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the program", func() bool { return len(sleeping(cmd.Process.Pid)) == 1 })
	cmd.Process.Signal(unix.SIGTERM)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 128+int(unix.SIGTERM) {
		t.Errorf("exit code %d", code)
	}
}
