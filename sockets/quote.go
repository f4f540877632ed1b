package sockets

import (
	"fmt"
	"strings"
)

// quoteLimit is how many bytes of a buffer strace(1) shows without -s.
const quoteLimit = 32

// Quote returns bytes as an argument of a Call shows them, and strace(1) too: a C
// string with octal escapes, cut after 32 bytes (quoteLimit).
func Quote(b []byte) string {
	cut := len(b) > quoteLimit
	if cut {
		b = b[:quoteLimit]
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
