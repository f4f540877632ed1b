package main

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"fd3/lesson/cable"
	"fd3/sockets/netlab"
)

const wireRateLong = `Let so many bits a second through (tc-tbf(8)). What comes faster waits in a queue, of
which there is one for each way. It is a bfifo, first in, first out: what finds it full is
dropped. fq_codel and cake give each connection its turn, and drop early, when packets
have waited too long. A kernel need not have them: then this says so, and changes nothing.

At the cable, the hosts do not know: so it is where a fast link meets a slow one, in a
router. At the hosts, each kernel knows that its own queue is filled, and by whom.`

func (a *app) wireRate() *cobra.Command {
	var s netlab.Shape
	var queue string
	cmd := &cobra.Command{
		Use:     "rate RATE|off",
		Short:   "make the cable slow, with a queue in front",
		Long:    wireRateLong,
		Example: "  fd3 wire rate 1mbit\n  fd3 wire rate 1mbit --queue 200kb\n  fd3 wire rate 1mbit --at hosts\n  fd3 wire rate 1mbit --qdisc fq_codel\n  fd3 wire rate off\n  fd3 wire queue                   how full it is, over time",
		Args:    exactly(1, "a rate, such as 1mbit, or off"),
		RunE: func(cmd *cobra.Command, args []string) error {
			rate, err := amount(args[0], rates)
			if args[0] == "off" {
				rate, err = 0, nil
			}
			if err != nil {
				return usageError{fmt.Errorf("a rate is a number with bit, kbit, mbit or gbit, such as 1mbit, or off, and not %q", args[0])}
			}
			bytes, err := amount(queue, sizes)
			if err != nil || bytes > math.MaxUint32 {
				return usageError{fmt.Errorf("--queue is a number with b, kb or mb, such as 200kb, and not %q", queue)}
			}
			s.Rate, s.Queue = &rate, uint32(bytes)
			return a.shape(s)
		},
	}
	cmd.Flags().StringVar(&queue, "queue", "64kb", "how much may wait; kb are 1024 bytes, as for tc(8)")
	cmd.Flags().StringVar(&s.At, "at", netlab.AtCable, "where: cable, or hosts, before the interface of each")
	cmd.Flags().StringVar(&s.Qdisc, "qdisc", "", "the kind of queue: "+strings.Join(netlab.Qdiscs, ", ")+" (default "+netlab.FIFO+")")
	cmd.RegisterFlagCompletionFunc("qdisc", cobra.FixedCompletions(netlab.Qdiscs, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("at", cobra.FixedCompletions([]string{netlab.AtCable, netlab.AtHosts}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) wireMTU() *cobra.Command {
	return &cobra.Command{
		Use:     "mtu BYTES",
		Short:   "let no larger packet onto the cable",
		Example: "  fd3 wire mtu 600\n  fd3 wire mtu 1500            as it was",
		Args:    exactly(1, "a number of bytes, such as 600"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[0])
			if err != nil || n == 0 {
				return usageError{fmt.Errorf("an MTU is a number of bytes, such as 600, and not %q", args[0])}
			}
			return a.shape(netlab.Shape{MTU: n})
		},
	}
}

const wireOffloadLong = `Most machines leave work to the network card: the checksum of a packet, and the cutting
of what is larger than the MTU (TSO; GSO, where the kernel does it just before the card).
The hosts of fd3 wire do all of it themselves, so that the cable carries what a cable
does.

With this on they leave it to their interfaces. Then packets lie on the cable as tcpdump(8)
shows them on a sender: larger than the MTU, their checksum not filled in. The kernel says
what is left to be done with each, and is told the same when it passes.`

func (a *app) wireOffload() *cobra.Command {
	choices := []string{"on", "off"}
	return &cobra.Command{
		Use:       "offload on|off",
		Short:     "leave checksums and the cutting of packets to the interfaces, or not",
		Long:      wireOffloadLong,
		Example:   "  fd3 wire offload on\n  fd3 wire offload off         as it was",
		Args:      exactly(1, "on or off"),
		ValidArgs: choices,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(choices, args[0]) {
				return usageError{fmt.Errorf("the offloads are on or off, not %q", args[0])}
			}
			on := args[0] == "on"
			return a.shape(netlab.Shape{Offload: &on})
		},
	}
}

// shape changes the interfaces of the hosts, and tells how they are.
func (a *app) shape(s netlab.Shape) error {
	if err := s.Check(); err != nil {
		return usageError{err}
	}
	return a.onWire(func(tell *cable.Narrator) error {
		links, err := a.network.Shape(s)
		if err != nil {
			return err
		}
		tell.Shaped(a.network, s, links)
		return nil
	})
}

// exactly refuses another number of arguments.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%s takes %s, but got %d arguments", cmd.CommandPath(), what, len(args))}
		}
		return nil
	}
}

// The units of tc(8).
var (
	rates = map[string]float64{"bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
	sizes = map[string]float64{"b": 1, "kb": 1 << 10, "mb": 1 << 20}
)

var amountRule = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)([a-z]+)$`)

// amount reads a number with a unit.
func amount(text string, units map[string]float64) (uint64, error) {
	m := amountRule.FindStringSubmatch(text)
	if m == nil || units[m[2]] == 0 {
		return 0, errors.New("no such unit")
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if n *= units[m[2]]; n > math.MaxInt64 {
		return 0, strconv.ErrRange
	}
	return uint64(n), err
}
