package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"fd3/lesson"
	"fd3/lesson/outfile"
	narrator "fd3/lesson/path"
	"fd3/lesson/step"
	"fd3/sockets"
	"fd3/sockets/path"
	"fd3/sockets/stage"
)

const pathLong = `Take a step, and see its way through the kernel: each function that the call goes
through, by layer, down to the device and up again to the reader, and what is in the
packet at each place.

It takes root, since the kernel itself writes the way down (tracefs). The machine's
own tracing is not touched: fd3 has a ring buffer of its own, for the one thread that
makes the call.`

func (a *app) path() *cobra.Command {
	p := &pathFlags{}
	cmd := &cobra.Command{
		Use:     "path STEP",
		Short:   "the kernel's own way through a call, function by function",
		Long:    pathLong,
		Example: "  sudo fd3 path send --client    where the bytes go after send\n  sudo fd3 path recv             and how they come to the reader\n  sudo fd3 path connect          three packets in one call\n  sudo fd3 path send --functions what each function does",
		GroupID: "look",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("the way of which call? fd3 path send, or another step of a socket's life")}
		},
	}
	flags := cmd.PersistentFlags()
	flags.BoolVar(&p.functions, "functions", false, "say what each function does, and in which file it stands")
	flags.StringVar(&p.record, "record", "", "write the way to this file, as JSON")
	flags.BoolVar(&p.force, "force", false, "let --record write over a file")
	flags.BoolVar(&a.words, "accessible", false, "in sentences instead of a drawing")
	for _, c := range stepCommands {
		if narrator.Numbers[c.step.Call] != 0 {
			sub, _ := a.stepRunBy(c, func(ctx context.Context, of *step.Step, options step.Options, _ bool) error {
				return a.runPath(ctx, of, options, p)
			})
			sub.Example = ""
			cmd.AddCommand(sub)
		}
	}
	return cmd
}

type pathFlags struct {
	functions, force bool
	record           string
}

// runPath takes a step while the kernel writes the way of its call down, and tells of that.
func (a *app) runPath(ctx context.Context, of *step.Step, options step.Options, p *pathFlags) error {
	var failed error
	runner, err := a.runner(&failed)
	if err != nil {
		return err
	}
	var file *outfile.File
	if p.record != "" { // before the call is made
		if file, err = outfile.Create(p.record, 0o644, p.force); err != nil {
			return thereAlready(p.record, err)
		}
		defer file.Discard()
	}
	role := options.Role
	if of.Role != "" {
		role = of.Role
	}
	tell := &narrator.Narrator{Step: of.Name, Role: role, Stage: a.stage, Explain: options.Explain, Functions: p.functions, Show: runner.Show}
	trace, err := path.Open()
	if err != nil {
		return err
	}
	defer trace.Close()
	seen := &watched{Stage: runner.Stage(role), trace: trace, call: of.Call}
	for i := range runner.Parties {
		if runner.Parties[i].Name == role {
			runner.Parties[i].Stage = seen
		}
	}
	tell.Before()
	runner.Show = onlyCalls(runner.Show)
	options.Explain = lesson.None
	err = runner.Do(ctx, of, options)
	tell.PID = seen.pid
	switch {
	case seen.failed != nil:
		return errors.Join(err, seen.failed)
	case !seen.made:
		return err
	}
	if a.network == nil && seen.way.TookNS > 0 {
		if err := trace.Time(&seen.way, narrator.Numbers[of.Call], len(seen.last.Data)); err != nil {
			return err
		}
	}
	tell.Saw(seen.way, seen.last)
	if file != nil && len(seen.way.Visits) > 0 {
		if err := recordWay(file, seen.way); err != nil {
			return thereAlready(p.record, err)
		}
		tell.Saved(p.record)
	}
	return errors.Join(err, failed)
}

// onlyCalls shows of a step what comes before it, and its call: the way of that is told
// instead of the rest.
func onlyCalls(show func(lesson.Event)) func(lesson.Event) {
	failed := false
	return func(e lesson.Event) {
		failed = failed || e.Kind == lesson.KindReturn && e.Errno != 0
		if told := []lesson.Kind{lesson.KindStep, lesson.KindBytes, lesson.KindEvidence}; !e.Recap && !failed && slices.Contains(told, e.Kind) {
			return
		}
		show(e)
	}
}

// watched is a stage of whose calls one is watched.
type watched struct {
	step.Stage
	trace *path.Trace
	call  string // its name

	pid    int
	made   bool
	way    path.Path
	last   sockets.Call
	failed error // of the trace
}

// Do makes a call. Where it is the one to watch the kernel writes its way down.
func (w *watched) Do(ctx context.Context, o stage.Order, observe func(sockets.Call)) (sockets.Call, error) {
	if o.Do != w.call {
		return w.Stage.Do(ctx, o, observe)
	}
	state, err := w.Stage.State(ctx)
	if err != nil {
		return sockets.Call{}, err
	}
	w.pid = state.PID
	if err := w.trace.Begin(state.TID, narrator.Numbers[o.Do], true); err != nil {
		w.failed = err
		return w.Stage.Do(ctx, o, observe)
	}
	call, err := w.Stage.Do(ctx, o, observe)
	w.made, w.last = true, call
	if w.way, w.failed = w.trace.End(); errors.Is(w.failed, path.ErrUnseen) && err != nil {
		w.made, w.failed = false, nil // it was refused before it was made
	}
	w.way.Call = call.Strace()
	return call, err
}

// recordWay writes the way of a call into a file.
func recordWay(file *outfile.File, way path.Path) error {
	text := json.NewEncoder(file)
	text.SetIndent("", " ")
	if err := text.Encode(way); err != nil {
		return err
	}
	return file.Commit()
}
