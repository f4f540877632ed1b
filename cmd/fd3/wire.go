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
	for _, v := range wireVerbs {
		cmd.AddCommand(a.wireVerb(v))
	}
	return cmd
}

func (a *app) wireUp() *cobra.Command {
	var timers string
	cmd := &cobra.Command{
		Use:     "up",
		Short:   "make two hosts and a cable between them",
		Example: "  fd3 wire up\n  fd3 wire up --timers real   TCP sends again while you think",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if timers != "calm" && timers != "real" {
				return usageError{fmt.Errorf("--timers is calm or real, not %q", timers)}
			}
			return a.runWireUp(cmd.Context(), netlab.Options{RealTimers: timers == "real"})
		},
	}
	cmd.Flags().StringVar(&timers, "timers", "calm", "calm: TCP waits for you; real: it does not")
	cmd.RegisterFlagCompletionFunc("timers", cobra.FixedCompletions([]string{"calm", "real"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// runWireUp makes the network, once the processes of the stage are gone that stand
// elsewhere.
func (a *app) runWireUp(ctx context.Context, o netlab.Options) error {
	var failed error
	tell, err := a.cableNarrator(&failed)
	if err != nil {
		return err
	}
	started, crashed, err := netlab.Up(a.stage, o)
	if err != nil {
		return err
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
	tell.Up(network, started, crashed)
	return failed
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
	return &cable.Narrator{Stage: a.stage, Show: show, Explain: level, Bytes: a.bytes}, nil
}
