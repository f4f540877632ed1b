package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"fd3/lesson/step"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// A stepCommand is one step of the life of a socket as a command. All of them are
// made alike; they differ in their flags.
type stepCommand struct {
	step    *step.Step
	use     string // the arguments in the usage line
	short   string
	example string
	either  bool // --client is there
	address bool // takes an address
	flags   func(*pflag.FlagSet, *stepFlags)
}

// stepFlags are the flags of all steps, as they were typed.
type stepFlags struct {
	client, draw                bool
	family, typ, how            string
	data, body, file, mediaType string
	options                     step.Options
	chose                       func(flag string) bool // reports whether a flag was typed
}

var stepCommands = []stepCommand{
	{step: step.Socket, short: "make a socket: the process gets a descriptor", either: true,
		example: "  fd3 socket\n  fd3 socket --family inet6\n  fd3 socket --type dgram",
		flags: func(f *pflag.FlagSet, s *stepFlags) {
			f.StringVar(&s.family, "family", "", "inet, inet6 or unix (default inet)")
			f.StringVar(&s.typ, "type", "", "stream or dgram (default stream; for a client what fits the server)")
			f.IntVar(&s.options.Proto, "protocol", 0, "the third argument: 0 lets the kernel choose; try 6, 17, 262")
		}},
	{step: step.Setsockopt, short: "set SO_REUSEADDR: take a port that still has old connections", either: true},
	{step: step.Bind, use: " [ADDRESS]", short: "give the socket an address", address: true, either: true,
		example: "  fd3 bind 127.0.0.1:8080\n  fd3 bind :0                 a free port, chosen by the kernel\n  fd3 bind [::1]:8080\n  fd3 bind unix:/tmp/fd3.sock\n  fd3 bind 0.0.0.0:8080       every interface: other machines can connect"},
	{step: step.Listen, short: "let the kernel take connections on it",
		example: "  fd3 listen --backlog 2",
		flags: func(f *pflag.FlagSet, s *stepFlags) {
			f.IntVar(&s.options.Backlog, "backlog", s.options.Backlog, "how many finished handshakes may wait for accept")
		}},
	{step: step.Connect, use: " [ADDRESS]", short: "connect a client, in a process of its own", address: true,
		example: "  fd3 connect                 to where the server listens\n  fd3 connect --count 5       five clients at once",
		flags: func(f *pflag.FlagSet, s *stepFlags) {
			f.IntVar(&s.options.Count, "count", s.options.Count, "how many clients; several do not wait for their handshakes")
			timeoutFlag(f, s)
		}},
	{step: step.Accept, short: "take one connection from the queue: a new descriptor",
		example: "  fd3 accept\n  fd3 accept --timeout 5s", flags: timeoutFlag},
	{step: step.Recv, short: "read bytes from the connection", either: true,
		example: "  fd3 recv\n  fd3 recv --client           the client reads the answer\n  fd3 recv --size 10          a buffer too small for all of it",
		flags: func(f *pflag.FlagSet, s *stepFlags) {
			f.IntVar(&s.options.Size, "size", s.options.Size, "how many bytes at most")
			timeoutFlag(f, s)
		}},
	{step: step.Send, use: " [ADDRESS]", short: "write bytes to the connection", either: true, address: true,
		example: "  fd3 send --client           the client writes its GET request\n  fd3 send                    the server answers\n  fd3 send --status 404 --body 'not here'\n  fd3 send --client --data 'GET / HTTP/1.0\\r\\n\\r\\n'\n  fd3 send 127.0.0.1:9000     a datagram, from a socket that has no peer",
		flags: func(f *pflag.FlagSet, s *stepFlags) {
			f.StringVar(&s.data, "data", "", "send exactly this; \\r \\n \\t \\0 \\\\ \\xNN are understood")
			f.StringVar(&s.body, "body", "", "server: the body of the answer")
			f.StringVar(&s.file, "file", "", "server: take the body from this file")
			f.StringVar(&s.mediaType, "media-type", s.options.MediaType, "server: the Content-Type of the body")
			f.IntVar(&s.options.Status, "status", s.options.Status, "server: the status code")
			f.StringVar(&s.options.Method, "method", s.options.Method, "client: the method of the request")
			f.StringVar(&s.options.Target, "target", s.options.Target, "client: the target of the request")
			timeoutFlag(f, s)
		}},
	{step: step.Shutdown, short: "end one direction of the connection, and drain the other", either: true,
		example: "  fd3 shutdown\n  fd3 shutdown --how both",
		flags: func(f *pflag.FlagSet, s *stepFlags) {
			f.StringVar(&s.how, "how", "write", "write, read or both")
		}},
	{step: step.Close, short: "give the descriptor back", either: true,
		example: "  fd3 close                   the newest connection, or the listener when there is none\n  fd3 close --fd 3"},
}

