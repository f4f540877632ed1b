package page

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible is text from outside with what does not print as escapes. A terminal
// would take some of it for orders, and in a browser a bidirectional override
// makes one file name look like another.
func visible(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1, r < ' ', r == 0x7f:
			b.WriteString(escape(s[0]))
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// octets shows bytes one by one, as C and strace write them: what is not
// printable ASCII as an escape, and a backslash as two.
func octets(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		s.WriteString(octet(c))
	}
	return s.String()
}

func octet(c byte) string {
	switch {
	case c == '\\':
		return `\\`
	case c < ' ' || c >= 0x7f:
		return escape(c)
	}
	return string(rune(c))
}

func escape(c byte) string {
	switch c {
	case '\r':
		return `\r`
	case '\n':
		return `\n`
	case '\t':
		return `\t`
	}
	return fmt.Sprintf(`\x%02x`, c)
}
