package stage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// maxLine bounds one Order or Report. It leaves room for what one send or recv
// may carry, in base64.
const maxLine = 8 << 20

// MaxData is how many bytes one Order may send.
const MaxData = 1 << 20

// A line is a connection of the control socket: JSON values, one a line, both ways.
type line struct {
	fd   int
	rest []byte // read, but beyond the last line
}

func (l *line) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	for len(b) > 0 {
		n, err := unix.SendmsgN(l.fd, b, nil, nil, unix.MSG_NOSIGNAL)
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

// read fills v from the next line. It returns io.EOF when the peer has closed.
func (l *line) read(v any) error {
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
		n, err := unix.Read(l.fd, buf)
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

func (l *line) close() { unix.Close(l.fd) }
