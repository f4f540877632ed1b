package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/tour"
	"fd3/lesson/view"
)

const tourLong = `The course: the whole life of a socket in lessons, on this kernel, now. Each
asks you first what you think will happen, then makes the experiment, asks what
you read there, and shows what the kernel says. You can change the numbers of an
experiment and make it again. In an exercise you do something with your own
tools in another terminal, and the kernel is watched until it is done.

It fills a terminal of 60x18 or more. With --plain, with --accessible, and as
long as the terminal is smaller it goes line by line, paced by Enter. The place
where you stop is kept.`

type tourFlags struct {
	accessible, restart, force bool
	recorded, auto             bool // --record, --auto is given
	pace                       time.Duration
	from, record, theme        string
}

func (a *app) tour() *cobra.Command {
	var flags tourFlags
	cmd := &cobra.Command{
		Use:               "tour [LESSON[/PART]]",
		Short:             "the course: predict, watch the kernel, try it yourself",
		Long:              tourLong,
		Example:           "  fd3 tour                    begin, or go on where you stopped\n  fd3 tour listen             begin with that lesson; fd3 lessons lists them\n  fd3 tour listen/exercise    begin with that part of it\n  fd3 tour --accessible       line by line, for a screen reader\n  fd3 tour --auto 5s          without a hand, for a demonstration",
		GroupID:           "tour",
		ValidArgsFunction: completeSpots,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{errors.New("fd3 tour begins with one lesson, or one part of it: fd3 tour [LESSON[/PART]]")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				if cmd.Flags().Changed("from") {
					return usageError{errors.New("the lesson to begin with is given twice: leave --from out")}
				}
				flags.from = args[0]
			}
			flags.recorded, flags.auto = cmd.Flags().Changed("record"), cmd.Flags().Changed("auto")
			return a.runTour(cmd.Context(), flags)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&flags.from, "from", "", "the lesson to begin with, as LESSON or LESSON/PART")
	f.BoolVar(&flags.restart, "restart", false, "forget all progress and begin with the first lesson")
	f.DurationVar(&flags.pace, "auto", 0, "go on by itself; each 20 words to read stay so long, such as 5s (0s: at once). No progress is kept")
	f.BoolVar(&flags.accessible, "accessible", false, "line by line, without colours, only ASCII; what changes in the kernel, in sentences")
	f.StringVar(&flags.theme, "theme", "", "auto, light, dark, or contrast for a projector; without it the one that the key t has chosen last, or auto")
	f.StringVar(&flags.record, "record", "", "write a recording to this file (asciicast v2)")
	f.BoolVar(&flags.force, "force", false, "let --record write over a file")
	cmd.RegisterFlagCompletionFunc("from", completeSpots)
	completeThemes(cmd)
	return cmd
}

