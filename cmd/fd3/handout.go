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

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/tour"
	"fd3/lesson/view"
)

const handoutLong = `Make the experiments of these lessons now, on this machine, and write what
happened as a handout. Without a lesson: the whole course.

The learner's sheet has the question, what one may predict, each call with the
kernel's evidence and a drawing of what it had then, room for the answer, an
exercise, and at the end why it is so, what to keep and where it is written.

The teacher's sheet (--answers) has to each prediction the right choice, what
the kernel said here, and what there is to say to the other choices; and to
each exercise its hints, of which the last is the solution. The learner's sheet
has none of these.`

// A handout is what a command asks for.
type handout struct {
	sheet
	lessons []lab.Lesson
	form    func(io.Writer, view.Head) *view.Document
	output  string // a file; "-": stdout
	force   bool   // write over the file
}

// A sheet is a handout for somebody.
type sheet struct {
	title   string
	through func(context.Context, []lab.Lesson, func(lesson.Event) error) (notMade []string, err error)
}

var (
	learnersSheet = sheet{"The life of a socket", tour.Handout}
	teachersSheet = sheet{"The life of a socket: the answers", tour.Answers}
)

func (a *app) handout() *cobra.Command {
	h := handout{sheet: learnersSheet, form: view.NewMarkdown}
	var answers, markdown, html bool
	cmd := &cobra.Command{
		Use:               "handout [LESSON]...",
		Short:             "lessons on paper, with what this machine says; the answers apart",
		Long:              handoutLong,
		Example:           "  fd3 handout listen          Markdown, to the terminal\n  fd3 handout --html --output course.html\n  fd3 handout --html --output answers.html --answers\n  fd3 handout bind listen accept --md --output queue.md",
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
			case h.output == "":
				return usageError{errors.New("--output is the name of a file to write, or - for stdout")}
			case h.force && h.output == "-":
				return usageError{errors.New("--force is for --output: it writes over the file")}
			}
			h.lessons = course.All()
			if len(args) > 0 {
				h.lessons = nil
			}
			for _, id := range args {
				l, err := lessonNamed(id)
				if err != nil {
					return err
				}
				h.lessons = append(h.lessons, l)
			}
			if html {
				h.form = view.NewHTML
			}
			if answers {
				h.sheet = teachersSheet
			}
			return h.write(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&answers, "answers", false, "the teacher's sheet: the answers and the solutions")
	f.BoolVar(&markdown, "md", false, "Markdown; this is the default")
	f.BoolVar(&html, "html", false, "one HTML page that loads nothing, to read or to print")
	f.StringVar(&h.output, "output", "-", "the file to write (-: stdout)")
	f.BoolVar(&h.force, "force", false, "write over a file")
	return cmd
}

// write makes the whole handout before it writes any of it.
func (h handout) write(ctx context.Context) error {
	runtime.UnlockOSThread()
	write := os.Stdout.Write
	if h.output != "-" {
		file, err := createFile(h.output, h.force) // now: after the experiments a refusal would be late
		if err != nil {
			return err
		}
		defer file.Discard()
		write = func(text []byte) (int, error) {
			n, err := file.Write(text)
			if err == nil {
				err = thereAlready(h.output, file.Commit())
			}
			return n, err
		}
	}
	head := view.Head{Title: h.title, Made: time.Now()}
	var err error
	if head.Machine, err = tour.Machine(); err != nil {
		return err
	}
	for _, l := range h.lessons {
		head.Contents = append(head.Contents, view.Entry{ID: l.ID, Title: l.Title})
	}
	var text bytes.Buffer
	doc := h.form(&text, head)
	notMade, err := h.through(ctx, h.lessons, doc.Show)
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
