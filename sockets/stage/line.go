package stage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// maxLine bounds one Order or Report. It leaves room for what one send or recv
// may carry, in base64.
const maxLine = 8 << 20

// MaxData is how many bytes one Order may send.
const MaxData = 1 << 20

// A Line is how a background process is spoken with, a connection of its control socket
// or a socketpair(2): JSON values, one a line, both ways.
type Line struct {
	FD   int
	rest []byte // read, but beyond the last line
}

// Write writes a value, which is at most 8 MiB as JSON.
func (l *Line) Write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	for len(b) > 0 {
		n, err := unix.SendmsgN(l.FD, b, nil, nil, unix.MSG_NOSIGNAL)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// Read fills v from the next line. It returns io.EOF when the peer has closed.
func (l *Line) Read(v any) error {
	for {
		if i := bytes.IndexByte(l.rest, '\n'); i >= 0 {
			err := json.Unmarshal(l.rest[:i], v)
			l.rest = l.rest[i+1:]
			return err
		}
		if len(l.rest) > maxLine {
			return fmt.Errorf("a line of more than %d bytes", maxLine)
		}
		buf := make([]byte, 4096)
		n, err := unix.Read(l.FD, buf)
		switch {
		case err == unix.EINTR:
		case errors.Is(err, unix.ECONNRESET), err == nil && n == 0:
			return io.EOF
		case err != nil:
			return err
		default:
			l.rest = append(l.rest, buf[:n]...)
		}
	}
}

// Close hangs up.
func (l *Line) Close() { unix.Close(l.FD) }

// ask sends one order and gives its reports to each until that says to stop. It
// fails with an *EndedError when the line ends before that.
func (l *Line) ask(role Role, o Order, each func(Report) (more bool)) error {
	o.Version = Version()
	if err := l.Write(o); err != nil {
		return broken(role, o, err)
	}
	for {
		var report Report
		if err := l.Read(&report); err != nil {
			return broken(role, o, err)
		}
		switch {
		case report.Version != Version() && !report.Bye:
			return &VersionError{role, report.PID, report.Version}
		case report.Busy != nil:
			return &BusyError{*report.Busy}
		case report.Error != "":
			return errors.New(report.Error)
		}
		if !each(report) {
			return nil
		}
	}
}

func broken(role Role, o Order, err error) error {
	if err == io.EOF || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		return &EndedError{role, o.Do}
	}
	return err
}

// final reports whether a call is at its end: it has returned, and is not made again
// because a signal had interrupted it.
func final(c sockets.Call) bool {
	return c.Returned && (c.Errno != unix.EINTR || c.Name == "close")
}
