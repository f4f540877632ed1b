package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/view"
	story "fd3/lesson/watch"
	"fd3/sockets/kernel"
	"fd3/sockets/watch"
)

const watchLong = `Tell of the sockets of any program, each from its birth to its close: the calls
that the program makes on it, with what they were given and what came of them.
Behind a call stands what it is for, the first time.

The program runs as it would without: it has its own terminal, its signals, its
exit code. The story goes to stderr, as that of strace(1) does, and the program's
own output goes where it always goes. With --out the story goes to a file alone,
which is there when fd3 has ended in order. Where fd3 is killed (SIGKILL) there is
none, and the program is killed with it; one that ran already runs on.

What is told is what the kernel was asked to do: ptrace(2) says, which stops the
program at each of these calls, or, where root watches, eBPF at the kernel's
tracepoints, which never stops it and costs less. With --draw, --bytes and --all it
is ptrace(2) always, since fd3 looks at a program that stands still. In a head of
HTTP the values of cookies, passwords and the like are masked.`

// watchFlags are the flags of fd3 watch.
type watchFlags struct {
	story.Narrator
	pids   []int
	all    bool
	out    string
	force  bool
	replay string

	compare bool
}

func (a *app) watch() *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use:   "watch [-- COMMAND...]",
		Short: "the sockets of any program, told while it runs",
		Long:  watchLong,
		Example: "  fd3 watch -- curl -s http://127.0.0.1:8080/\n  fd3 watch -- python3 -m http.server 8000\n  fd3 watch -p 4711                    a program that runs already\n" +
			"  fd3 watch --calls -- nc -l 8000      every call on a socket, a line each\n  fd3 watch --out nc.jsonl -- nc -l 8000\n  fd3 watch --replay nc.jsonl\n" +
			"  fd3 watch --compare 'python3 -m http.server 8000' 'fd3 serve'\n  fd3 watch --compare nc.jsonl 'python3 -m http.server 8000'",
		GroupID: "whole",
		Args:    cobra.ArbitraryArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runWatch(cmd.Context(), &f, args) },
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false) // the flags behind the command are its own
	flags.IntSliceVarP(&f.pids, "pid", "p", nil, "watch a process that runs already; several: -p 1,2")
	flags.BoolVar(&f.Calls, "calls", false, "a line for each call, as strace prints it, and no words")
	flags.BoolVar(&f.all, "all", false, "every call, not only those on sockets; with --calls")
	flags.BoolVar(&f.Bytes, "bytes", false, "draw the heads of HTTP byte by byte")
	flags.BoolVar(&f.Draw, "draw", false, "draw what the kernel has after each call that changes it")
	flags.StringVar(&f.out, "out", "", "record the story in this file, and tell nothing")
	flags.BoolVar(&f.force, "force", false, "write over a file; with --out")
	flags.StringVar(&f.replay, "replay", "", "tell a story that --out has recorded")
	flags.BoolVar(&f.compare, "compare", false, "lay the sockets of several commands side by side, or of recordings")
	return cmd
}

// check says what does not go together, or is missing.
func (f *watchFlags) check(args []string) error {
	switch {
	case f.compare:
		return f.checkCompare(args)
	case f.replay != "" && (len(args) > 0 || f.pids != nil || f.out != ""):
		return errors.New("--replay tells of what has been: it takes no command, no -p and no --out")
	case f.replay != "":
		return nil
	case len(args) > 0 && f.pids != nil:
		return errors.New("watch a command, or a process that runs (-p), but not both")
	case len(args) == 0 && f.pids == nil:
		return errors.New("watch what? fd3 watch -- COMMAND, or fd3 watch -p PID")
	case len(args) > 0 && args[0] == "":
		return errors.New("the command is an empty word: perhaps a variable of the shell is not set")
	case f.all && !f.Calls:
		return errors.New("--all is for --calls: fd3 watch --calls --all -- COMMAND")
	case f.force && f.out == "":
		return errors.New("--force is for --out FILE")
	}
	for _, pid := range f.pids {
		if pid <= 0 {
			return fmt.Errorf("%d is no process: see ps -e", pid)
		}
	}
	return nil
}

