package httpmini

import (
	"errors"
	"fmt"
)

// ErrMore means that the bytes so far are a good beginning, no more: read again
// and parse the longer buffer.
var ErrMore = errors.New("the message is not complete yet")

// BadError is the error for bytes that no further ones can make a message of.
type BadError struct {
	// Offset of the byte that shows it, in the buffer that was parsed. For
	// something that is missing it is where the head ends.
	Offset int
	// Status to answer with. The connection is to be closed after that, since
	// nobody knows where the next request starts. It is 0 in a response.
	Status int
	// Why is a sentence about the fault, with the section that forbids it.
	Why string
}

func (e *BadError) Error() string {
	return fmt.Sprintf("byte %d: %s", e.Offset, e.Why)
}

// bad is not inlined, to keep what is rare out of the functions that are fast.
//
//go:noinline
func bad(offset, status int, format string, args ...any) error {
	return &BadError{Offset: offset, Status: status, Why: fmt.Sprintf(format, args...)}
}

// misplaced tells of the byte c that may not stand in part. The bytes that end
// lines and strings have reasons of their own; the others break rule.
func misplaced(offset int, c byte, part, rule string) error {
	switch {
	case c == '\n':
		return bad(offset, 400, "a bare LF stands in the %s: a line ends with CR LF, and programs that disagree about a lone LF see different messages (RFC 9112 section 2.2)", part)
	case c == '\r':
		return bad(offset, 400, "a CR stands in the %s: outside of a line's end, CR LF, it is refused (RFC 9112 section 2.2)", part)
	case c == 0:
		return bad(offset, 400, "a NUL byte stands in the %s, and a program in C would take it for the end: %s", part, rule)
	}
	return bad(offset, 400, "%s stands in the %s: %s", octet(c), part, rule)
}

// octet names a byte for people.
func octet(c byte) string {
	switch {
	case c == ' ':
		return "a space"
	case c == '\t':
		return "a tab"
	case c < ' ' || c == 0x7f:
		return fmt.Sprintf("the control byte 0x%02X", c)
	case c > 0x7f:
		return fmt.Sprintf("the byte 0x%02X", c)
	}
	return fmt.Sprintf("the byte %q", c)
}
