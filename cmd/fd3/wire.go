package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"fd3/lesson/cable"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

const wireGroup = "wire"

const wireLong = `A network of your own that stands still between two packets: two hosts, the client
at 10.0.0.1 and the server at 10.0.0.2, and a cable that fd3 holds. The hosts are
network namespaces of this machine, with its kernel's own TCP; no privilege is
needed, and nothing of the machine's own network is touched.

A packet that a host sends lies on the cable until you say what becomes of it.`

func (a *app) wire() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "wire",
		Short:   "a network that stands still: two hosts, and a cable that you hold",
		Long:    wireLong,
		Example: "  fd3 wire up        two hosts and a cable\n  fd3 listen         a server, on its host\n  fd3 connect        its SYN lies on the cable\n  fd3 wire           what lies there, and where both kernels stand\n  fd3 wire next      let the first packet pass\n  fd3 wire down      nothing is left",
		GroupID: wireGroup,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runWire(cmd.Context(), wire.Order{Do: "look"}) },
	}
	cmd.PersistentFlags().BoolVar(&a.bytes, "bytes", false, "tell of packets byte by byte")
	cmd.AddCommand(a.wireUp(), a.wireDown())
	cmd.AddCommand(a.wireLadder(), a.wireSave(), a.wireRate(), a.wireQueue(), a.wireMTU(), a.wireOffload())
	for _, v := range wireVerbs {
		cmd.AddCommand(a.wireVerb(v))
	}
	return cmd
}

func (a *app) wireUp() *cobra.Command {
	var timers string
	var router int
	cmd := &cobra.Command{
		Use:     "up",
		Short:   "make two hosts and a cable between them",
		Example: "  fd3 wire up\n  fd3 wire up --timers real   TCP sends again while you think\n  fd3 wire up --router 600    a router before the server: no packet of more bytes passes",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if timers != "calm" && timers != "real" {
				return usageError{fmt.Errorf("--timers is calm or real, not %q", timers)}
			}
			if cmd.Flags().Changed("router") && (netlab.Shape{MTU: router}).Check() != nil {
				return usageError{fmt.Errorf("--router is the size of the largest packet that it forwards, from %d to %d bytes, and not %d", netlab.LeastMTU, netlab.MostMTU, router)}
			}
			asked := timers
			if !cmd.Flags().Changed("timers") {
				asked = ""
			}
			return a.runWireUp(cmd.Context(), netlab.Options{RealTimers: timers == "real", Router: router}, asked)
		},
	}
	cmd.Flags().StringVar(&timers, "timers", "calm", "calm: TCP waits for you; real: it does not")
	cmd.Flags().IntVar(&router, "router", 0, "put a router before the server, which forwards no packet of more bytes")
	cmd.RegisterFlagCompletionFunc("timers", cobra.FixedCompletions([]string{"calm", "real"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// runWireUp makes the network, once the processes of the stage are gone that stand
// elsewhere. asked are the timers that were asked for, or "".
func (a *app) runWireUp(ctx context.Context, o netlab.Options, asked string) error {
	var failed error
	tell, err := a.cableNarrator(&failed)
	if err != nil {
		return err
	}
	started, crashed, err := netlab.Up(a.stage, o)
	if err != nil {
		return errors.Join(err, stage.Tidy())
	}
	if started {
		for _, role := range []stage.Role{stage.Server, stage.Client} {
			bye, err := a.remote(role).Quit(ctx)
			if err == nil {
				tell.Moved(role, bye)
			} else if !errors.Is(err, stage.ErrNone) {
				return err
			}
		}
	}
	network, err := netlab.Open(a.stage)
	if err != nil {
		return err
	}
	defer network.Close()
	if !started {
		if err := standsOtherwise(network, o, asked); err != nil {
			return err
		}
	}
	tell.Up(network, started, crashed)
	return failed
}

// standsOtherwise returns an error where the network that is up already is not what was
// asked for.
func standsOtherwise(network *netlab.Network, o netlab.Options, asked string) error {
	const made = "Make another one: fd3 wire down, then fd3 wire up"
	switch {
	case asked == "real" && network.Calm:
		return errors.New("the network is up already, with calm timers: they are chosen when it is made. " + made + " --timers real")
	case asked == "calm" && !network.Calm:
		return errors.New("the network is up already, with real timers: they are chosen when it is made. " + made + " --timers calm")
	case o.Router != 0 && network.Router == nil:
		return fmt.Errorf("the network is up already, without a router: it is chosen when the network is made. %s --router %d", made, o.Router)
	case o.Router != 0 && o.Router != network.RouterMTU:
		return fmt.Errorf("the network is up already, with a router that forwards %d bytes at most. %s --router %d", network.RouterMTU, made, o.Router)
	}
	return nil
}

func (a *app) wireDown() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "take the network away, and what runs on it",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var failed error
			tell, err := a.cableNarrator(&failed)
			if err != nil {
				return err
			}
			if err := a.networkDown(cmd.Context(), tell); errors.Is(err, netlab.ErrNone) {
				return errNoNetwork(a.stage)
			} else if err != nil {
				return err
			}
			return errors.Join(stage.Tidy(), failed)
		},
	}
}