func (a *app) runWatch(ctx context.Context, f *watchFlags, args []string) error {
	if err := f.check(args); err != nil {
		return usageError{err}
	}
	if f.replay != "" {
		return a.replay(f.replay, f.Calls)
	}
	var err error
	if f.Explain, err = a.level(); err != nil {
		return err
	}
	if f.compare {
		return a.compare(f, args)
	}
	path := ""
	if len(args) > 0 {
		if path, err = programPath(args[0]); err != nil {
			return err
		}
	}
	if f.out != "" {
		return f.record(func() error { return a.follow(ctx, f, path, args) }, commandLine(f.pids, args))
	}
	to := os.Stdout
	if path != "" { // it is the command's
		to = os.Stderr
	}
	var failed error
	f.Lines = f.Calls && !a.json
	if f.Show, err = a.story(to, f.Calls, &failed); err != nil {
		return err
	}
	err = a.follow(ctx, f, path, args)
	if path != "" && errors.Is(failed, unix.EPIPE) { // nobody reads the story: that is not the command's fault
		return err
	}
	return errors.Join(err, failed)
}

// programPath is the file of a program, by the name that a shell would take.
func programPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", usageError{fmt.Errorf("there is no program %q: %w", name, errors.Unwrap(err))}
	}
	return path, nil
}

// follow tells the whole story.
//
// On a single CPU Go takes the right to run from a thread that waits in the kernel for
// more than 20 µs, and the thread has to get it back after each stop: with a second one it
// keeps its own.
func (a *app) follow(ctx context.Context, f *watchFlags, path string, args []string) error {
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), 2))
	debug.SetGCPercent(400) // of what a call brings nearly nothing is kept
	w := &watch.Watch{Tell: f.Tell, Still: f.Draw || f.Bytes, All: f.all, Short: f.Lines, Suspend: suspend}
	if !f.Calls { // of which all are told
		w.Skip, w.Counted = f.Skip, f.Counted
	}
	stop := f.tick()
	var err error
	if path != "" {
		err = a.watchCommand(w, path, args)
	} else {
		err = a.watchProcesses(ctx, w, f)
	}
	stop()
	if ended := programExit(0); err == nil || errors.As(err, &ended) {
		f.End()
	}
	return err
}

// suspend stops this process until it is continued. The signal is for the calling thread,
// which so goes no step further before that.
func suspend() { unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGSTOP) }

// record has a story told into a file, which is there when it is whole.
func (f *watchFlags) record(tell func() error, command string) error {
	file, err := createFile(f.out, f.force)
	if err != nil {
		return err
	}
	defer file.Discard()
	out := bufio.NewWriter(file)
	write := view.JSON(out)
	var failed error
	events := 0
	f.Show = func(e lesson.Event) {
		events++
		if err := write(e); err != nil && failed == nil {
			failed = err
		}
	}
	f.Recording(command)
	ended := tell()
	var exit programExit
	if ended != nil && !errors.As(ended, &exit) {
		return ended
	}
	f.Recorded(events)
	if err := errors.Join(failed, out.Flush()); err != nil {
		return err
	}
	if err := file.Commit(); err != nil {
		return thereAlready(f.out, err)
	}
	fmt.Fprintf(os.Stderr, "%s: %s. To read it: fd3 watch --replay %[1]s\n", f.out, lesson.Counted(events, "event"))
	return ended
}

// commandLine is what the user has typed to watch it.
func commandLine(pids []int, args []string) string {
	if len(args) > 0 {
		return strings.Join(args, " ")
	}
	return fmt.Sprint("process ", strings.Trim(fmt.Sprint(pids), "[]"))
}

