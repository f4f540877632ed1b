package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/outfile"
	"fd3/lesson/tour"
	"fd3/lesson/view"
)

const handoutLong = `Make the experiments of these lessons now, on this machine, and write what
happened as a handout: the question, what one may predict, each call with the
kernel's evidence, the answer, why, an exercise with its hints, where it is
written. Without a lesson: the whole course.`

func (a *app) handout() *cobra.Command {
	var markdown, html, force bool
	var output string
	cmd := &cobra.Command{
		Use:               "handout [LESSON]...",
		Short:             "lessons as a handout, with what this machine says",
		Long:              handoutLong,
		Example:           "  fd3 handout listen          Markdown, to the terminal\n  fd3 handout --html --output course.html\n  fd3 handout bind listen accept --md --output queue.md",
		GroupID:           "tour",
		ValidArgsFunction: completeLessons,
		Args: func(cmd *cobra.Command, args []string) error {
			for _, id := range args {
				if _, err := lessonNamed(id); err != nil {
					return err
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case markdown && html:
				return usageError{errors.New("--md and --html exclude each other: make one handout after the other")}
			case a.json:
				return usageError{errors.New("a handout is Markdown or HTML. The events of the course as JSON: fd3 tour --json")}
			case output == "":
				return usageError{errors.New("--output is the name of a file to write, or - for stdout")}
			case force && output == "-":
				return usageError{errors.New("--force is for --output: it writes over the file")}
			}
			lessons := course.All()
			if len(args) > 0 {
				lessons = nil
			}
			for _, id := range args {
				l, err := lessonNamed(id)
				if err != nil {
					return err
				}
				lessons = append(lessons, l)
			}
			form := view.NewMarkdown
			if html {
				form = view.NewHTML
			}
			return writeHandout(cmd.Context(), lessons, form, output, force)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&markdown, "md", false, "Markdown; this is the default")
	f.BoolVar(&html, "html", false, "one HTML page that loads nothing, to read or to print")
	f.StringVar(&output, "output", "-", "the file to write (-: stdout)")
	f.BoolVar(&force, "force", false, "write over a file")
	return cmd
}

// writeHandout makes the whole handout before it writes any of it.
func writeHandout(ctx context.Context, lessons []lab.Lesson, form func(io.Writer, view.Head) *view.Document, output string, force bool) error {
	runtime.UnlockOSThread()
	write := os.Stdout.Write
	if output != "-" {
		file, err := outfile.Create(output, 0o644, force) // now: after the experiments a refusal would be late
		if err != nil {
			return thereAlready(output, err)
		}
		defer file.Discard()
		write = func(text []byte) (int, error) {
			n, err := file.Write(text)
			if err == nil {
				err = thereAlready(output, file.Commit())
			}
			return n, err
		}
	}
	head := view.Head{Title: "The life of a socket", Made: time.Now()}
	var err error
	if head.Machine, err = tour.Machine(); err != nil {
		return err
	}
	for _, l := range lessons {
		head.Contents = append(head.Contents, view.Entry{ID: l.ID, Title: l.Title})
	}
	var text bytes.Buffer
	doc := form(&text, head)
	notMade, err := tour.Handout(ctx, lessons, doc.Show)
	if err != nil {
		return err
	}
	if err := doc.End(); err != nil {
		return err
	}
	if _, err := write(text.Bytes()); err != nil {
		return err
	}
	if len(notMade) > 0 {
		return fmt.Errorf("not all of the handout could be made on this machine, and it says why. Left out: %s", strings.Join(notMade, ", "))
	}
	return nil
}
