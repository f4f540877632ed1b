package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"fd3/lesson/cable"
	"fd3/lesson/step"
	"fd3/lesson/view"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

// app is what all commands share: the global flags.
type app struct {
	output
	stage   string
	flag    stageFlag
	bytes   bool            // wire: packets are told byte by byte
	network *netlab.Network // that the processes of the stage stand on; nil: the machine's own, or not asked for yet
}

const rootLong = `fd3 narrates the life of a socket while a real HTTP server goes through it,
one real system call at a time, with the kernel's own evidence for each step.

Each command below makes a background process, the stage, take one more system
call. Between two commands the server stands still, and you can look at it with
ss, strace, curl or a browser. A command whose prerequisites are missing takes
them first.`

const rootExample = `  fd3 socket                  a server process is born; its first socket is fd 3
  fd3 bind 127.0.0.1:8080     the socket gets an address
  fd3 listen --backlog 2      from now on the kernel takes connections
  fd3 connect                 a client, in a process of its own; or use curl
  fd3 accept                  a new descriptor for this one client
  fd3 send --client           the client writes its HTTP request
  fd3 recv                    the server reads it
  fd3 send                    and answers
  fd3 close
  fd3 status                  at any time: both processes, and what waits where
  fd3 reset                   the end: nothing is left`

// run is fd3 with these arguments. It returns the exit code.
func run(args []string) int {
	if err := enough(); err != nil {
		return exitCode(err, "")
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := []os.Signal{unix.SIGINT, unix.SIGTERM}
	if !signal.Ignored(unix.SIGHUP) { // nohup(1) has it ignored
		signals = append(signals, unix.SIGHUP)
	}
	sent := make(chan os.Signal, 1)
	signal.Notify(sent, signals...)
	go obey(sent, cancel)
	a := &app{}
	root := a.root()
	root.SetArgs(args)
	out := &stdout{}
	root.SetOut(out)
	cmd, err := root.ExecuteContextC(ctx)
	return exitCode(errors.Join(pointing(cmd, err), out.failed), a.flag)
}

// pointing returns an error of a command. One that is a mistake in using it, and does not say
// itself what to type instead, names the help.
func pointing(cmd *cobra.Command, err error) error {
	if !errors.As(err, new(usageError)) || strings.LastIndex(err.Error(), "fd3 ") > 0 || strings.Contains(err.Error(), "Did you mean") {
		return err
	}
	return usageError{fmt.Errorf("%w. See: %s --help", err, cmd.CommandPath())}
}

// A stdout is standard output for what cobra writes, which looks at no error: help, the
// manual, completions.
type stdout struct{ failed error }

func (o *stdout) Write(p []byte) (int, error) {
	if o.failed == nil {
		_, o.failed = os.Stdout.Write(p)
	}
	return len(p), nil
}

// sameWish is how long after the first signal the same one means the same: timeout(1)
// sends it to the process, and again to its group.
const sameWish = 200 * time.Millisecond

// atOnce says that fd3 ends at once: no line is drawn at the bottom any more.
var atOnce atomic.Bool

// obey has the first signal end the command in order, and one that comes later end
// fd3 at once.
func obey(sent <-chan os.Signal, end func()) {
	wish := <-sent
	first := time.Now()
	end()
	for s := range sent {
		if s == wish && time.Since(first) < sameWish {
			continue
		}
		atOnce.Store(true)
		if screen() {
			io.WriteString(os.Stderr, view.ClearLine)
		}
		dieOf(s.(unix.Signal))
	}
}

// invalidValue says what a flag takes that was given something else.
func invalidValue(e *pflag.InvalidValueError) error {
	takes := map[string]string{
		"int": "a whole number", "intSlice": "a whole number, or several, as in 1,2",
		"duration": "a time, such as 5s", "bool": "true or false",
	}[e.GetFlag().Value.Type()]
	switch {
	case errors.Is(e, strconv.ErrRange):
		return fmt.Errorf("--%s: %q is out of range", e.GetFlag().Name, e.GetValue())
	case takes == "":
		return e
	}
	return fmt.Errorf("--%s takes %s, not %q", e.GetFlag().Name, takes, e.GetValue())
}

// belowZero is what stands behind the dash of a number below zero, which is read as flags.
var belowZero = regexp.MustCompile(`^\.?[0-9]`)

// noneBelowZero says of a number with a dash before it that the command takes none, and
// which one it would take.
func noneBelowZero(cmd *cobra.Command, number string) error {
	meant := ""
	if cmd.ValidateArgs([]string{number}) == nil {
		meant = " Did you mean " + number + "?"
	}
	return fmt.Errorf("-%s is a number below zero, and %s takes none.%s See: %[2]s --help", number, cmd.CommandPath(), meant)
}

// root makes all commands.
func (a *app) root() *cobra.Command {
	cobra.EnableCommandSorting = false // the order of a life, not of the alphabet
	root := &cobra.Command{
		Use:           "fd3",
		Short:         "The life of a socket, one real system call at a time",
		Long:          rootLong,
		Example:       rootExample,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.check(); err != nil {
				return err
			}
			if a.stage != cmd.Flag("stage").DefValue {
				a.flag = stageFlag(a.stage)
			}
			return nil
		},
	}
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(helpTemplate)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) && belowZero.MatchString(unknown.GetSpecifiedShortnames()) {
			return usageError{noneBelowZero(cmd, unknown.GetSpecifiedShortnames())}
		}
		if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
			var names []string
			cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
			if near := nearTo(unknown.GetSpecifiedName(), names); len(near) > 0 {
				return usageError{fmt.Errorf("%w. Did you mean --%s?", err, strings.Join(near, " or --"))}
			}
		}
		var invalid *pflag.InvalidValueError
		if errors.As(err, &invalid) {
			err = invalidValue(invalid)
		}
		return usageError{err}
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.stage, "stage", cmp.Or(os.Getenv("FD3_STAGE"), stage.DefaultName), "which stage to act on (or FD3_STAGE)")
	flags.BoolVar(&a.json, "json", false, "one event a line, as JSON; the fields: fd3 help json")
	flags.BoolVar(&a.plain, "plain", false, "no colours and only ASCII")
	flags.StringVar(&a.color, "color", "auto", "auto, always or never")
	flags.StringVar(&a.explain, "explain", "full", "how much to say: full, short or none")
	root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
	root.RegisterFlagCompletionFunc("explain", cobra.FixedCompletions([]string{"full", "short", "none"}, cobra.ShellCompDirectiveNoFileComp))
	root.RegisterFlagCompletionFunc("stage", cobra.FixedCompletions([]string{stage.DefaultName}, cobra.ShellCompDirectiveNoFileComp))
	root.AddGroup(
		&cobra.Group{ID: "tour", Title: "The course:"},
		&cobra.Group{ID: lifeGroup, Title: "The life of a socket:"},
		&cobra.Group{ID: "look", Title: "Look around:"},
		&cobra.Group{ID: wireGroup, Title: "A network of your own:"},
		&cobra.Group{ID: "whole", Title: "A whole server:"},
		&cobra.Group{ID: "more", Title: "More:"},
	)
	root.SetHelpCommandGroupID("more")
	root.SetCompletionCommandGroupID("more")
	root.AddCommand(a.tour(), a.lessons(), a.handout(), a.record())
	for _, c := range stepCommands {
		root.AddCommand(a.step(c))
	}
	root.AddCommand(a.status(), a.path(), a.glossary(), a.doctor(), a.reset(), a.wire(), a.on(), a.hooks(), a.serve(), a.watch(), versionCommand(), jsonTopic(), man())
	strict(root)
	return root
}

