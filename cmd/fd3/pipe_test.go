package main

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Every command whose stdout nobody reads dies of SIGPIPE without a word, as in
// fd3 lessons | head -1.
func TestNobodyReadsStdout(t *testing.T) {
	t.Parallel()
	p := in(t)
	arguments := map[string][]string{
		"tour":       {"--plain", "--auto", "0s"},
		"handout":    {"fd"},
		"record":     {filepath.Join(t.TempDir(), "a.cast"), "fd", "--auto", "0s"},
		"bind":       {"127.0.0.1:0"},
		"close":      {"--only"},
		"serve":      {"--addr", "127.0.0.1:0"},
		"completion": {"bash"},
		"wire":       {"--stage", "net"},
		"watch":      {"--help"}, // its story goes to stderr
		"path":       {"--help"}, // not every user may trace
		"on":         {"--stage", "net", "client", "--", "cat", "/proc/version"},
	}
	network := p.fd3("wire", "up", "--stage", "net").Run() == nil
	for _, c := range new(app).root().Commands() {
		args := append([]string{c.Name()}, arguments[c.Name()]...)
		t.Run(c.Name(), func(t *testing.T) {
			need(t, network || c.Name() != "wire" && c.Name() != "on", "a network of one's own")
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			read.Close()
			defer write.Close()
			var complaint bytes.Buffer
			cmd := p.fd3(args...)
			cmd.Stdout, cmd.Stderr = write, &complaint
			cmd.Run()
			if !ofPipe(cmd.ProcessState) || complaint.Len() > 0 {
				t.Errorf("%v: %v, and not by SIGPIPE alone: %s", args, cmd.ProcessState, &complaint)
			}
		})
	}
}

// ofPipe reports whether SIGPIPE has ended a process or, as a shell says it, the program
// that it ran.
func ofPipe(state *os.ProcessState) bool {
	status := state.Sys().(syscall.WaitStatus)
	return status.Signaled() && status.Signal() == syscall.SIGPIPE || status.ExitStatus() == 128+int(syscall.SIGPIPE)
}
