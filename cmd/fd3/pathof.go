package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	narrator "fd3/lesson/path"
	"fd3/lesson/step"
	story "fd3/lesson/watch"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/path"
	"fd3/sockets/watch"
)

// orOfCommand has the command of a step take another program's call, where one stands
// behind --.
func (a *app) orOfCommand(cmd *cobra.Command, of *step.Step, p *pathFlags) {
	take, check := cmd.RunE, cmd.Args
	cmd.Use += " [-- COMMAND...]"
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if cmd.ArgsLenAtDash() == 0 {
			return nil
		}
		return check(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.ArgsLenAtDash() != 0 {
			return take(cmd, args)
		}
		stray := ""
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Changed {
				stray = f.Name
			}
		})
		if stray != "" {
			return usageError{fmt.Errorf("--%s is for the step that fd3 takes itself. The flags of a command stand behind it: fd3 path %s -- COMMAND", stray, of.Name)}
		}
		return a.runPathOf(of, args, p)
	}
}

// errNever says that a command has made no call that was asked for, which has been told.
var errNever = fmt.Errorf("%w: no such call was made", step.ErrFailed)

// runPathOf runs a command, and tells of the way of its first call that is a step's, for
// IPv4 or IPv6. The exit code is the command's.
func (a *app) runPathOf(of *step.Step, command []string, p *pathFlags) error {
	if len(command) == 0 || command[0] == "" {
		return usageError{fmt.Errorf("the call of which command? fd3 path %s -- COMMAND", of.Name)}
	}
	level, err := a.level()
	if err != nil {
		return err
	}
	program, err := programPath(command[0])
	if err != nil {
		return err
	}
	var failed error
	show, err := a.show(&failed)
	if err != nil {
		return err
	}
	file, err := p.create()
	if err != nil {
		return err
	}
	defer file.discard()
	trace, err := p.open()
	if err != nil {
		return asRoot(err, p.command(of)+" -- COMMAND")
	}
	defer trace.Close()
	tell := &narrator.Narrator{Step: of.Name, Who: command[0], Program: true, Explain: level, Functions: p.functions, All: p.all, Show: show}
	tell.Before()
	first := &firstCall{step: of.Name, trace: trace}
	first.seen = func(way path.Path, call sockets.Call) error {
		tell.Who, tell.PID = first.name, first.pid
		tell.Made(call)
		tell.Saw(way, call)
		return file.save(way, tell)
	}
	ended := a.watchCommand(&watch.Watch{Tell: first.tell, Still: true, Stdout: os.Stderr}, program, command)
	if first.state == begun { // it ended within the call
		first.end(first.call)
	}
	if first.state == waited {
		tell.Never()
		if ended == nil {
			ended = errNever
		}
	}
	return errors.Join(first.failed, failed, ended)
}

// A firstCall waits for a call of a program that is watched, and has the kernel write its
// way down.
type firstCall struct {
	step  string
	trace *path.Trace
	seen  func(path.Path, sockets.Call) error

	state  state
	number int // of the call
	tid    int // of the thread that makes it
	pid    int
	name   string
	call   sockets.Call
	failed error
}

type state uint8

const (
	waited state = iota
	begun
	over
)

// tell is told of what the program does. Meanwhile the thread that does it stands still.
func (f *firstCall) tell(e *watch.Event) {
	switch {
	case e.Kind == watch.Entered && f.state == waited && f.wanted(e):
		f.state, f.number, f.tid, f.pid, f.name, f.call = begun, e.Number, e.TID, e.PID, e.Name, e.Call
		if f.failed = f.trace.Begin(e.TID, e.Number, true); f.failed != nil {
			f.state = over
		}
	case e.Kind == watch.Returned && f.state == begun && e.TID == f.tid:
		f.end(e.Call)
	}
}

// wanted reports whether a call is of the step, and for IPv4 or IPv6.
func (f *firstCall) wanted(e *watch.Event) bool {
	if story.StepOf(e.Call, e.FD) != f.step {
		return false
	}
	if e.Call.Name == "socket" {
		family := e.Call.Args[0].Value
		return family == "AF_INET" || family == "AF_INET6"
	}
	if e.Socket == 0 {
		return false
	}
	asked, err := kernel.AskOf(e.PID, e.FD)
	return err == nil && (asked.Domain == unix.AF_INET || asked.Domain == unix.AF_INET6)
}

// end has the way told.
func (f *firstCall) end(call sockets.Call) {
	f.state = over
	way, err := f.trace.End()
	if errors.Is(err, path.ErrUnseen) { // then it says so that it has no functions
		err = nil
	}
	way.Call = call.Strace()
	if way.TookNS > 0 { // else what has held the thread counts as well
		call.Duration = time.Duration(way.TookNS)
		err = errors.Join(err, f.trace.Time(&way, f.number, int(call.Ret)))
	}
	if f.failed = err; err == nil {
		f.failed = f.seen(way, call)
	}
}
