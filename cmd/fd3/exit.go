package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/term"
	"golang.org/x/sys/unix"

	"fd3/lesson/step"
	"fd3/lesson/view"
	"fd3/sockets"
	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/path"
	"fd3/sockets/stage"
	"fd3/sockets/watch"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitDenied      = 77 // a privilege is missing
	exitInterrupted = 130
)

// A usageError is a mistake in using fd3.
type usageError struct{ error }

// exitCode returns the exit code of a command, and writes the one line that its error
// needs. An error that a lesson has told already has no line.
func exitCode(err error, on stageFlag) int {
	complain := func(format string, args ...any) { complain("%s", on.line(fmt.Sprintf(format, args...))) }
	var usage usageError
	var version *stage.VersionError
	var folder *stage.FolderError
	var ended *stage.EndedError
	var denied *netlab.DeniedError
	var forRoot *hooks.DeniedError
	var untraced *path.DeniedError
	var tracer *path.NoTracerError
	var untraceable *watch.DeniedError
	var program programExit
	switch {
	case err == nil, errors.Is(err, step.ErrHeld):
		return exitOK
	case errors.Is(err, step.ErrFailed), errors.Is(err, step.ErrBusy), errors.Is(err, step.ErrTaken):
		return exitFailed
	case errors.Is(err, step.ErrLeft), errors.Is(err, context.Canceled):
		return exitInterrupted
	case readerGone(err):
		dieOf(unix.SIGPIPE)
	case errors.As(err, &usage):
		complain("%s", err)
		return exitUsage
	case errors.As(err, &program):
		return int(program)
	case errors.As(err, &denied), errors.As(err, &forRoot), errors.As(err, &untraced), errors.As(err, &untraceable), errors.As(err, &tracer) && errors.Is(tracer, os.ErrPermission):
		complain("%s", err)
		return exitDenied
	case errors.As(err, &version):
		complain("%s. Run: fd3 reset", err)
	case errors.As(err, &folder):
		complain("%s. %s", err, folder.Remedy())
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

// readerGone reports whether nobody reads stdout any more, as in fd3 lessons | head -1.
// Then fd3 dies of SIGPIPE without a word, as programs do that never heard of it: the Go
// runtime sees to that at each write to stdout, unless fd3 serve has ignored the signal to
// end in order first.
func readerGone(err error) bool {
	var file *os.PathError
	return errors.As(err, &file) && file.Path == os.Stdout.Name() && file.Err == unix.EPIPE
}

// dieOf ends this process by a signal, as one would that does nothing about it. That is not
// signal.Reset: where the signal was ignored when fd3 began, it would be again.
func dieOf(s unix.Signal) {
	new(sockets.Tracer).RtSigaction(s, sockets.SIG_DFL)
	unix.Kill(unix.Getpid(), s)
}

// complain writes one line to stderr, which a narrow terminal gets in several. Words that
// were typed may stand in it, and on a terminal a control character would be an order.
func complain(format string, args ...any) {
	line := "fd3: " + strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, strings.TrimPrefix(fmt.Sprintf(format, args...), "fd3 ")) // a command's name may begin it
	if term.IsTerminal(os.Stderr.Fd()) {
		line = view.Wrap(line, columns(os.Stderr))
	}
	fmt.Fprintln(os.Stderr, line)
}
