package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fd3/sockets/netlab"
	"fd3/sockets/wire"
)

// A wireVerb is one thing that is done with the cable, as a command. All of them are
// made alike.
type wireVerb struct {
	use     string // the name, and the arguments in the usage line
	short   string
	example string
	flags   func(*pflag.FlagSet, *wire.Order)
	read    func(o *wire.Order, args []string) error // takes the arguments
}

var wireVerbs = []wireVerb{
	{use: "next [NUMBER]", short: "let a packet pass, the first one or another", read: numbered,
		example: "  fd3 wire next\n  fd3 wire next 7             packet 7 before those in front of it"},
	{use: "drop [NUMBER]", short: "lose a packet", read: numbered},
	{use: "dup [NUMBER]", short: "let a packet pass twice", read: numbered},
	{use: "swap [NUMBER]", short: "let the packet behind pass first", read: numbered},
	{use: "corrupt [NUMBER]", short: "turn one bit of a packet, and let it pass", read: numbered,
		example: "  fd3 wire corrupt\n  fd3 wire corrupt --byte 20       a bit of that byte, the first of the frame being 0",
		flags: func(f *pflag.FlagSet, o *wire.Order) {
			f.Func("byte", "in which byte of the frame, from 0 (default the last)", func(text string) error {
				n, err := strconv.Atoi(text)
				if err != nil || n < 0 {
					return errors.New("bytes are counted from 0")
				}
				o.Byte = &n
				return nil
			})
		}},
	{use: "delay TIME [NUMBER]", short: "let a packet pass after some time", read: delayed, example: "  fd3 wire delay 300ms"},
	{use: "forge rst|icmp|syn [NUMBER]", short: "send what no host has sent", read: forged,
		example: "  fd3 wire forge rst               to the server, in the client's name\n  fd3 wire forge rst --off 100     with a number that is a guess\n  fd3 wire forge icmp --mtu 600    a router: the packet is too large\n  fd3 wire forge syn --count 50 --port 8080   who has no address begins connections",
		flags: func(f *pflag.FlagSet, o *wire.Order) {
			f.StringVar(&o.To, "to", netlab.Server, "rst, syn: the host that is to get it: client or server")
			f.IntVar(&o.Count, "count", 1, "syn: how many, each from another address, up to "+strconv.Itoa(wire.MostSYNs))
			f.IntVar(&o.Port, "port", 8080, "syn: of the host")
			f.IntVar(&o.Off, "off", 0, "rst: so far beside the number that is waited for")
			f.IntVar(&o.MTU, "mtu", 600, "icmp: the most that the next link takes, in bytes")
		}},
	{use: "flow", short: "let everything pass from now on, late or with losses", read: flowing,
		example: "  fd3 wire flow\n  fd3 wire flow --delay 20ms       each packet comes 20 ms later\n  fd3 wire up --timers real        on such a network what is lost comes again soon:\n  fd3 wire flow --loss 1/3         of three packets of a host the third is lost\n  fd3 wire flow --delay 20ms --by netem   the kernel does it, where it has netem",
		flags: func(f *pflag.FlagSet, o *wire.Order) {
			f.DurationVar(&o.Delay, "delay", 0, "how much later each packet comes")
			f.Var(lossFlag{o}, "loss", "how many packets of each host are lost: 1/3")
			f.Var(byFlag{o}, "by", "who does that: cable, or netem of the kernel (tc-netem(8)); it loses by chance")
		}},
	{use: "hold", short: "hold what comes from now on", read: held,
		example: "  fd3 wire hold\n  fd3 wire hold --when syn,fin\n  fd3 wire hold --when all         ARP too",
		flags: func(f *pflag.FlagSet, o *wire.Order) {
			f.StringVar(&o.When, "when", wire.Usual, "what to hold: "+filterWords())
		}},
}

func filterWords() string {
	var words []string
	for _, f := range wire.Filters {
		words = append(words, f.Word)
	}
	return strings.Join(words, ", ")
}

// wireVerb makes the command of a verb.
func (a *app) wireVerb(v wireVerb) *cobra.Command {
	name, _, _ := strings.Cut(v.use, " ")
	o := &wire.Order{Do: name}
	cmd := &cobra.Command{
		Use:               v.use,
		Short:             v.short,
		Example:           v.example,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := v.read(o, args); err != nil {
				return usageError{err}
			}
			return a.runWire(cmd.Context(), *o)
		},
	}
	if v.flags != nil {
		v.flags(cmd.Flags(), o)
	}
	return cmd
}

