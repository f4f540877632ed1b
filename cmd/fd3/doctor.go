package main

import (
	"errors"

	"github.com/spf13/cobra"

	"fd3/lesson/doctor"
	"fd3/lesson/step"
)

func (a *app) doctor() *cobra.Command {
	return &cobra.Command{
		Use:     "doctor",
		Short:   "what of fd3 works on this machine, and why not the rest",
		Long:    "Try what fd3 needs, and say what works here, each with what was tried or read to know\nit. The exit code is 0 when the course can be taken.",
		GroupID: "look",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var failed error
			show, err := a.show(&failed)
			if err != nil {
				return err
			}
			if !doctor.Examine(cmd.Context(), show) {
				return errors.Join(step.ErrFailed, failed)
			}
			return failed
		},
	}
}
