package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"
	"golang.org/x/sys/unix"

	"fd3/lesson/step"
	"fd3/lesson/view"
)

// glance is how often the kernel is asked whether anything has changed.
const glance = 250 * time.Millisecond

// Orders to a terminal: a screen of its own without a cursor, and back.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	topLeft     = "\x1b[H"
	clearRight  = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// redraw draws what the kernel has, and again when it has changed or the terminal has
// another size, until the command is interrupted.
func (a *app) redraw(ctx context.Context, r *step.Runner) error {
	if a.json {
		return usageError{errors.New("--watch draws on a terminal, and --json is for a program: run fd3 status --json again and again")}
	}
	if !term.IsTerminal(os.Stdout.Fd()) || os.Getenv("TERM") == "dumb" {
		return usageError{errors.New("--watch draws on a terminal, and stdout is none: run fd3 status")}
	}
	look, err := a.look()
	if err != nil {
		return err
	}
	leave := ownScreen()
	defer leave()
	lookout := step.Lookout{Parties: r.Parties, Cable: r.Cable}
	var shown string
	for tick := time.NewTicker(glance); ; {
		drawn, err := a.frame(ctx, &lookout, look)
		if err != nil {
			return err
		}
		if drawn != shown {
			if _, err := io.WriteString(os.Stdout, drawn); err != nil {
				return err
			}
			shown = drawn
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// frame returns a whole screen, as the terminal has to show it now.
func (a *app) frame(ctx context.Context, lookout *step.Lookout, look view.Look) (string, error) {
	e, err := lookout.Look(ctx)
	if err != nil {
		return "", err
	}
	width, height, err := term.GetSize(os.Stdout.Fd())
	if err != nil {
		return "", err
	}
	look.Width, look.Rows = width, max(height-2, 1) // below two lines
	var out bytes.Buffer
	fmt.Fprintf(&out, "%.*s\n", width, fmt.Sprintf("stage %s, as the kernel has it. Ctrl-C ends this.", a.stage))
	out.WriteByte('\n')
	if len(e.Snapshot.Hosts) == 0 {
		fmt.Fprintf(&out, "%.*s\n", width, a.flag.line("No process runs. In another terminal: fd3 socket"))
	} else if err := view.NewText(&out, look).Show(e); err != nil {
		return "", err
	}
	return wholeScreen(out.String(), height), nil
}

// ownScreen gives what is drawn a screen of its own, until it is left.
func ownScreen() (leave func()) {
	restore := quietKeys()
	io.WriteString(os.Stdout, enterScreen)
	return func() {
		io.WriteString(os.Stdout, leaveScreen)
		restore()
	}
}

// wholeScreen is a text that takes the place of all that is on a screen.
func wholeScreen(text string, height int) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	lines = lines[:min(len(lines), height)]
	return topLeft + strings.Join(lines, clearRight+"\r\n") + clearRight + clearBelow
}

// quietKeys turns the echo of the terminal off, as long as nobody reads its keys. restore
// turns it on again.
func quietKeys() (restore func()) {
	fd := int(os.Stdin.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil { // stdin is no terminal
		return func() {}
	}
	quiet := *before
	quiet.Lflag &^= unix.ECHO
	unix.IoctlSetTermios(fd, unix.TCSETS, &quiet)
	return func() { unix.IoctlSetTermios(fd, unix.TCSETSF, before) }
}
