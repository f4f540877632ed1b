package sockets

import (
	"fmt"
	"strings"
)

// QuoteLimit is how many bytes of a buffer strace(1) shows without -s.
const QuoteLimit = 32

// Quote returns bytes as an argument of a Call shows them, and strace(1) too: a C
// string with octal escapes, cut after QuoteLimit bytes.
func Quote(b []byte) string {
	cut := len(b) > QuoteLimit
	if cut {
		b = b[:QuoteLimit]
	}
	s := cString(b)
	if cut {
		s += "..."
	}
	return s
}

// cString writes bytes as a C string literal with the shortest escapes.
func cString(b []byte) string {
	var s strings.Builder
	s.Grow(len(b) + len(`""`) + len(`...`))
	s.WriteByte('"')
	for i, c := range b {
		switch c {
		case '"', '\\':
			s.WriteByte('\\')
			s.WriteByte(c)
		case '\n':
			s.WriteString(`\n`)
		case '\r':
			s.WriteString(`\r`)
		case '\t':
			s.WriteString(`\t`)
		case '\v':
			s.WriteString(`\v`)
		case '\f':
			s.WriteString(`\f`)
		default:
			switch {
			case c >= 0x20 && c < 0x7f:
				s.WriteByte(c)
			case i+1 < len(b) && b[i+1] >= '0' && b[i+1] <= '7':
				fmt.Fprintf(&s, `\%03o`, c) // an octal digit follows: it must not join the escape
			default:
				fmt.Fprintf(&s, `\%o`, c)
			}
		}
	}
	s.WriteByte('"')
	return s.String()
}
