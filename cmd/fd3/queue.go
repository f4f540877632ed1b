package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"fd3/lesson/cable"
	"fd3/lesson/view"
)

const wireQueueLong = `Look at the queue that fd3 wire rate has made, ten times a second: how many bytes wait
in it, and the window and the round trip of the connection that fills it. There is one
queue for each way; the fuller one is shown.

The number of dropped packets is the kernel's, since there is the queue: tc -s qdisc says
the same. Where some were dropped before the first look, it says how many are new since
then.

On a terminal it is a chart that grows. In a pipe it is a line when something has changed,
and with --json one each time. Ctrl-C ends it.`

// longest is how long a queue is looked at, at most.
const longest = 10 * time.Minute

func (a *app) wireQueue() *cobra.Command {
	var d time.Duration
	cmd := &cobra.Command{
		Use:     "queue",
		Short:   "how full the queue is, over time",
		Long:    wireQueueLong,
		Example: "  fd3 wire rate 1mbit --queue 200kb\n  fd3 wire queue\n  fd3 wire queue --for 5s --json | jq .chart.samples[0].waiting",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if d <= 0 || d > longest {
				return usageError{fmt.Errorf("--for is a time up to %.0fm, such as 20s, and not %s", longest.Minutes(), d)}
			}
			return a.onWire(func(tell *cable.Narrator) error { return a.queue(cmd.Context(), tell, d) })
		},
	}
	cmd.Flags().DurationVar(&d, "for", 30*time.Second, "how long to look")
	cmd.Flags().BoolVar(&a.words, "accessible", false, "in sentences instead of a drawing")
	return cmd
}

// queue looks at the queues of the network that is up, for some time. What was drawn on a
// screen of its own stays as one chart.
func (a *app) queue(ctx context.Context, tell *cable.Narrator, d time.Duration) error {
	var g cable.Gauge
	if a.json || a.words || !term.IsTerminal(os.Stdout.Fd()) || os.Getenv("TERM") == "dumb" {
		return g.Watch(ctx, a.network, d, func() error {
			if a.json || g.Moved() {
				tell.Sample(&g)
			}
			return nil
		})
	}
	look, err := a.look()
	if err != nil {
		return err
	}
	leave := ownScreen()
	err = g.Watch(ctx, a.network, d, func() error { return drawQueue(&g, look, d) })
	leave()
	if !g.Empty() {
		tell.Chart(&g)
	}
	return err
}

// drawQueue draws what was read so far on the whole screen.
func drawQueue(g *cable.Gauge, look view.Look, d time.Duration) error {
	width, height, err := term.GetSize(os.Stdout.Fd())
	if err != nil {
		return err
	}
	look.Width, look.Rows = width, max(height-2, 1)
	var out bytes.Buffer
	fmt.Fprintf(&out, "%.*s\n", width, fmt.Sprintf("fd3 wire queue, for %s. Ctrl-C ends this.", d))
	if err := view.NewText(&out, look).Show(g.Event()); err != nil {
		return err
	}
	_, err = io.WriteString(os.Stdout, wholeScreen(out.String(), height))
	return err
}
