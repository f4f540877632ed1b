// Package doctor says what of fd3 works on this machine, each with what was tried or read
// to know it.
package doctor

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

//go:embed doctor.md
var text string

// page returns doctor.md.
var page = sync.OnceValue(func() words.Page { return words.Read(text) })

// A finding is what was found out of one thing.
type finding struct {
	about  string // the section of the words, without "failed"
	fact   string
	value  string
	source string
	failed bool
	needed bool              // the course cannot be taken without it
	values map[string]string // of the words
}

// Examine tells of each thing whether it works here, and reports whether the course can be
// taken.
func Examine(ctx context.Context, show func(lesson.Event)) (well bool) {
	const name = "doctor"
	tell := func(e lesson.Event) {
		e.Step, e.Process, e.PID = name, "fd3", os.Getpid()
		show(e)
	}
	tell(lesson.Event{Kind: lesson.KindStep, Title: page().Title})
	before, _ := page().Section("before")
	tell(lesson.Event{Kind: lesson.KindText, Section: "before", Text: before})
	well = true
	for _, look := range []func(context.Context) []finding{machine, stages, rows, network, tracing, tools} {
		for _, f := range look(ctx) {
			e := lesson.Evidence{Fact: f.fact, Value: f.value, Source: f.source}
			if f.failed {
				raw, _ := page().Section(f.about + " failed")
				e.Note, _ = words.FillParagraphs(raw, f.values)
				well = well && !f.needed
			}
			tell(e.Event())
		}
	}
	verdict := "well"
	if !well {
		verdict = "ill"
	}
	said, _ := page().Section(verdict)
	tell(lesson.Event{Kind: lesson.KindText, Section: "status", Text: said})
	return well
}

// machine is the kernel, and who asks it.
func machine(context.Context) []finding {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return nil
	}
	return []finding{
		{fact: "kernel", value: unix.ByteSliceToString(uts.Sysname[:]) + " " + unix.ByteSliceToString(uts.Release[:]), source: "uname(2)"},
		{fact: "user", value: fmt.Sprint(unix.Geteuid()), source: "geteuid(2)"},
	}
}

// mine is a stage's name that no learner takes.
func mine() string { return fmt.Sprintf("doctor-%d", os.Getpid()) }

// stages starts a stage and has it make a socket.
func stages(ctx context.Context) []finding {
	f := finding{about: "stage", fact: "stage", source: "socket(2) in a new process", needed: true}
	r := stage.Remote{Name: mine(), Role: stage.Server}
	defer stage.Tidy()
	defer r.Quit(context.WithoutCancel(ctx)) // after Ctrl-C, too
	begun := time.Now()
	_, _, err := r.Start(time.Minute)
	var c sockets.Call
	if err == nil {
		c, err = r.Do(ctx, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM}, func(sockets.Call) {})
	}
	if err == nil && c.Errno != 0 {
		err = c.Errno
	}
	if err != nil {
		f.value, f.failed = err.Error(), true
		return []finding{f}
	}
	f.value = fmt.Sprintf("started in %s; its first socket is descriptor %d", lesson.Took(time.Since(begun)), c.Ret)
	return []finding{f, waits(ctx, r)}
}

// waits reads where a thread of another process sleeps.
func waits(ctx context.Context, r stage.Remote) finding {
	f := finding{about: "waits", fact: "where it sleeps", source: "/proc/PID/wchan", failed: true, value: "not told"}
	state, err := r.State(ctx)
	if err != nil {
		return f
	}
	f.source = fmt.Sprintf("/proc/%d/wchan", state.PID)
	if task, err := kernel.Thread(state.PID, state.TID); err == nil && task.Wchan != "" {
		f.value, f.failed = task.Wchan, false
	}
	return f
}

// rows asks for all TCP sockets.
func rows(context.Context) []finding {
	f := finding{about: "sockets", fact: "sockets", source: "sock_diag(7)", needed: true}
	table, err := kernel.Own().TCP()
	if f.value = lesson.Counted(len(table), "TCP socket"); err != nil {
		f.value, f.failed = err.Error(), true
	}
	return []finding{f}
}

// network makes a network of one's own, and takes it away again.
func network(ctx context.Context) []finding {
	f := finding{about: "network", fact: "own network", source: "clone(2), rtnetlink(7)"}
	begun := time.Now()
	_, _, err := netlab.Up(mine(), netlab.Options{})
	f.value = "two hosts and a cable in " + lesson.Took(time.Since(begun))
	if err == nil {
		_, err = netlab.Down(context.WithoutCancel(ctx), mine())
	}
	if err != nil {
		f.value, f.failed = err.Error(), true
	}
	stage.Tidy()
	return []finding{f}
}

// tracing is what the Yama module lets strace(1) do, where it is.
func tracing(context.Context) []finding {
	const path = "/proc/sys/kernel/yama/ptrace_scope"
	value, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	scope := strings.TrimSpace(string(value))
	return []finding{{about: "tracing", fact: "ptrace_scope", value: scope, source: path, failed: scope != "0"}}
}

// tools are the programs that a learner runs beside fd3.
func tools(context.Context) []finding {
	var all []finding
	for _, t := range []struct{ name, pkg, use string }{
		{"ss", "iproute2", "The exercises of the course use it"},
		{"curl", "curl", "The exercises of the course use it"},
		{"nc", "netcat-openbsd", "The exercises of the course use it"},
		{"strace", "strace", "The words after a step name it as something to try"},
		{"nsenter", "util-linux", "`fd3 on` runs it"},
		{"tshark", "tshark", "It reads what `fd3 wire save` has written"},
	} {
		f := finding{about: "tool", fact: t.name, source: "PATH", values: map[string]string{"package": t.pkg, "use": t.use}}
		path, err := exec.LookPath(t.name)
		if f.value = path; err != nil {
			f.value, f.failed = "missing", true
		}
		all = append(all, f)
	}
	return all
}