func timeoutFlag(f *pflag.FlagSet, s *stepFlags) {
	f.DurationVar(&s.options.Timeout, "timeout", 0, "let the kernel end the wait after so long (SO_RCVTIMEO, SO_SNDTIMEO)")
}

// lifeGroup is the group of the steps. Each has the name of its system call.
const lifeGroup = "life"

// A stepRun takes a step that was typed.
type stepRun func(ctx context.Context, of *step.Step, options step.Options, draw bool) error

// step makes the command of a step.
func (a *app) step(c stepCommand) *cobra.Command {
	cmd, draw := a.stepRunBy(c, a.runStep)
	cmd.GroupID = lifeGroup
	cmd.Flags().BoolVar(draw, "draw", false, "end with a drawing of what has changed; on a terminal of 100 columns or more unless --draw=false")
	return cmd
}

// stepRunBy makes a command with the flags of a step that a function takes. draw is what it
// is to draw: where no flag says so, that goes by the terminal.
func (a *app) stepRunBy(c stepCommand, run stepRun) (cmd *cobra.Command, draw *bool) {
	s := &stepFlags{options: step.DefaultOptions()}
	if c.step.Role != "" {
		s.options.Role = c.step.Role
	}
	cmd = &cobra.Command{
		Use:     c.step.Name + c.use,
		Short:   c.short,
		Example: c.example,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := s.read(cmd, args)
			if err != nil {
				return err
			}
			if options.Explain, err = a.level(); err != nil {
				return err
			}
			if !cmd.Flags().Changed("draw") {
				s.draw = a.wide()
			}
			return run(cmd.Context(), c.step, options, s.draw)
		},
	}
	if c.address {
		cmd.Args = atMostOne
		cmd.ValidArgsFunction = cobra.FixedCompletions([]string{"127.0.0.1:8080", "127.0.0.1:0", "[::1]:8080", "unix:/tmp/fd3.sock"}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace)
	} else {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&s.options.Only, "only", false, "make just this call, and see what the kernel says")
	if c.step != step.Socket {
		f.IntVar(&s.options.FD, "fd", step.Fitting, "the descriptor to act on (default: the newest that fits)")
		f.Lookup("fd").DefValue = "0" // the help leaves a zero out; step.Fitting would mean nothing to a reader
		cmd.RegisterFlagCompletionFunc("fd", a.descriptors(s))
	}
	if c.either {
		f.BoolVar(&s.client, "client", false, "in the client's process")
	}
	if c.flags != nil {
		c.flags(f, s)
	}
	for name, values := range map[string][]string{"family": {"inet", "inet6", "unix"}, "type": {"stream", "dgram"}, "how": {"write", "read", "both"}} {
		if f.Lookup(name) != nil {
			cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	return cmd, &s.draw
}

// wide reports whether a step ends with a drawing although nobody has said so.
func (a *app) wide() bool {
	const enough = 100 // columns
	return !a.json && term.IsTerminal(os.Stdout.Fd()) && columns(os.Stdout) >= enough
}

// runStep takes a step. With draw it ends with a drawing of what the step has changed,
// but for where that cannot be read: then the step tells why, or needs none of it.
func (a *app) runStep(ctx context.Context, of *step.Step, options step.Options, draw bool) error {
	var failed error
	runner, err := a.runner(&failed)
	if err != nil {
		return err
	}
	lookout := step.Lookout{Parties: runner.Parties, Cable: runner.Cable}
	if draw {
		lookout.Look(ctx) // for the changes since
	}
	err = runner.Do(ctx, of, options)
	if draw {
		if e, unseen := lookout.Look(ctx); unseen == nil && len(e.Snapshot.Hosts) > 0 {
			e.Step = of.Name
			runner.Show(e)
		}
	}
	return errors.Join(err, failed)
}

// descriptors completes --fd with the open sockets of the stage.
func (a *app) descriptors(s *stepFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		role := s.options.Role
		if s.client {
			role = stage.Client
		}
		state, err := a.remote(role).State(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var all []string
		for _, x := range state.Sockets {
			all = append(all, fmt.Sprintf("%d\t%s %s", x.FD, sockets.TypeName(x.Type), x.Local))
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("%s takes one address, but got %d arguments", cmd.CommandPath(), len(args))}
	}
	return nil
}

// read returns the Options of a command line.
func (s *stepFlags) read(cmd *cobra.Command, args []string) (step.Options, error) {
	o := s.options
	if s.client {
		o.Role = stage.Client
	}
	var err error
	if len(args) == 1 {
		if slices.ContainsFunc(stepCommands, func(c stepCommand) bool { return c.step.Name == args[0] }) {
			return o, usageError{fmt.Errorf("one step at a time: %s, and then: %s %s", cmd.CommandPath(), cmd.Parent().CommandPath(), args[0])}
		}
		if o.Addr, err = sockets.ParseSockaddr(args[0]); err != nil {
			return o, usageError{err}
		}
		o.Localhost = strings.HasPrefix(args[0], "localhost:")
		if path := o.Addr.Path(); path != "" && path[0] != '/' && path[0] != '@' {
			return o, usageError{fmt.Errorf("unix:%s is relative, and the server process stands in /: write the whole path, or unix:@name for an abstract name", path)}
		}
	}
	if o.Domain, err = choose("family", s.family, map[string]int{"": 0, "inet": unix.AF_INET, "inet6": unix.AF_INET6, "unix": unix.AF_UNIX}); err != nil {
		return o, err
	}
	if o.Type, err = choose("type", s.typ, map[string]int{"": 0, "stream": unix.SOCK_STREAM, "dgram": unix.SOCK_DGRAM}); err != nil {
		return o, err
	}
	if s.how != "" {
		if o.How, err = choose("how", s.how, map[string]int{"write": unix.SHUT_WR, "read": unix.SHUT_RD, "both": unix.SHUT_RDWR}); err != nil {
			return o, err
		}
	}
	s.chose = cmd.Flags().Changed
	if err := s.limits(o); err != nil {
		return o, err
	}
	return o, s.content(&o)
}

func choose(flag, value string, values map[string]int) (int, error) {
	n, ok := values[value]
	if !ok {
		var names []string
		for name := range values {
			if name != "" {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return 0, usageError{fmt.Errorf("--%s is one of %s, not %q", flag, strings.Join(names, ", "), value)}
	}
	return n, nil
}

// Bounds that keep a slip of the finger from hurting the machine.
const (
	maxCount = 200
	maxSize  = stage.MaxData
)

func (s *stepFlags) limits(o step.Options) error {
	switch {
	case s.chose("fd") && (o.FD < math.MinInt32 || o.FD > math.MaxInt32):
		return usageError{fmt.Errorf("--fd is an int of C: from %d to %d, not %d", math.MinInt32, math.MaxInt32, o.FD)}
	case o.Backlog > math.MaxInt32 || o.Backlog < math.MinInt32 || o.Proto > math.MaxInt32 || o.Proto < math.MinInt32:
		return usageError{fmt.Errorf("--backlog and --protocol are an int of C: from %d to %d", math.MinInt32, math.MaxInt32)}
	case o.Count > 1 && (s.chose("fd") || o.Timeout > 0):
		return usageError{errors.New("--count makes sockets of its own that do not block, so it goes without --fd and --timeout")}
	case o.Count < 1 || o.Count > maxCount:
		return usageError{fmt.Errorf("--count is from 1 to %d, not %d", maxCount, o.Count)}
	case o.Size < 1 || o.Size > maxSize:
		return usageError{fmt.Errorf("--size is from 1 to %d bytes, not %d", maxSize, o.Size)}
	case o.Status < 100 || o.Status > 599:
		return usageError{fmt.Errorf("--status is a number from 100 to 599 (RFC 9110 section 15), not %d", o.Status)}
	case o.Timeout < 0 || o.Timeout > 24*time.Hour || o.Timeout%time.Microsecond != 0:
		return usageError{fmt.Errorf("--timeout is in whole microseconds, the unit of struct timeval, and from 0, which is for ever, to 24h; not %s", o.Timeout)}
	}
	return nil
}

// content reads the bytes to send.
func (s *stepFlags) content(o *step.Options) error {
	o.MediaType = s.mediaType
	if s.chose("body") && s.chose("file") || s.chose("data") && (s.chose("body") || s.chose("file")) {
		return usageError{errors.New("--data, --body and --file exclude each other")}
	}
	switch {
	case s.chose("data"):
		data, err := unescape(s.data)
		if err != nil {
			return err
		}
		o.Data = data
	case s.chose("body"):
		o.Body = []byte(s.body)
	case s.chose("file"):
		body, err := readBody(s.file)
		if err != nil {
			return usageError{err}
		}
		o.Body = body
	}
	return nil
}

// readBody reads a regular file; anything else could have no end.
func readBody(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > stage.MaxData:
		return nil, fmt.Errorf("%s has %d bytes, and one step sends at most %d", path, info.Size(), stage.MaxData)
	}
	return os.ReadFile(path)
}

// unescape reads the escapes of C and Go: \r \n \t \0 \\ \" \xNN.
func unescape(text string) ([]byte, error) {
	data := []byte{}
	for rest := text; rest != ""; {
		if rest[0] != '\\' {
			data = append(data, rest[0])
			rest = rest[1:]
			continue
		}
		if strings.HasPrefix(rest, `\0`) {
			data = append(data, 0)
			rest = rest[2:]
			continue
		}
		r, multibyte, after, err := strconv.UnquoteChar(rest, '"')
		if err != nil {
			return nil, usageError{fmt.Errorf(`--data: %q is no escape: write \r \n \t \0 \\ or \xNN`, rest[:min(len(rest), 4)])}
		}
		if multibyte {
			data = append(data, string(r)...)
		} else {
			data = append(data, byte(r))
		}
		rest = after
	}
	return data, nil
}
