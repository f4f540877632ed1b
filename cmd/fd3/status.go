package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"fd3/lesson/step"
	"fd3/sockets/stage"
)

func (a *app) status() *cobra.Command {
	return a.onStage("status", "both processes: their sockets, states, queues, what waits where",
		func(ctx context.Context, r *step.Runner) error { return r.Status(ctx) })
}

func (a *app) reset() *cobra.Command {
	return a.onStage("reset", "end both processes; nothing is left",
		func(ctx context.Context, r *step.Runner) error {
			err := r.Reset(ctx, func(ctx context.Context, role stage.Role) (stage.Farewell, error) { return a.remote(role).Quit(ctx) })
			if err != nil {
				return err
			}
			return stage.Tidy()
		})
}

// onStage makes a command that looks after the stage and has no flags of its own.
func (a *app) onStage(name, short string, run func(context.Context, *step.Runner) error) *cobra.Command {
	return &cobra.Command{
		Use:               name,
		Short:             short,
		GroupID:           "look",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var failed error
			runner, err := a.runner(&failed)
			if err != nil {
				return err
			}
			return errors.Join(run(cmd.Context(), runner), failed)
		},
	}
}
