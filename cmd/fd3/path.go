package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"fd3/lesson"
	narrator "fd3/lesson/path"
	"fd3/lesson/step"
	"fd3/sockets"
	"fd3/sockets/path"
	"fd3/sockets/stage"
)

const pathLong = `Take a step, and see its way through the kernel: each function that the call goes
through, by layer, down to the device and up again to the reader, and what is in the
packet at each place.

It takes root, since the kernel itself writes the way down (tracefs). The machine's
own tracing is not touched: fd3 has a ring buffer of its own, for the one thread that
makes the call. Where it can put a program at many functions (kprobe.multi) each function
that takes the packet shows how many bytes it has there.

With --all every function tells, by a tracer of the kernel's (function_graph, or
function): while the call lasts the whole machine is slower.

Of a command it is the first call that sends something over IPv4 or IPv6, or the first
one of the step that is named. The command is held before that call and behind it, as
fd3 watch does it. What it prints goes to stderr.`

func (a *app) path() *cobra.Command {
	p := &pathFlags{}
	cmd := &cobra.Command{
		Use:     "path [STEP] [-- COMMAND...] | --drop [-- COMMAND...]",
		Short:   "the kernel's own way through a call, function by function",
		Long:    pathLong,
		Example: "  sudo fd3 path send --client    where the bytes go after send\n  sudo fd3 path recv             and how they come to the reader\n  sudo fd3 path connect          three packets in one call\n  sudo fd3 path send --functions what each function does\n  sudo fd3 path send --all       every function, by layer\n  sudo fd3 path connect -- curl -s http://127.0.0.1:8080/    the first one of any program\n  sudo fd3 path --drop -- nc -z 127.0.0.1 9     what is thrown away meanwhile, and why",
		GroupID: "look",
		Args: func(cmd *cobra.Command, args []string) error {
			if p.drop || cmd.ArgsLenAtDash() == 0 {
				return nil
			}
			return noArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case p.drop && p.all:
				return usageError{errors.New("--all is about one call: fd3 path send --all. What is thrown away, and where, says --drop alone")}
			case p.drop:
				return a.runDrops(cmd.Context(), args)
			case cmd.ArgsLenAtDash() == 0:
				return a.runPathOf(step.Send, args, p)
			}
			return usageError{errors.New("the way of which call? fd3 path send, or another step of a socket's life")}
		},
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if c != cmd && errors.As(err, &unknown) && unknown.GetSpecifiedName() == "drop" {
			return usageError{errors.New("--drop is about no step: it tells what is thrown away while a command runs, or until Ctrl-C. Run: fd3 path --drop -- COMMAND, or fd3 path --drop")}
		}
		return cmd.Parent().FlagErrorFunc()(c, err)
	})
	flags := cmd.PersistentFlags()
	flags.BoolVar(&p.all, "all", false, "every function, also those without a tracepoint below them, folded by layer")
	flags.BoolVar(&p.functions, "functions", false, "say what each function does and takes, and in which file it stands")
	flags.StringVar(&p.record, "record", "", "write the way to this file, as JSON")
	flags.BoolVar(&p.force, "force", false, "let --record write over a file")
	flags.BoolVar(&a.words, "accessible", false, "in sentences instead of a drawing")
	cmd.Flags().BoolVar(&p.drop, "drop", false, "packets that are thrown away, while a command runs or until Ctrl-C")
	for _, c := range stepCommands {
		if path.Numbers[c.step.Call] != 0 {
			sub, _ := a.stepRunBy(c, func(ctx context.Context, of *step.Step, options step.Options, _ bool) error {
				return a.runPath(ctx, of, options, p)
			})
			sub.Example = ""
			a.orOfCommand(sub, c.step, p)
			cmd.AddCommand(sub)
		}
	}
	return cmd
}

type pathFlags struct {
	all, functions, force, drop bool
	record                      string
}

// open makes a Trace of what was asked for.
func (p *pathFlags) open() (*path.Trace, error) {
	if p.all {
		trace, err := path.OpenEvery()
		if none := new(path.NoTracerError); errors.As(err, &none) {
			err = fmt.Errorf("%w. Without --all its tracepoints tell", err)
		}
		return trace, err
	}
	return path.Open()
}

// command is what was asked for, of a step.
func (p *pathFlags) command(of *step.Step) string {
	text := of.Name
	if p.all {
		text += " --all"
	}
	if p.record != "" {
		text += " --record FILE"
	}
	return text
}

// asRoot adds to an error that a user is denied something the command that root is not.
func asRoot(err error, command string) error {
	if errors.As(err, new(*path.DeniedError)) && errors.Is(err, os.ErrPermission) && os.Geteuid() != 0 {
		return fmt.Errorf("%w. As root: sudo fd3 path %s", err, command)
	}
	return err
}

