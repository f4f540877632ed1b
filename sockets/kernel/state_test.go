package kernel

import (
	"strings"
	"testing"
)

// Each state has its name in the kernel, and that in ss(8).
func TestParseState(t *testing.T) {
	short := map[State]string{
		Established: "ESTAB", SynSent: "SYN-SENT", SynRecv: "SYN-RECV", FinWait1: "FIN-WAIT-1", FinWait2: "FIN-WAIT-2",
		TimeWait: "TIME-WAIT", Close: "UNCONN", CloseWait: "CLOSE-WAIT", LastAck: "LAST-ACK", Listen: "LISTEN", Closing: "CLOSING",
	}
	for state, name := range short {
		for _, name := range []string{name, state.String(), strings.ToLower(name)} {
			if got := ParseState(name); got != state {
				t.Errorf("%q is %s, not %s", name, got, state)
			}
		}
	}
	for _, name := range []string{"", "-", "LISTENING", "7"} {
		if got := ParseState(name); got != 0 {
			t.Errorf("%q is %s", name, got)
		}
	}
}
