package tour

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/view"
)

// Options are how a tour is to go.
type Options struct {
	From     string        // the lesson to begin with, or "lesson/part"; empty: where the progress says
	Auto     bool          // go on by itself
	Pace     time.Duration // by itself: how long each 20 words to read stay; 0: nothing stays
	Look     view.Look
	Progress *course.Progress
	In, Out  *os.File
	Note     string             // to be said at the beginning
	Mark     func(label string) // a recording's marker for each step; nil: it is not recorded
	Typed    func(line string)  // a recording's hears what is typed line by line; may be nil
}

// Fits reports whether a terminal of this size has room for the full screen.
func Fits(columns, rows int) bool { return columns >= minColumns && rows >= minRows }

// label is the marker that an Event deserves in a recording; empty if none.
func label(e lesson.Event) string {
	switch {
	case e.Kind == lesson.KindLesson:
		return e.Title
	case e.Kind == lesson.KindVerdict:
		return e.Step + ": verdict"
	case e.Kind != lesson.KindText:
		return ""
	}
	switch {
	case e.Section == "step":
		words := strings.NewReplacer("`", "", "*", "", `\`, "", "\n", " ").Replace(e.Text)
		if cut := []rune(words); len(cut) > 60 {
			words = string(cut[:57]) + "..."
		}
		return fmt.Sprintf("%s: %s", e.Step, words)
	case slices.Contains(lab.Kinds, lab.PartKind(e.Section)):
		return e.Step + ": " + e.Section
	}
	return ""
}
