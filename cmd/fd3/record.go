package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/outfile"
	"fd3/lesson/tour"
	"fd3/lesson/view"
)

const recordLong = `Record the course, or one lesson of it, as it goes by itself on this machine:
line by line, in colours, with a marker at each step. The file is an asciicast
v2, which asciinema plays. It needs no terminal; where there is one, it is shown
too. The last marker is "the end": a file without it was cut.

To record the full screen, or what you do yourself: fd3 tour --record OUT.cast`

func (a *app) record() *cobra.Command {
	var pace time.Duration
	var theme string
	var force bool
	cmd := &cobra.Command{
		Use:     "record OUT.cast [LESSON]",
		Short:   "record the course, or a lesson of it, for asciinema",
		Long:    recordLong,
		Example: "  fd3 record listen.cast listen\n  fd3 record course.cast --auto 8s",
		GroupID: "tour",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usageError{errors.New("fd3 record takes a file to write, and perhaps a lesson: fd3 record OUT.cast [LESSON]")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			lessons := course.All()
			if len(args) == 2 {
				l, err := lessonNamed(args[1])
				if err != nil {
					return err
				}
				lessons = []lab.Lesson{l}
			}
			return a.runRecord(cmd.Context(), castFile{args[0], force}, lessons, pace, theme)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return []string{"cast"}, cobra.ShellCompDirectiveFilterFileExt
			}
			return completeLessons(cmd, args, typed)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.DurationVar(&pace, "auto", 5*time.Second, "how long each 20 words to read stay")
	f.BoolVar(&force, "force", false, "write over a file")
	f.StringVar(&theme, "theme", string(view.Auto), "auto, light, dark, or contrast for a projector")
	completeThemes(cmd)
	return cmd
}

func (a *app) runRecord(ctx context.Context, to castFile, lessons []lab.Lesson, pace time.Duration, theme string) error {
	if a.json {
		return usageError{errors.New("a recording is of a terminal, so it goes without --json")}
	}
	o, err := a.tourOptions(true, pace, theme)
	if err != nil {
		return err
	}
	columns, rows := terminalSize()
	o.Look.Width, o.Look.ASCII = columns, a.plain // a recording is always UTF-8
	o.Look.Colour = o.Look.Colour || a.color == "auto" && !a.plain && os.Getenv("NO_COLOR") == ""
	var watch io.Writer
	if term.IsTerminal(os.Stdout.Fd()) {
		watch = os.Stdout
	}
	rec, err := record(to, columns, rows, watch)
	if err != nil {
		return err
	}
	err = rec.run(ctx, o, func(ctx context.Context, o tour.Options) error { return tour.Alone(ctx, o, lessons) })
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%s: %s, %s. To play it: asciinema play %s\n", to.path, lesson.Counted(int(rec.cast.Length().Seconds()), "second"), lesson.Counted(rec.cast.Marks(), "marker"), to.path)
	return err
}

// A castFile is where a recording goes.
type castFile struct {
	path  string
	force bool // write over what is there
}

func (c castFile) create() (*outfile.File, error) { return createFile(c.path, c.force) }

// createFile begins a file that the user has named. On stdout are words, so "-" is no name.
func createFile(path string, force bool) (*outfile.File, error) {
	if path == "" || path == "-" {
		return nil, usageError{fmt.Errorf("%q is no name of a file to write", path)}
	}
	file, err := outfile.Create(path, 0o644, force)
	return file, thereAlready(path, err)
}

// thereAlready returns err; of a file that is not written over without --force, an error
// that says what to do.
func thereAlready(path string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already. Take another name, or write over it with --force", path)
	}
	return err
}

// A recording is a terminal that goes into a file.
type recording struct {
	*tour.Recording
	file *outfile.File
	cast *view.Cast
}

func record(to castFile, columns, rows int, watch io.Writer) (*recording, error) {
	file, err := to.create()
	if err != nil {
		return nil, err
	}
	kind := os.Getenv("TERM")
	if kind == "" || kind == "dumb" {
		kind = "xterm-256color"
	}
	r := &recording{file: file}
	if r.cast, err = view.NewCast(file, columns, rows, "fd3: the life of a socket", kind); err == nil {
		r.Recording, err = tour.Record(r.cast, columns, rows, watch)
	}
	if err != nil {
		return nil, errors.Join(err, file.Discard())
	}
	return r, nil
}

// end gives the recording its last marker and its name. Each line of it is whole, so the
// tour may end anywhere; but one that could not be written leaves no file.
func (r *recording) end() error {
	err := r.Close()
	if err == nil {
		err = r.cast.Mark(view.TheEnd)
	}
	if err != nil {
		return errors.Join(err, r.file.Discard())
	}
	return thereAlready(r.file.Name(), r.file.Commit())
}

// run goes through the course in the terminal that is recorded. That follows the
// size of the real one, and then the signal is sent once more: the tour may have
// asked for the size before it was the new one.
func (r *recording) run(ctx context.Context, o tour.Options, run func(context.Context, tour.Options) error) error {
	o.Out = r.File
	o.Mark = func(label string) { r.cast.Mark(label) }
	o.Typed = func(line string) { r.cast.Write([]byte(line + "\r\n")) } // the echo is on the real terminal only
	changes, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(changes, unix.SIGWINCH)
	go func() {
		defer close(over)
		for range changes {
			if columns, rows, err := term.GetSize(os.Stdout.Fd()); err == nil && r.Resize(columns, rows) {
				unix.Kill(os.Getpid(), unix.SIGWINCH)
			}
		}
	}()
	err := run(ctx, o)
	signal.Stop(changes)
	close(changes)
	<-over
	return errors.Join(err, r.end())
}