func completeThemes(cmd *cobra.Command) {
	var names []string
	for _, t := range view.Themes {
		names = append(names, string(t))
	}
	cmd.RegisterFlagCompletionFunc("theme", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}

func completeLessons(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return course.IDs(), cobra.ShellCompDirectiveNoFileComp
}

// completeSpots completes a lesson and, after a slash, a part of it.
func completeSpots(_ *cobra.Command, args []string, typed string) (names []string, _ cobra.ShellCompDirective) {
	if id, _, inside := strings.Cut(typed, "/"); inside && len(args) == 0 {
		if l, err := course.Find(id); err == nil {
			for _, spot := range course.Spots(l) {
				names = append(names, id+"/"+spot)
			}
		}
	} else if len(args) == 0 {
		names = course.IDs()
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// checkSpot says which lesson, or which part of it, may have been meant by a name that
// is none: LESSON or LESSON/PART.
func checkSpot(name string) error {
	id, part, _ := strings.Cut(name, "/")
	l, err := lessonNamed(id)
	if err != nil || part == "" || slices.Contains(course.Spots(l), part) {
		return err
	}
	if near := nearTo(part, course.Spots(l)); len(near) > 0 {
		return usageError{fmt.Errorf("%q is no part of %s. Did you mean %s/%s?", part, id, id, strings.Join(near, " or "+id+"/"))}
	}
	return usageError{fmt.Errorf("%q is no part of %s. Its parts are: %s", part, id, strings.Join(course.Spots(l), ", "))}
}

// lessonNamed returns the lesson of a name that was typed, or an error that says which
// may have been meant.
func lessonNamed(id string) (lab.Lesson, error) {
	l, err := course.Find(id)
	if err == nil {
		return l, nil
	}
	if near := nearTo(id, course.IDs()); len(near) > 0 {
		return l, usageError{fmt.Errorf("%q is no lesson. Did you mean %s? See: fd3 lessons", id, strings.Join(near, " or "))}
	}
	return l, usageError{fmt.Errorf("%q is no lesson. See: fd3 lessons", id)}
}

// nearTo returns the names that may have been meant by a word that is none of them.
func nearTo(word string, names []string) (near []string) {
	for _, name := range names {
		one := &cobra.Command{SuggestionsMinimumDistance: max(0, min(2, len(word)-1, len(name)-1))} // else nothing of it is the same
		one.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
		near = append(near, one.SuggestionsFor(word)...)
	}
	return near
}

// check returns an error for what was typed and cannot be.
func (f tourFlags) check(json bool) error {
	switch {
	case f.from != "" && checkSpot(f.from) != nil:
		return checkSpot(f.from)
	case f.recorded && json:
		return usageError{errors.New("--record records a terminal, so it goes without --json")}
	case f.force && !f.recorded:
		return usageError{errors.New("--force is for --record: it writes over the file")}
	}
	return nil
}

func (a *app) runTour(ctx context.Context, flags tourFlags) error {
	a.plain, a.words = a.plain || flags.accessible, flags.accessible
	o, err := a.tourOptions(flags.auto, flags.pace, flags.theme)
	if err != nil {
		return err
	}
	if err := flags.check(a.json); err != nil {
		return err
	}
	o.From = flags.from
	told := func(err error) {
		if err != nil {
			complain("%s", err)
			o.Note = err.Error() // the full screen covers what was complained of
		}
	}
	o.Progress, err = course.LoadProgress()
	told(err)
	if kept, err := view.ParseTheme(o.Progress.Theme()); err == nil && flags.theme == "" {
		o.Look.Theme = kept
	}
	if flags.auto { // a demonstration; nobody learns
		o.Progress = o.Progress.Apart()
	}
	if flags.restart {
		told(o.Progress.Restart())
	}
	full, err := a.fullScreen(flags.recorded)
	if err != nil {
		complain("%s", err)
	}
	run := tour.Linear
	switch {
	case a.json:
		run = tour.JSON
	case full:
		run = tour.Screen
	}
	ctx, stop := signal.NotifyContext(ctx, unix.SIGQUIT) // the terminal is restored
	defer stop()
	if !flags.recorded {
		return run(ctx, o)
	}
	columns, rows := terminalSize()
	rec, err := record(castFile{flags.record, flags.force}, columns, rows, os.Stdout)
	if err != nil {
		return err
	}
	if full {
		if err := rec.Raw(); err != nil {
			return errors.Join(err, rec.end())
		}
	}
	return rec.run(ctx, o, run)
}

// tourOptions returns the options of every way to go through the course. The calls are
// made by other processes, and a locked thread is slow to switch.
func (a *app) tourOptions(auto bool, pace time.Duration, theme string) (tour.Options, error) {
	runtime.UnlockOSThread()
	o := tour.Options{Auto: auto, Pace: pace, Progress: &course.Progress{}, In: os.Stdin, Out: os.Stdout}
	if pace < 0 {
		return o, usageError{errors.New("--auto is how long each 20 words to read stay, such as 5s")}
	}
	var err error
	if o.Look, err = a.look(); err != nil {
		return o, err
	}
	if o.Look.Theme, err = view.ParseTheme(cmp.Or(theme, string(view.Auto))); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// fullScreen reports whether the tour has a terminal to fill, and may. An error says
// what that terminal lacks. That of a recording is set for lines or for a screen, and
// keeps to that; another one may grow.
func (a *app) fullScreen(recorded bool) (full bool, err error) {
	columns, rows := terminalSize()
	kind := os.Getenv("TERM")
	switch {
	case a.plain || a.json || !term.IsTerminal(os.Stdin.Fd()) || !term.IsTerminal(os.Stdout.Fd()):
		return false, nil
	case kind == "" || kind == "dumb":
		return false, fmt.Errorf("the tour goes line by line: TERM=%s cannot show the full screen", kind)
	case recorded && !tour.Fits(columns, rows):
		return false, fmt.Errorf("the tour goes line by line: a terminal of 60x18 gives the full screen, this one has %dx%d", columns, rows)
	}
	return true, nil
}

// terminalSize returns the size of stdout; for a non-terminal, 80x24.
func terminalSize() (columns, rows int) {
	columns, rows, err := term.GetSize(os.Stdout.Fd())
	if err != nil || columns <= 0 || rows <= 0 {
		return 80, 24
	}
	return columns, rows
}