// runPath takes a step while the kernel writes the way of its call down, and tells of that.
func (a *app) runPath(ctx context.Context, of *step.Step, options step.Options, p *pathFlags) error {
	var failed error
	runner, err := a.runner(&failed)
	if err != nil {
		return err
	}
	file, err := p.create()
	if err != nil {
		return err
	}
	defer file.discard()
	role := options.Role
	if of.Role != "" {
		role = of.Role
	}
	tell := &narrator.Narrator{Step: of.Name, Who: string(role), Stage: a.stage, Explain: options.Explain, Functions: p.functions, All: p.all, Show: runner.Show}
	trace, err := p.open()
	var denied *path.DeniedError
	if errors.As(err, &denied) {
		if file != nil || p.all {
			return asRoot(err, p.command(of))
		}
		return errors.Join(a.runPathDenied(ctx, of, options, runner, tell, denied), failed)
	} else if err != nil {
		return err
	}
	defer trace.Close()
	seen := &watched{Stage: runner.Stage(role), trace: trace, call: of.Call, before: sync.OnceFunc(tell.Before)}
	instead(runner, role, seen)
	runner.Show = onlyCalls(runner.Show)
	options.Explain = lesson.None
	err = runner.Do(ctx, of, options)
	tell.PID = seen.pid
	switch {
	case seen.failed != nil:
		return errors.Join(err, seen.failed)
	case !seen.made:
		return err
	}
	if a.network == nil && seen.way.TookNS > 0 {
		if err := trace.Time(&seen.way, path.Numbers[of.Call], len(seen.last.Data)); err != nil {
			return err
		}
	}
	if runner.Cable != nil {
		tell.Cable = true
		tell.Lies, tell.Number = runner.Lies(ctx, role, seen.last.FD, seen.was)
	}
	tell.Saw(seen.way, seen.last)
	if err := file.save(seen.way, tell); err != nil {
		return err
	}
	return errors.Join(err, failed)
}

// instead has another Stage stand for that of a party.
func instead(runner *step.Runner, role stage.Role, stands step.Stage) {
	for i := range runner.Parties {
		if runner.Parties[i].Name == role {
			runner.Parties[i].Stage = stands
		}
	}
}

// runPathDenied takes a step whose way this user may not see, with the times that the kernel
// tells every user, and tells of a recorded way.
func (a *app) runPathDenied(ctx context.Context, of *step.Step, options step.Options, runner *step.Runner, tell *narrator.Narrator, denied *path.DeniedError) error {
	tell.Denied(denied)
	other := stage.Server
	role := stage.Role(tell.Who)
	if role == other {
		other = stage.Client
	}
	stamped := &stamped{Stage: runner.Stage(role), other: runner.Stage(other), call: of.Call}
	instead(runner, role, stamped)
	runner.Show = onlyCalls(runner.Show)
	options.Explain = lesson.None
	if err := runner.Do(ctx, of, options); err != nil {
		return err
	}
	tell.PID = stamped.pid
	tell.Marked(stamped.last, stamped.marks)
	tell.Recorded(stamped.last)
	return denied
}

// onlyCalls shows of a step what comes before it, and its call: the way of that is told
// instead of the rest.
func onlyCalls(show func(lesson.Event)) func(lesson.Event) {
	failed := false
	return func(e lesson.Event) {
		failed = failed || e.Kind == lesson.KindReturn && e.Errno != 0
		if told := []lesson.Kind{lesson.KindStep, lesson.KindBytes, lesson.KindEvidence}; !e.Recap && !failed && slices.Contains(told, e.Kind) {
			return
		}
		show(e)
	}
}

// watched is a stage of whose calls one is watched.
type watched struct {
	step.Stage
	trace  *path.Trace
	call   string // its name
	before func() // says what there will be to see

	pid    int
	was    stage.Socket // that the call acts on
	made   bool
	way    path.Path
	last   sockets.Call
	failed error // of the trace
}

// Do makes a call. Where it is the one to watch the kernel writes its way down.
func (w *watched) Do(ctx context.Context, o stage.Order, observe func(sockets.Call)) (sockets.Call, error) {
	if o.Do != w.call {
		return w.Stage.Do(ctx, o, observe)
	}
	state, err := w.Stage.State(ctx)
	if err != nil {
		return sockets.Call{}, err
	}
	w.pid = state.PID
	if i := slices.IndexFunc(state.Sockets, func(x stage.Socket) bool { return x.FD == o.FD }); i >= 0 {
		w.was = state.Sockets[i]
	}
	w.before()
	if err := w.trace.Begin(state.TID, path.Numbers[o.Do], true); err != nil {
		w.failed = err
		return w.Stage.Do(ctx, o, observe)
	}
	call, err := w.Stage.Do(ctx, o, observe)
	w.made, w.last = true, call
	if w.way, w.failed = w.trace.End(); errors.Is(w.failed, path.ErrUnseen) && err != nil {
		w.made, w.failed = false, nil // it was refused before it was made
	}
	w.way.Call = call.Strace()
	return call, err
}

