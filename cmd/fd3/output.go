package main

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/term"

	"fd3/lesson"
	"fd3/lesson/view"
)

// output is the global flags that say how to show things.
type output struct {
	json    bool
	plain   bool
	color   string
	explain string
	words   bool // status, tour: a drawing is told in sentences
}

// show returns a function that shows Events on stdout. The first error of stdout ends
// up in failed.
func (o output) show(failed *error) (func(lesson.Event), error) { return o.showOn(os.Stdout, failed) }

// showOn is show on another file.
func (o output) showOn(f *os.File, failed *error) (func(lesson.Event), error) {
	look, err := o.lookOn(f)
	if err != nil {
		return nil, err
	}
	text := view.NewText(f, look)
	terminal := term.IsTerminal(f.Fd())
	write := func(e lesson.Event) error {
		if terminal { // its user may have changed its width
			text.Fit(columns(f))
		}
		return text.Show(e)
	}
	if o.json {
		write = view.JSON(f)
	}
	return func(e lesson.Event) {
		if err := write(e); err != nil && *failed == nil {
			*failed = err
		}
	}, nil
}

func (o output) look() (view.Look, error) { return o.lookOn(os.Stdout) }

func (o output) lookOn(f *os.File) (view.Look, error) {
	terminal := term.IsTerminal(f.Fd())
	look := view.Look{Width: columns(f), ASCII: o.plain || !utf8Locale(), Whole: !terminal, Words: o.words}
	switch o.color {
	case "always":
		look.Colour = true
	case "never":
	case "auto":
		look.Colour = terminal && os.Getenv("TERM") != "dumb"
		if force := os.Getenv("CLICOLOR_FORCE"); force != "" && force != "0" {
			look.Colour = true
		}
		if os.Getenv("NO_COLOR") != "" {
			look.Colour = false
		}
	default:
		return look, usageError{fmt.Errorf("--color is auto, always or never, not %q", o.color)}
	}
	if o.plain {
		look.Colour = false
	}
	return look, nil
}

// columns returns the terminal's width; for a non-terminal, $COLUMNS or 80.
func columns(f *os.File) int {
	if n, _, err := term.GetSize(f.Fd()); err == nil && n > 0 {
		return n
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return 80
}

// screen reports whether stderr is a terminal that can take a line away again.
func screen() bool { return term.IsTerminal(os.Stderr.Fd()) && os.Getenv("TERM") != "dumb" }

// level returns --explain, or an error if it is none of the three.
func (o output) level() (lesson.Explain, error) {
	switch e := lesson.Explain(o.explain); e {
	case lesson.Full, lesson.Short, lesson.None:
		return e, nil
	}
	return "", usageError{fmt.Errorf("--explain is full, short or none, not %q", o.explain)}
}

// utf8Locale reports whether the locale has UTF-8, by the rule of locale(7): LC_ALL,
// else LC_CTYPE, else LANG.
func utf8Locale() bool {
	locale := strings.ToLower(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
}