// story returns a function that shows the story on a file, or each call in a line.
func (a *app) story(to *os.File, calls bool, failed *error) (func(lesson.Event), error) {
	if !calls || a.json {
		return a.showOn(to, failed)
	}
	write := view.Calls(to)
	return func(e lesson.Event) {
		if err := write(e); err != nil && *failed == nil {
			*failed = err
		}
	}, nil
}

// tick has the Narrator look again and again who waits.
func (f *watchFlags) tick() (stop func()) {
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-over:
				tick.Stop()
				return
			case <-tick.C:
				f.Waiting()
			}
		}
	}()
	return func() { close(over); <-done }
}

// unheard reports whether SIGINT was ignored when fd3 began, as in the background of a
// shell without job control: the command ignores it, too.
var unheard = signal.Ignored(unix.SIGINT)

// watchCommand runs a command until it has ended, with all that it has started.
func (a *app) watchCommand(w *watch.Watch, path string, args []string) error {
	again := false
	defer onSignal(func(s unix.Signal) { again = passOn(w, s, again) })()
	return programEnd(w.Command(path, args, unheard))
}

// onSignal has each signal that fd3 gets told, one after the other. That the story has no
// reader any more is none: a command that is watched runs on.
func onSignal(tell func(unix.Signal)) (stop func()) {
	signal.Reset(unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	sent := make(chan os.Signal, 8)
	signal.Notify(sent, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP, unix.SIGTSTP, unix.SIGPIPE)
	over := make(chan struct{})
	go func() {
		for {
			select {
			case <-over:
				return
			case s := <-sent:
				if s != unix.SIGPIPE {
					tell(s.(unix.Signal))
				}
			}
		}
	}()
	return func() { close(over) }
}

// programEnd is the exit code of a command, as a shell has it.
func programEnd(status unix.WaitStatus, err error) error {
	switch {
	case err != nil:
		return err
	case status.Signaled():
		return programExit(128 + int(status.Signal()))
	case status.ExitStatus() != 0:
		return programExit(status.ExitStatus())
	}
	return nil
}

// passOn has a signal that fd3 has got reach the command, unless the terminal has sent it
// there already. When the command has ended, it is for what that has left behind; again
// reports that this has been asked to end before.
func passOn(w *watch.Watch, s unix.Signal, again bool) bool {
	typed := s == unix.SIGINT || s == unix.SIGQUIT || s == unix.SIGTSTP
	switch {
	case w.Runs() && typed && foreground():
	case w.Runs() && s != unix.SIGTSTP:
		w.Signal(s)
	case !w.Runs() && again:
		w.Signal(unix.SIGKILL)
	case !w.Runs() && s != unix.SIGTSTP:
		w.Signal(unix.SIGTERM)
		return true
	}
	return again
}

// foreground reports whether this process is in the group that the terminal's keys send
// signals to.
func foreground() bool {
	fd, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// watchProcesses watches processes that run already, until they end or fd3 is told to let
// them go.
func (a *app) watchProcesses(ctx context.Context, w *watch.Watch, f *watchFlags) error {
	var names []string
	for _, pid := range f.pids {
		name, _ := kernel.Comm(pid)
		names = append(names, fmt.Sprintf("%s %d", cmp.Or(name, "process"), pid))
	}
	f.Attach(strings.Join(names, ", "))
	defer context.AfterFunc(ctx, w.Stop)()
	err := w.Process(f.pids...)
	if err == nil && ctx.Err() != nil {
		f.LetGo()
	}
	return err
}

// replay tells a story that was recorded.
func (a *app) replay(path string, calls bool) error {
	var failed error
	show, err := a.story(os.Stdout, calls, &failed)
	if err != nil {
		return err
	}
	if err := readRecording(path, show); err != nil && failed == nil {
		return err
	}
	return failed
}

// readRecording shows the Events of a recording.
func readRecording(path string, show func(lesson.Event)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	err = story.Replay(file, show)
	var unread *os.PathError
	if err == nil || errors.As(err, &unread) { // such as that it is a directory
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}
