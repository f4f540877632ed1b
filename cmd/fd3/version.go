package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "the version of fd3, Go and this kernel",
		GroupID:           "more",
		Args:              noArgs,
		PreRunE:           noEvents,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			release, err := kernel.Own().Sysctl("kernel.osrelease")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "fd3 %s, %s, Linux %s %s\n", stage.Version(), runtime.Version(), release, runtime.GOARCH)
			return err
		},
	}
}

// noEvents refuses --json for a command that tells no event.
func noEvents(cmd *cobra.Command, _ []string) error {
	if cmd.Flag("json").Changed {
		return usageError{fmt.Errorf("%s writes text, and no events: it goes without --json", cmd.CommandPath())}
	}
	return nil
}
