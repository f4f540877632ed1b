package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"fd3/sockets/stage"
)

func (a *app) status() *cobra.Command {
	return &cobra.Command{
		Use:               "status",
		Short:             "both processes: their sockets, states, queues, what waits where",
		GroupID:           "look",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var failed error
			runner, err := a.runner(&failed)
			if err != nil {
				return err
			}
			return errors.Join(runner.Status(cmd.Context()), failed)
		},
	}
}

func (a *app) reset() *cobra.Command {
	return &cobra.Command{
		Use:               "reset",
		Short:             "end both processes; nothing is left",
		GroupID:           "look",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var failed error
			runner, err := a.runner(&failed)
			if err != nil {
				return err
			}
			err = runner.Reset(cmd.Context(), func(ctx context.Context, role stage.Role) (int, error) {
				return a.remote(role).Quit(ctx)
			})
			if err != nil {
				return err
			}
			return errors.Join(stage.Tidy(), failed)
		},
	}
}
