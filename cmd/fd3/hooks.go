package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	tell "fd3/lesson/hooks"
	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

const hooksLong = `The places on a packet's way through the kernel where a rule or a program can be
put, and what sits there now: on the hosts of the network of fd3 wire up, or else on
two hosts that are there for this look alone.

With a verb one packet is sent between two hosts of its own, each place tells what it
saw of it, and at one place something is done to it. A rule of nftables and a program
of classic BPF need no privilege there. An eBPF program is for root. Nothing of the
machine's own network, and none of its cgroups, is touched.

At sockops no packet is seen: a program there is called at the moments of a TCP
connection, and a connection is made instead of sending one packet.

A place where no rule or program can do it is a mistake, told in one line: exit
code 2. A program that the kernel's verifier refuses is what there is to see: exit
code 0, and with --json "refused".`

func (a *app) hooks() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "hooks",
		Short:   "where a packet can be watched, dropped or changed on its way",
		Long:    hooksLong,
		Example: "  fd3 hooks                               the places, and what sits there\n  fd3 hooks watch                         one packet, seen at each of them\n  fd3 hooks drop --at output              sendto gets EPERM\n  fd3 hooks drop --at netdev-egress       sendto succeeds, nothing arrives\n  sudo fd3 hooks rewrite --at tc-egress   an eBPF program",
		GroupID: wireGroup,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runHooks(cmd.Context()) },
	}
	cmd.PersistentFlags().BoolVar(&a.words, "accessible", false, "in sentences instead of a drawing")
	for _, v := range []struct {
		verb           hooks.Verb
		short, example string
	}{
		{hooks.Watch, "send a packet, and see at each place how long it is", "  fd3 hooks watch\n  sudo fd3 hooks watch --at xdp                its program, instruction by instruction\n  sudo fd3 hooks watch --at xdp --unchecked    a wrong one: the verifier says why\n  sudo fd3 hooks watch --at sockops            no packet: the moments of a connection"},
		{hooks.Drop, "throw it away at a place", "  fd3 hooks drop --at output\n  sudo fd3 hooks drop --at cgroup-egress"},
		{hooks.Rewrite, "change its IP header at a place", "  fd3 hooks rewrite --at postrouting\n  sudo fd3 hooks rewrite --at cgroup-egress    which the verifier refuses"},
		{hooks.Redirect, "send it out of another interface", "  fd3 hooks redirect --at netdev-egress\n  sudo fd3 hooks redirect --at xdp"},
	} {
		cmd.AddCommand(a.hooksVerb(v.verb, v.short, v.example))
	}
	return cmd
}

func (a *app) hooksVerb(verb hooks.Verb, short, example string) *cobra.Command {
	o := hooks.Order{Verb: verb}
	cmd := &cobra.Command{
		Use:     string(verb),
		Short:   short,
		Example: example,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.At == "" && (verb != hooks.Watch || o.Unchecked):
				return usageError{fmt.Errorf("at which place? --at is one of %s", strings.Join(placeNames(), ", "))}
			case o.At != "" && hooks.At(o.At) == nil:
				return usageError{fmt.Errorf("no place is called %q%s --at is one of %s", o.At, meant(o.At), strings.Join(placeNames(), ", "))}
			}
			if o.Generic && o.At != "xdp" {
				return usageError{errors.New("--generic is a mode of XDP: --at xdp --generic")}
			}
			if err := o.Check(); err != nil {
				return usageError{err}
			}
			return a.runTrial(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.At, "at", "", "the place: "+strings.Join(placeNames(), ", "))
	cmd.Flags().BoolVar(&o.Unchecked, "unchecked", false, "an eBPF program that does not look how long the packet is")
	cmd.Flags().BoolVar(&o.Generic, "generic", false, "at xdp: behind the driver, and not in it")
	cmd.RegisterFlagCompletionFunc("at", cobra.FixedCompletions(placeNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func placeNames() []string {
	var all []string
	for _, p := range hooks.Places {
		all = append(all, p.Name)
	}
	return append(all, hooks.Sockops.Name)
}

// meant says which place may have been meant.
func meant(name string) string {
	if near := nearTo(name, placeNames()); len(near) > 0 {
		return ". Did you mean " + strings.Join(near, " or ") + "?"
	}
	return "."
}

func (a *app) hooksNarrator(failed *error) (*tell.Narrator, error) {
	show, err := a.show(failed)
	if err != nil {
		return nil, err
	}
	level, err := a.level()
	if err != nil {
		return nil, err
	}
	return &tell.Narrator{Show: show, Explain: level}, nil
}

// runHooks tells what sits where, on the network of the stage or on one for this alone.
func (a *app) runHooks(ctx context.Context) error {
	var failed error
	narrator, err := a.hooksNarrator(&failed)
	if err != nil {
		return err
	}
	look := func(n *netlab.Network, own bool) error {
		sits, err := hooks.Sits(ctx, n)
		if err == nil {
			narrator.Places(sits, own)
		}
		return err
	}
	network, err := netlab.Open(a.stage)
	switch {
	case errors.Is(err, netlab.ErrNone):
		err = onOwnNetwork(func(n *netlab.Network) error { return look(n, false) })
	case err == nil:
		defer network.Close()
		err = look(network, true)
	}
	return errors.Join(err, failed)
}

// runTrial sends one packet on a network for this alone.
func (a *app) runTrial(ctx context.Context, o hooks.Order) error {
	var failed error
	narrator, err := a.hooksNarrator(&failed)
	if err != nil {
		return err
	}
	err = onOwnNetwork(func(n *netlab.Network) error {
		if o.At == hooks.Sockops.Name {
			c, err := hooks.Connect(ctx, n, o)
			if err == nil {
				narrator.Connection(c)
			}
			return err
		}
		trial, err := hooks.Try(ctx, n, o)
		if err == nil {
			narrator.Trial(trial)
		}
		return err
	})
	return errors.Join(err, failed)
}

// unwatched is how long a network of fd3's own stays when fd3 has ended without a word, as
// by SIGKILL.
const unwatched = 2 * time.Second

// onOwnNetwork makes a network, and takes it away again.
func onOwnNetwork(do func(*netlab.Network) error) error {
	name := fmt.Sprintf("hooks-%d", os.Getpid())
	if _, _, err := netlab.Up(name, netlab.Options{Idle: unwatched}); err != nil {
		return errors.Join(err, stage.Tidy())
	}
	network, err := netlab.Open(name)
	if err == nil {
		err = do(network)
		network.Close()
	}
	netlab.Down(context.Background(), name)
	return errors.Join(err, stage.Tidy())
}
