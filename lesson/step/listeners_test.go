package step

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
)

// A port has a listener, but not at the address that is tried. The facts say where,
// and the command that they print shows the same.
func TestRefusedBesideAListener(t *testing.T) {
	for _, test := range []struct {
		listen, connect string
		domain          int
		at              string // where the listener is, without its port
	}{
		{"127.0.0.1:0", "[::1]", unix.AF_INET6, "127.0.0.1"},
		{"127.0.0.1:0", "127.0.0.2", unix.AF_INET, "127.0.0.1"},
		{"[::1]:0", "127.0.0.1", unix.AF_INET, "[::1]"},
	} {
		t.Run(test.listen+" "+test.connect, func(t *testing.T) {
			h := newStagehand(t)
			h.do("bind", to(parse(t, test.listen)))
			h.do("listen")
			port := h.listenerAddr().Port()
			h.do("socket", asClient, family(test.domain))
			h.fails("connect", "ECONNREFUSED", to(parse(t, fmt.Sprintf("%s:%d", test.connect, port))))
			e := h.fact("listeners")
			if want := fmt.Sprintf("on %s:%d", test.at, port); e.Value != want {
				t.Errorf("the fact is %q, want %q", e.Value, want)
			}
			if shown := shell(t, e.Command); !strings.Contains(shown, strings.TrimPrefix(e.Value, "on ")) {
				t.Errorf("%s shows\n%s, and the fact is %q", e.Command, shown, e.Value)
			}
			if !h.told("On this machine the port does have a listener") {
				t.Error("the words do not say that the port has a listener elsewhere")
			}
		})
	}
}

// Nobody has the port at all; ss(8) agrees, for TCP and for UDP.
func TestRefusedWhereNobodyIs(t *testing.T) {
	nowhere := sockets.InetSockaddr(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t)))
	h := newStagehand(t)
	h.fails("connect", "ECONNREFUSED", to(nowhere))
	h.do("socket", asClient, dgram)
	h.do("connect", to(nowhere))
	h.do("send", asClient)
	h.fails("recv", "ECONNREFUSED", asClient)
	for fact, command := range map[string]string{"listeners": "ss -ltn ", "UDP sockets": "ss -uan "} {
		e := h.fact(fact)
		if want := fmt.Sprintf("none on port %d", nowhere.Port()); e.Value != want || !strings.HasPrefix(e.Command, command) {
			t.Errorf("%s: %q by %q, want %q by %s…", fact, e.Value, e.Command, want, command)
		}
		if shown := shell(t, e.Command); strings.Count(shown, "\n") != 1 {
			t.Errorf("%s: %s shows\n%s", fact, e.Command, shown)
		}
	}
}

// fact returns the last evidence of a name.
func (h *stagehand) fact(name string) lesson.Event {
	h.t.Helper()
	for i := len(h.events) - 1; i >= 0; i-- {
		if e := h.events[i]; e.Kind == lesson.KindEvidence && e.Fact == name {
			return e
		}
	}
	h.t.Fatalf("no evidence of %q", name)
	return lesson.Event{}
}

// told reports whether the words so far have a text, however their lines break.
func (h *stagehand) told(text string) bool {
	for _, e := range h.events {
		if strings.Contains(oneLine(e.Text), text) {
			return true
		}
	}
	return false
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// shell returns what a command that a learner is given prints.
func shell(t *testing.T, command string) string {
	t.Helper()
	if _, err := exec.LookPath(strings.Fields(command)[0]); err != nil {
		t.Skip(err)
	}
	out, err := exec.Command("sh", "-c", command).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}