// networkDown ends the stage's processes on the hosts, and the network.
func (a *app) networkDown(ctx context.Context, tell *cable.Narrator) error {
	network, err := netlab.Open(a.stage)
	if err == nil {
		network.Close()
		for _, role := range []stage.Role{stage.Server, stage.Client} {
			if bye, err := a.remote(role).Quit(ctx); err == nil {
				tell.Ended(role, bye)
			}
		}
	}
	bye, err := netlab.Down(ctx, a.stage)
	if err != nil {
		return err
	}
	tell.Down(bye)
	return nil
}

// errNoNetwork says what makes a network.
func errNoNetwork(name string) error {
	return fmt.Errorf("no network is up on the stage %q. Make one: fd3 wire up", name)
}

func (a *app) cableNarrator(failed *error) (*cable.Narrator, error) {
	show, err := a.show(failed)
	if err != nil {
		return nil, err
	}
	level, err := a.level()
	if err != nil {
		return nil, err
	}
	return &cable.Narrator{Stage: a.stage, Show: show, Explain: level, Bytes: a.bytes, Calls: a.calls}, nil
}

// calls are those that the processes of the stage have made.
func (a *app) calls(ctx context.Context) ([]cable.Call, error) {
	var all []cable.Call
	for _, role := range []stage.Role{stage.Client, stage.Server} {
		state, err := a.remote(role).State(ctx)
		if errors.Is(err, stage.ErrNone) {
			continue
		} else if err != nil {
			return nil, err
		}
		made, err := a.remote(role).History(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range made {
			all = append(all, cable.Call{Call: c, Host: string(role), Process: string(role), PID: state.PID})
		}
	}
	return all, nil
}

func (a *app) wireLadder() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ladder",
		Short:   "all that has happened: calls at the sides, packets between",
		Example: "  fd3 wire ladder\n  fd3 wire ladder --accessible     in sentences, for a screen reader",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.onWire(func(tell *cable.Narrator) error { return tell.Ladder(cmd.Context(), a.network) })
		},
	}
	cmd.Flags().BoolVar(&a.words, "accessible", false, "in sentences instead of a drawing")
	return cmd
}

func (a *app) wireSave() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:     "save FILE",
		Short:   "write all packets to a file that Wireshark opens",
		Example: "  fd3 wire save handshake.pcapng",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" || args[0] == "-" {
				return usageError{errors.New("fd3 wire save takes the name of a file to write: fd3 wire save handshake.pcapng")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onWire(func(tell *cable.Narrator) error { return a.save(cmd.Context(), tell, args[0], force) })
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "write over a file")
	return cmd
}

// save writes the packets to a file, whole or not at all.
func (a *app) save(ctx context.Context, tell *cable.Narrator, path string, force bool) error {
	file, err := createFile(path, force)
	if err != nil {
		return err
	}
	defer file.Discard()
	count, err := tell.Save(ctx, a.network, file)
	if err != nil {
		return err
	}
	if err := file.Commit(); err != nil {
		return thereAlready(path, err)
	}
	tell.Saved(path, count)
	return nil
}

// onWire does something with the network that is up.
func (a *app) onWire(do func(*cable.Narrator) error) error {
	var failed error
	tell, err := a.cableNarrator(&failed)
	if err != nil {
		return err
	}
	a.network, err = netlab.Open(a.stage)
	if errors.Is(err, netlab.ErrNone) {
		return errNoNetwork(a.stage)
	} else if err != nil {
		return err
	}
	return errors.Join(do(tell), failed)
}
