package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"fd3/lesson"
	"fd3/lesson/cable"
	"fd3/lesson/step"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

func (a *app) status() *cobra.Command {
	var watch bool
	var cmd *cobra.Command
	cmd = a.onStage("status", "both processes drawn: their sockets, states, what waits where", a.runner,
		func(ctx context.Context, r *step.Runner) error {
			if watch {
				return a.redraw(ctx, r)
			}
			level := lesson.Short // the list that full has below the drawing is for those who ask
			if a.json || cmd.Flags().Changed("explain") {
				var err error
				if level, err = a.level(); err != nil {
					return err
				}
			}
			return r.Status(ctx, level)
		})
	cmd.Example = "  fd3 status                  what the kernel has of both processes, drawn\n" +
		"  fd3 status --explain full   and as a list, with where each line is read\n" +
		"  fd3 status --watch          drawn anew while you work in another terminal\n" +
		"  fd3 status --accessible     in sentences, for a screen reader"
	cmd.Flags().BoolVar(&watch, "watch", false, "draw it anew whenever it changes, until Ctrl-C")
	cmd.Flags().BoolVar(&a.words, "accessible", false, "in sentences instead of a drawing")
	return cmd
}

func (a *app) reset() *cobra.Command {
	return a.onStage("reset", "end both processes, and the network: nothing is left", a.runnerHere,
		func(ctx context.Context, r *step.Runner) error {
			err := r.Reset(ctx, func(ctx context.Context, role stage.Role) (stage.Farewell, error) { return a.remote(role).Quit(ctx) })
			if err != nil {
				return err
			}
			tell := &cable.Narrator{Stage: a.stage, Show: r.Show, Explain: lesson.Full}
			if err := a.networkDown(ctx, tell); err != nil && !errors.Is(err, netlab.ErrNone) {
				return err
			}
			return stage.Tidy()
		})
}

// onStage makes a command that looks after the stage and has no flags of its own.
func (a *app) onStage(name, short string, runner func(*error) (*step.Runner, error), run func(context.Context, *step.Runner) error) *cobra.Command {
	return &cobra.Command{
		Use:               name,
		Short:             short,
		GroupID:           "look",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var failed error
			on, err := runner(&failed)
			if err != nil {
				return err
			}
			err = run(cmd.Context(), on)
			return errors.Join(err, failed)
		},
	}
}