func nothing(_ *wire.Order, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("no argument is taken, but got %q", args)
	}
	return nil
}

// flowing takes no argument, and knows how late and how lossy a cable can be.
func flowing(o *wire.Order, args []string) error {
	way := wire.Way{Delay: o.Delay, Lose: o.Lose, Of: o.Of}
	if o.Netem && way == (wire.Way{}) {
		return errors.New("what is netem to do? --delay 20ms, --loss 1/3, or both")
	}
	return cmp.Or(nothing(o, args), way.Check())
}

// held takes no argument, and knows each word of what is to be held.
func held(o *wire.Order, args []string) error {
	for word := range strings.SplitSeq(o.When, ",") {
		if !slices.ContainsFunc(wire.Filters, func(f struct{ Word, Holds string }) bool { return f.Word == word }) {
			return fmt.Errorf("nothing on the cable is called %q; what can be held: %s", word, filterWords())
		}
	}
	return nothing(o, args)
}

// A lossFlag is so many packets of so many, as 1/3.
type lossFlag struct{ *wire.Order }

func (f lossFlag) Type() string { return "N/M" }

func (f lossFlag) String() string {
	if f.Order == nil || f.Of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", f.Lose, f.Of)
}

func (f lossFlag) Set(text string) error {
	lose, of, found := strings.Cut(text, "/")
	var err, errOf error
	f.Lose, err = strconv.Atoi(lose)
	f.Of, errOf = strconv.Atoi(of)
	if !found || err != nil || errOf != nil || f.Lose < 1 || f.Lose > f.Of {
		return errors.New("so many of so many packets are lost, such as 1/3")
	}
	return nil
}

// A byFlag is who delays and loses.
type byFlag struct{ *wire.Order }

func (f byFlag) Type() string { return "cable|netem" }

func (f byFlag) String() string { return "" }

func (f byFlag) Set(text string) error {
	if text != "cable" && text != "netem" {
		return errors.New("it is cable or netem")
	}
	f.Netem = text == "netem"
	return nil
}

// numbered takes the number of a packet, or none.
func numbered(o *wire.Order, args []string) error {
	if len(args) == 0 {
		return nil
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 || len(args) > 1 {
		return fmt.Errorf("a packet is named by its number, from 1, not by %q", strings.Join(args, " "))
	}
	o.Number = n
	return nil
}

func delayed(o *wire.Order, args []string) error {
	if len(args) == 0 {
		return errors.New("by how much is it delayed? fd3 wire delay 300ms")
	}
	var err error
	if o.Delay, err = time.ParseDuration(args[0]); err != nil || o.Delay <= 0 || o.Delay > time.Hour {
		return fmt.Errorf("a delay is a time such as 300ms or 2s, up to 1h, not %q", args[0])
	}
	return numbered(o, args[1:])
}

func forged(o *wire.Order, args []string) error {
	switch {
	case len(args) == 0:
		return errors.New("what is forged? fd3 wire forge rst, fd3 wire forge icmp, or fd3 wire forge syn")
	case args[0] != "rst" && args[0] != "icmp" && args[0] != "syn":
		return fmt.Errorf("rst, icmp or syn can be forged, not %q", args[0])
	case args[0] != "icmp" && o.To != netlab.Client && o.To != netlab.Server:
		return fmt.Errorf("--to is client or server, not %q", o.To)
	case args[0] == "rst" && len(args) > 1:
		return errors.New("an RST goes into the connection in which the host spoke last, and is named by no packet")
	case args[0] == "syn" && len(args) > 1:
		return errors.New("a SYN is of no packet that lies on the cable. How many: --count")
	}
	o.Do = args[0]
	return cmp.Or(numbered(o, args[1:]), o.CheckForged())
}

// runWire does something with the cable, and tells what came of it.
func (a *app) runWire(ctx context.Context, o wire.Order) error {
	var failed error
	tell, err := a.cableNarrator(&failed)
	if err != nil {
		return err
	}
	runner, err := a.runner(&failed)
	if err != nil {
		return err
	}
	if a.network == nil {
		return errNoNetwork(a.stage)
	}
	tell.Show = runner.Show // one view tells of both
	if o.Do == "look" {
		return errors.Join(tell.Look(ctx, a.network), failed)
	}
	before, err := runner.Standing(ctx)
	if err != nil {
		return err
	}
	did, err := a.network.Cable(o)
	if err != nil {
		return err
	}
	return errors.Join(tell.Did(ctx, a.network, did, func() error { return runner.Woken(ctx, before) }), failed)
}
