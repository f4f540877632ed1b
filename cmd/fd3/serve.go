package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"fd3/httpmini/server"
	"fd3/httpmini/server/docroot"
	"fd3/lesson"
	"fd3/lesson/outfile"
	"fd3/lesson/serve"
	"fd3/lesson/step"
	"fd3/lesson/view"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

const serveLong = `Serve a directory over HTTP/1.0 and 1.1, from system calls alone, and tell of
each connection while it happens. Without a directory there is one page, at /,
that shows visitors their own connection.

Three loops serve the same way, and each can do something else:
  iterative  one client at a time: a silent one blocks all others, for a lesson
  threads    a thread for each connection
  epoll      one loop for each CPU, each with many connections

Names that start with a dot are not served, and no link leads out of DIR. A
client that says nothing is not waited for: see the timeouts. Ctrl-C answers
what has begun and ends; a second one ends at once.`

// serveFlags are the flags of fd3 serve that are no field of a Config.
type serveFlags struct {
	addr    string
	on      string // a host of the network; empty: this machine's own
	loop    string
	backlog int
	log     string
}

func (a *app) serve() *cobra.Command {
	var flags serveFlags
	var config server.Config
	cmd := &cobra.Command{
		Use:     "serve [DIR]",
		Short:   "a whole HTTP server, told while it serves",
		Long:    serveLong,
		Example: "  fd3 serve\n  fd3 serve ./public --listing\n  fd3 serve --loop iterative\n  fd3 serve --on server\n  fd3 serve . --quiet --log access.log --addr [::1]:0",
		GroupID: "whole",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return usageError{fmt.Errorf("fd3 serve takes one directory, but got %d arguments", len(args))}
			case len(args) == 1 && args[0] == "":
				return usageError{errors.New("the directory is an empty word: perhaps a variable of the shell is not set")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := ""
			if len(args) == 1 {
				dir = args[0]
			}
			if flags.on != "" {
				return a.serveOn(cmd, flags.on, os.Args[1:])
			}
			return a.runServe(cmd.Context(), dir, flags, config)
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.addr, "addr", step.DefaultAddr, "the address to listen on: HOST:PORT, [::1]:PORT or unix:/path")
	f.StringVar(&flags.on, "on", "", "client or server: serve on that host of the network (fd3 wire up)")
	f.StringVar(&flags.loop, "loop", string(server.Epoll), "iterative, threads or epoll")
	f.IntVar(&flags.backlog, "backlog", 0, "how many finished handshakes may wait for accept (0: net.core.somaxconn)")
	f.BoolVar(&config.Listing, "listing", false, "list a directory that has no index.html")
	f.BoolVar(&config.Quiet, "quiet", false, "do not tell of connections and requests")
	f.StringVar(&flags.log, "log", "", "write each request to this file in Common Log Format (-: stdout)")
	f.IntVar(&config.MaxConnections, "max-connections", 0, "connections at a time; others get a 503 (0: what the limit of descriptors allows)")
	f.Int64Var(&config.MaxBody, "max-body", 1<<20, "the longest content of a request, in bytes")
	f.DurationVar(&config.Timeouts.Head, "head-timeout", server.DefaultTimeout, "for a whole request head")
	f.DurationVar(&config.Timeouts.Body, "body-timeout", server.DefaultTimeout, fmt.Sprintf("for content below %d B/s", server.MinRate))
	f.DurationVar(&config.Timeouts.Idle, "idle-timeout", server.DefaultTimeout, "between two requests")
	f.DurationVar(&config.Timeouts.Write, "write-timeout", server.DefaultTimeout, fmt.Sprintf("for an answer read below %d B/s", server.MinRate))
	cmd.RegisterFlagCompletionFunc("loop", cobra.FixedCompletions([]string{string(server.Epoll), string(server.Threads), string(server.Iterative)}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// runServe wires a server to its listeners, its root, its log and its narrator.
func (a *app) runServe(ctx context.Context, dir string, flags serveFlags, config server.Config) (err error) {
	options, err := a.serveOptions(flags, &config)
	if err != nil {
		return err
	}
	if dir != "" { // it is opened again behind the listener, which is to be the first descriptor
		root, err := docroot.Open(dir)
		if err != nil {
			return err
		}
		root.Close()
	}
	signal.Ignore(unix.SIGPIPE) // a reader of stdout that goes away ends the server in order, see served.Show and readerGone
	out, err := a.served(ctx)
	if err != nil {
		return err
	}
	defer out.stop()
	log, err := openLog(flags.log, out)
	if err != nil {
		return err
	}
	if log != nil {
		config.Log = log
	}
	machine := stage.NewMachine()
	unlink := sync.OnceValue(machine.RemoveFiles) // once: another server may take the path after that
	defer unlink()
	if config.Listeners, err = a.listen(out, machine, options, config.Loops, config.Quiet); err != nil {
		return err
	}
	if dir != "" {
		if config.Root, err = docroot.Open(dir); err != nil {
			return err
		}
		defer config.Root.Close()
	}
	s, err := server.New(config)
	if err != nil {
		return err
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		narrator := serve.Narrator{Server: s, Loop: config.Loop, Show: out.Show, Stopping: out.ctx.Done(), Files: unlink}
		narrator.Tell()
	}()
	defer context.AfterFunc(out.ctx, func() {
		unlink() // now, since a second Ctrl-C ends the process at once
		s.Drain()
	})()
	err = errors.Join(s.Run(), out.end(told)) // on the main thread
	if err == nil && log != nil && log.failed {
		return step.ErrFailed
	}
	return err
}

// serveOptions checks what was typed, and fills in the rest of the Config.
func (a *app) serveOptions(flags serveFlags, config *server.Config) (options step.Options, err error) {
	options = step.DefaultOptions()
	options.FreePort = "fd3 serve --addr :0"
	if options.Addr, err = sockets.ParseSockaddr(flags.addr); err != nil {
		return options, usageError{err}
	}
	options.Localhost = strings.HasPrefix(flags.addr, "localhost:")
	if options.Explain, err = a.level(); err != nil {
		return options, err
	}
	config.Loop, config.Loops = server.Loop(flags.loop), 1
	switch config.Loop {
	case server.Iterative, server.Threads:
	case server.Epoll:
		config.Loops = runtime.GOMAXPROCS(0)
	default:
		return options, usageError{fmt.Errorf("--loop is iterative, threads or epoll, not %q", flags.loop)}
	}
	switch {
	case flags.backlog > math.MaxInt32:
		return options, usageError{fmt.Errorf("--backlog is an int of C: at most %d, not %d", math.MaxInt32, flags.backlog)}
	case flags.backlog < 0 || config.MaxConnections < 0 || config.MaxBody < 1:
		return options, usageError{errors.New("--backlog and --max-connections are not negative, and --max-body is 1 at least")}
	case min(config.Timeouts.Head, config.Timeouts.Body, config.Timeouts.Idle, config.Timeouts.Write) <= 0:
		return options, usageError{errors.New("a timeout is longer than nothing, such as 10s")}
	}
	if options.Backlog = flags.backlog; options.Backlog == 0 {
		if options.Backlog, err = kernel.Own().SysctlInt("net.core.somaxconn"); err != nil {
			options.Backlog = unix.SOMAXCONN
		}
	}
	return options, nil
}

// listen makes the listening sockets, told in full or, with quiet, only if that
// fails, and then on stderr too. The machine makes the calls, and knows the file of a
// unix socket.
func (a *app) listen(out *served, machine *stage.Machine, options step.Options, loops int, quiet bool) (listeners []int, err error) {
	stage.RaisePoller()
	runner := &step.Runner{
		Name:    a.stage,
		Parties: []step.Party{{Name: stage.Server, Stage: stage.Local{Machine: machine}}},
		Show:    out.Show,
	}
	var why error
	if quiet {
		if listeners, why = serve.ListenQuietly(options, loops, out.on, out.Show, machine.Witness); why == nil {
			return listeners, nil
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		listeners, err = serve.Listen(out.ctx, runner, options, loops, out.on)
		machine.Stop()
	}()
	machine.Run() // on the main thread, as in the stepped server
	<-done
	if err != nil && why != nil && out.failed == nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", options.Addr, why)
	}
	return listeners, err
}

// served shows events until stdout fails; then it ends the server.
type served struct {
	mu     sync.Mutex
	ctx    context.Context
	stop   context.CancelFunc
	write  func(lesson.Event)
	load   *view.Load // nil: there is no terminal for it
	failed error
	shown  atomic.Int64 // how many events
	on     *serve.Host  // nil: the machine's own network
}

// served returns the place where the events of a server go. Where it is on a host of the
// network, ss(8) shows the same there alone.
func (a *app) served(ctx context.Context) (*served, error) {
	out := &served{on: a.hostHere()}
	show, err := a.show(&out.failed)
	if err != nil {
		return nil, err
	}
	out.write = func(e lesson.Event) {
		if out.on != nil && strings.HasPrefix(e.Command, "ss ") {
			e.Command = "fd3 on " + out.on.Name + " -- " + e.Command
		}
		show(e)
	}
	out.ctx, out.stop = context.WithCancel(ctx)
	if look, err := a.look(); err == nil && !a.json && !a.plain && screen() {
		out.load = view.NewLoad(os.Stderr, look, func() int { return columns(os.Stderr) })
	}
	return out, nil
}

// storyPatience is how long the end of the story waits for a stdout that takes
// nothing of it.
const storyPatience = 2 * time.Second

// end waits for the end of the story, as long as it goes on.
func (s *served) end(told <-chan struct{}) error {
	for shown := s.shown.Load(); ; {
		select {
		case <-told:
			return s.failed
		case <-time.After(storyPatience):
			now := s.shown.Load()
			if now == shown {
				return errors.New("stdout is not read, so the end of the story is lost")
			}
			shown = now
		}
	}
}

func (s *served) Show(e lesson.Event) {
	s.alone(func() {
		if s.failed != nil {
			return
		}
		if s.load != nil {
			s.load.Show(e)
		}
		if s.write(e); s.failed != nil {
			s.stop()
		}
	})
	s.shown.Add(1)
}

// alone has something written while nobody else writes, and the line at the bottom is
// not there.
func (s *served) alone(write func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.load != nil {
		s.load.Hide()
		defer func() {
			if !atOnce.Load() {
				s.load.Draw()
			}
		}()
	}
	write()
}

// A logFile says at once, and once, that it cannot be written. The server goes on
// without it; but if it is stdout, nobody reads that any more: see served.Show.
type logFile struct {
	file   *os.File
	out    *served
	failed bool
}

// openLog opens the log; a path has a high descriptor, since the listener is to be the
// first of the low ones.
func openLog(path string, out *served) (*logFile, error) {
	switch path {
	case "":
		return nil, nil
	case "-":
		return &logFile{file: os.Stdout, out: out}, nil
	}
	fd, err := outfile.Append(path, 0o644)
	if err != nil {
		return nil, fmt.Errorf("the log: %w", err)
	}
	if high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 100); err == nil {
		unix.Close(fd)
		fd = high
	}
	return &logFile{file: os.NewFile(uintptr(fd), path), out: out}, nil
}

func (l *logFile) Write(lines []byte) (int, error) {
	if l.file == os.Stdout {
		l.out.alone(func() {
			if l.out.failed != nil {
				return
			}
			if _, l.out.failed = l.file.Write(lines); l.out.failed != nil {
				l.out.stop()
			}
		})
	} else if _, err := l.file.Write(lines); err != nil && !l.failed {
		l.failed = true
		l.out.alone(func() { complain("the log: %s", err) })
	}
	return len(lines), nil
}
