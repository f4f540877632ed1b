package main

import (
	"errors"
	"sync"

	"github.com/spf13/cobra"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/stage"
)

func (a *app) serve() *cobra.Command {
	options := lesson.DefaultOptions()
	var addr string
	cmd := &cobra.Command{
		Use:               "serve",
		Short:             "the same steps in one process: a small HTTP server",
		Example:           "  fd3 serve\n  fd3 serve --addr :0",
		GroupID:           "whole",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if options.Addr, err = sockets.ParseSockaddr(addr); err != nil {
				return usageError{err}
			}
			if options.Explain, err = a.level(); err != nil {
				return err
			}
			var failed error
			show, err := a.show(&failed)
			if err != nil {
				return err
			}
			var mu sync.Mutex // Ctrl-C tells of its calls from another goroutine
			stage.RaisePoller()
			machine := stage.NewMachine()
			runner := &lesson.Runner{
				Name:   a.stage,
				Stages: map[stage.Role]lesson.Stage{stage.Server: stage.Local{Machine: machine}},
				Show: func(e lesson.Event) {
					mu.Lock()
					defer mu.Unlock()
					show(e)
				},
			}
			done := make(chan error, 1)
			go func() {
				done <- runner.Serve(cmd.Context(), options)
				machine.Stop()
			}()
			machine.Run() // on the main thread, as in the stepped server
			return errors.Join(<-done, failed)
		},
	}
	cmd.Flags().StringVar(&addr, "addr", lesson.DefaultAddr, "the address to listen on")
	cmd.Flags().IntVar(&options.Backlog, "backlog", options.Backlog, "how many finished handshakes may wait for accept")
	return cmd
}
