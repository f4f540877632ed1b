package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"fd3/sockets/stage"
)

// stageProcess is the command that a starting stage runs; it is not for people.
func stageProcess() *cobra.Command {
	return &cobra.Command{
		Use:    stage.Command + " ROLE PATH IDLE",
		Short:  "become a stage (fd3 runs this itself)",
		Hidden: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 3 {
				return usageError{errors.New("fd3 runs this command itself. See: fd3 --help")}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			idle, err := time.ParseDuration(args[2])
			if err != nil {
				return usageError{err}
			}
			stage.Main(stage.Role(args[0]), args[1], idle)
			return nil
		},
	}
}
