package sockets

import (
	"strings"
	"testing"
)

func TestQuote(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{"a\"b\\c", `"a\"b\\c"`},
		{"\r\n\t\v\f", `"\r\n\t\v\f"`},
		{"\x00", `"\0"`},
		{"\x007", `"\0007"`},
		{"\x008", `"\08"`},
		{"\x1b[m\x7f\xff", `"\33[m\177\377"`},
		{strings.Repeat("x", 32), `"` + strings.Repeat("x", 32) + `"`},
		{strings.Repeat("x", 33), `"` + strings.Repeat("x", 32) + `"...`},
	} {
		if got := Quote([]byte(c.in)); got != c.want {
			t.Errorf("%q: %s, not %s", c.in, got, c.want)
		}
	}
}
