package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	"fd3/lesson/step"
	"fd3/sockets/stage"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// A usageError is a mistake in using fd3.
type usageError struct{ error }

// exitCode returns the exit code of a command, and writes the one line that its error
// needs. An error that a lesson has told already has no line.
func exitCode(err error) int {
	var usage usageError
	var version *stage.VersionError
	var folder *stage.FolderError
	var ended *stage.EndedError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, step.ErrFailed), errors.Is(err, step.ErrBusy), errors.Is(err, step.ErrTaken):
		return exitFailed
	case errors.Is(err, step.ErrLeft), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage):
		complain("%s", err)
		return exitUsage
	case errors.As(err, &version):
		complain("%s. Run: fd3 reset", err)
	case errors.As(err, &folder):
		complain("%s. Set XDG_RUNTIME_DIR to a folder of your own for the control sockets", err)
	case errors.As(err, &ended):
		complain("%s. Its sockets are closed with it. Run: fd3 status", err)
	default:
		if limit := stage.LimitBehind(err); limit != "" {
			err = fmt.Errorf("%w. The limit here: %s", err, limit)
		}
		complain("%s", err)
	}
	return exitFailed
}

// complain writes one line to stderr. Words that were typed may stand in it, and on a
// terminal a control character would be an order.
func complain(format string, args ...any) {
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, fmt.Sprintf(format, args...))
	fmt.Fprintln(os.Stderr, "fd3: "+line)
}