// strict has cobra's own two commands refuse a name that they do not know: they would
// show a help that nobody asked for, and succeed.
func strict(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); err == nil && found == root {
					return noArgs(root, rest)
				}
				return nil
			}
		case "completion":
			c.Args, c.RunE = noArgs, root.RunE
		}
	}
}

// check refuses global flags that mean nothing, also those that a command has no use
// for.
func (a *app) check() error {
	if err := stage.CheckName(a.stage); err != nil {
		return usageError{err}
	}
	if _, err := a.level(); err != nil {
		return err
	}
	_, err := a.look()
	return err
}

// helpTemplate puts examples first, then the commands by group.
const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}{{if .HasExample}}Examples:
{{.Example}}

{{end}}{{if .Runnable}}Usage:
  {{.UseLine}}

{{end}}{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{range $group := .Groups}}{{.Title}}
{{range $cmds}}{{if (and (eq .GroupID $group.ID) (or .IsAvailableCommand (eq .Name "help")))}}  {{rpad .Name .NamePadding }} {{.Short}}
{{end}}{{end}}
{{end}}{{end}}{{if .HasAvailableLocalFlags}}Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
Flags of every command:
{{.InheritedFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}
{{end}}`

// noArgs refuses arguments, and says which command may have been meant.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasAvailableSubCommands() {
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		if near := nearTo(args[0], names); len(near) > 0 {
			path := cmd.CommandPath() + " "
			return usageError{fmt.Errorf("%q is no command of %s. Did you mean: %s?", args[0], cmd.CommandPath(), path+strings.Join(near, ", "+path))}
		}
		return usageError{fmt.Errorf("%q is no command of %s. See: %[2]s --help", args[0], cmd.CommandPath())}
	}
	return usageError{fmt.Errorf("%s takes no argument, but got %q", cmd.CommandPath(), args[0])}
}

// runner makes a Runner on the background processes of the stage, which stand on the
// hosts of its network where one is up.
func (a *app) runner(failed *error) (*step.Runner, error) {
	var err error
	if a.network, err = netlab.Open(a.stage); err != nil && !errors.Is(err, netlab.ErrNone) {
		return nil, err
	}
	return a.runnerHere(failed)
}

// runnerHere is runner without a look for a network.
func (a *app) runnerHere(failed *error) (*step.Runner, error) {
	show, err := a.show(failed)
	if err != nil {
		return nil, err
	}
	runtime.UnlockOSThread() // the calls are made elsewhere, and a locked thread is slow to switch
	at := step.DefaultAddr
	if a.network != nil {
		at = netlab.ServerAddr + ":8080"
	} else if netlab.Crashed(a.stage) {
		(&cable.Narrator{Show: show}).Crashed()
	}
	usual, err := sockets.ParseSockaddr(at)
	if err != nil {
		return nil, err
	}
	var onCable func() (*kernel.Cable, error)
	if a.network != nil {
		sight := cable.Sight{Network: a.network}
		onCable = sight.Look
	}
	return &step.Runner{
		Name:    a.stage,
		Cable:   onCable,
		Usual:   usual,
		Parties: []step.Party{a.party(stage.Server), a.party(stage.Client)},
		Start: func(role stage.Role) (started, crashed bool, err error) {
			return a.remote(role).Start(stage.IdleEnd)
		},
		Show: show,
	}, nil
}

func (a *app) party(role stage.Role) step.Party {
	p := step.Party{Name: role, Stage: a.remote(role)}
	if a.network != nil {
		p.Net = a.network.Net(role)
	}
	return p
}

func (a *app) remote(role stage.Role) stage.Remote {
	r := stage.Remote{Name: a.stage, Role: role}
	if a.network != nil {
		r.In = a.network.On(role)
	}
	return r
}