// stamped is a stage of whose calls one is stamped on its way.
type stamped struct {
	step.Stage
	other step.Stage // at the other end
	call  string     // its name

	pid   int
	last  sockets.Call
	marks []path.Mark
}

// patient is how long the last stamp, of the ACK, is waited for.
const patient = 300 * time.Millisecond

// Do makes a call. Where it is the one to stamp, and sends something, the kernel stamps it.
func (s *stamped) Do(ctx context.Context, o stage.Order, observe func(sockets.Call)) (sockets.Call, error) {
	if o.Do != s.call {
		return s.Stage.Do(ctx, o, observe)
	}
	state, err := s.Stage.State(ctx)
	if err != nil {
		return sockets.Call{}, err
	}
	s.pid = state.PID
	var stamps *path.Stamps
	if o.Do == "sendto" {
		peer, fd := s.peer(ctx, state, o.FD)
		if stamps, err = path.Stamp(state.PID, o.FD, peer, fd); err == nil { // else the call goes without
			defer stamps.Close()
		}
	}
	call, err := s.Stage.Do(ctx, o, observe)
	s.last = call
	if stamps != nil && err == nil && call.Errno == 0 {
		s.marks = stamps.Marks(patient)
	}
	return call, err
}

// peer returns the process and the descriptor of the other end of a socket; 0 where nobody
// has taken it out of the accept queue.
func (s *stamped) peer(ctx context.Context, state stage.State, fd int) (pid, at int) {
	i := slices.IndexFunc(state.Sockets, func(x stage.Socket) bool { return x.FD == fd })
	if i < 0 {
		return 0, 0
	}
	there, err := s.other.State(ctx)
	if err != nil {
		return 0, 0
	}
	for _, x := range there.Sockets {
		if x.Connected() && x.Local.AddrPort().IsValid() && x.Local.AddrPort() == state.Sockets[i].Peer.AddrPort() && x.Peer.AddrPort() == state.Sockets[i].Local.AddrPort() {
			return there.PID, x.FD
		}
	}
	return 0, 0
}

// runDrops tells of the packets that are thrown away while a program runs, or until Ctrl-C.
func (a *app) runDrops(ctx context.Context, program []string) error {
	var failed error
	show, err := a.show(&failed)
	if err != nil {
		return err
	}
	level, err := a.level()
	if err != nil {
		return err
	}
	if len(program) > 0 {
		if _, err := exec.LookPath(program[0]); err != nil {
			return err
		}
	}
	tell := &narrator.Narrator{Explain: level, Show: show}
	drops, err := path.OpenDrops(0)
	if err != nil {
		command := "--drop"
		if len(program) > 0 {
			command += " -- COMMAND"
		}
		return asRoot(err, command)
	}
	defer drops.Close()
	tell.BeforeDrops(len(program) > 0)
	var ended error
	if len(program) == 0 {
		<-ctx.Done()
	} else {
		cmd := exec.Command(program[0], program[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stderr, os.Stderr // stdout is for what fd3 tells
		if err := besides(ctx, cmd); err != nil {
			return err
		}
		ended = programEnded(cmd.ProcessState)
	}
	found, err := drops.End()
	if err != nil {
		return err
	}
	tell.Drops(found)
	return errors.Join(failed, ended)
}

// besides runs a command to its end. Signals are the command's to handle: the terminal sends
// them there, too, and what fd3 alone has got is passed on.
func besides(ctx context.Context, cmd *exec.Cmd) error {
	signals := []os.Signal{unix.SIGTERM, unix.SIGQUIT}
	if !unheard { // else the command is to ignore it, too
		signals = append(signals, unix.SIGINT)
	}
	if !signal.Ignored(unix.SIGHUP) {
		signals = append(signals, unix.SIGHUP)
	}
	signal.Reset(unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	sent := make(chan os.Signal, 8)
	signal.Notify(sent, signals...)
	if err := ctx.Err(); err != nil { // a signal has come before
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-sent:
			if typed := s == unix.SIGINT || s == unix.SIGQUIT; !typed || !foreground() {
				cmd.Process.Signal(s)
			}
		case <-ended:
			go obey(sent, func() {}) // the telling is short, but its reader may stand still
			return nil
		}
	}
}
