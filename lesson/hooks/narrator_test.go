package hooks

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fd3/lesson"
	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/netlab/netlabtest"
)

// narrator keeps what is told, and takes a value that nobody has told for a fault.
func narrator(t *testing.T, told *[]lesson.Event) *Narrator {
	return &Narrator{Explain: lesson.Full, Show: func(e lesson.Event) { *told = append(*told, e) }, Complain: func(err error) { t.Error(err) }}
}

// Every trial that this user can make is told with all of its words, and with evidence of
// what they say. Afterwards nothing sits anywhere.
func TestTrials(t *testing.T) {
	n := netlabtest.Up(t)
	root := true
	tell := func(o hooks.Order) []lesson.Event {
		trial, err := hooks.Try(t.Context(), n, o)
		var denied *hooks.DeniedError
		if errors.As(err, &denied) {
			root = false
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		var told []lesson.Event
		narrator(t, &told).Trial(trial)
		return told
	}
	find := func(told []lesson.Event, fact string) string {
		i := slices.IndexFunc(told, func(e lesson.Event) bool { return e.Kind == lesson.KindEvidence && e.Fact == fact })
		if i < 0 {
			return ""
		}
		return told[i].Value
	}
	tell(hooks.Order{Verb: hooks.Watch})
	for _, c := range []struct {
		o           hooks.Order
		means, fact string
		value       string
	}{
		{hooks.Order{Verb: hooks.Drop, At: "output"}, "where the sender's call is still under way. So the call fails: `sendto = -1 EPERM`", "the cable", "^nothing$"},
		{hooks.Order{Verb: hooks.Drop, At: "netdev-egress"}, "Yet the call says `sendto = 5`", "client counted", `UdpSndbufErrors \+1`},
		{hooks.Order{Verb: hooks.Drop, At: "socket"}, "The client is told nothing", "server counted", `UdpInErrors \+1`},
		{hooks.Order{Verb: hooks.Rewrite, At: "postrouting"}, "the receiver sees the type of service 0xb8", "type of service", "^0xb8 at the receiver$"},
		{hooks.Order{Verb: hooks.Redirect, At: "netdev-ingress"}, "47 bytes came out there", "other interface", "^47 bytes came out there$"},
		{hooks.Order{Verb: hooks.Rewrite, At: "cgroup-egress"}, "This one it has refused", "type of service", "^0x0 at the receiver$"},
	} {
		told := tell(c.o)
		if told == nil {
			continue
		}
		words := ""
		for _, e := range told {
			if e.Section == "meaning" {
				words = strings.Join(strings.Fields(e.Text), " ")
			}
		}
		if !strings.Contains(words, c.means) {
			t.Errorf("%v: %s", c.o, words)
		}
		if value := find(told, c.fact); !regexp.MustCompile(c.value).MatchString(value) {
			t.Errorf("%v: %s: %q", c.o, c.fact, value)
		}
	}
	if why := find(tell(hooks.Order{Verb: hooks.Drop, At: "cgroup-egress"}), "why"); root && why != "BPF_CGROUP_EGRESS, in ip_finish_output()" {
		t.Errorf("why: %q", why)
	}
	for _, o := range []hooks.Order{{Verb: hooks.Watch}, {Verb: hooks.Drop, At: "cgroup-egress"}, {Verb: hooks.Drop, At: "netdev-egress"}, {Verb: hooks.Drop, At: "input"}, {Verb: hooks.Drop, At: "socket"}} {
		var words, drawn, next string
		for _, e := range tell(o) {
			switch {
			case e.Section == "next":
				next += e.Command + "\n"
			case e.Way != nil:
				for _, s := range e.Way.Stops {
					drawn += s.Text + "\n"
				}
			default:
				words += e.Text
			}
		}
		if timed := strings.Contains(drawn, "+"); timed != strings.Contains(words, "The times count") {
			t.Errorf("%v: times in the drawing: %v\n%s\n%s", o, timed, drawn, words)
		}
		if given := fmt.Sprintf("fd3 hooks %s --at %s\n", o.Verb, o.At); strings.Contains(next, given) {
			t.Errorf("next is %q once more", given)
		}
	}
	var told []lesson.Event
	sits, err := hooks.Sits(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	for _, own := range []bool{true, false} {
		narrator(t, &told).Places(sits, own)
	}
	var stops []lesson.Stop
	for _, e := range told {
		if e.Way != nil {
			stops = e.Way.Stops
		}
	}
	for _, s := range stops {
		if len(s.Sits) > 0 && !strings.HasPrefix(s.Place, "cgroup") { // the machine may have programs at its cgroups
			t.Errorf("after all trials there is %v at %s", s.Sits, s.Place)
		}
	}
	if len(stops) != len(hooks.Places) {
		t.Errorf("%d places", len(stops))
	}
}

// A connection is told with all of its words, whatever a program at sockops does.
func TestConnection(t *testing.T) {
	n := netlabtest.Up(t)
	for _, v := range hooks.Verbs {
		c, err := hooks.Connect(t.Context(), n, hooks.Order{Verb: v, At: hooks.Sockops.Name})
		var denied *hooks.DeniedError
		var unable *hooks.UnableError
		if errors.As(err, &denied) || errors.As(err, &unable) { // no root, or no cgroups of version 2
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		var told []lesson.Event
		narrator(t, &told).Connection(c)
		text := strings.Join(strings.Fields(allWords(told)), " ")
		for _, e := range told {
			if e.Kind == lesson.KindMoments && (e.Moments[0].After != 0 || e.Moments[0].Host != netlab.Server) {
				t.Errorf("%+v", e.Moments[0])
			}
			for _, m := range e.Moments {
				if !strings.Contains(text, "`"+m.Name+"`: ") {
					t.Errorf("%s: nobody says what %s is", v, m.Name)
				}
			}
		}
		want := map[hooks.Verb]string{hooks.Watch: "From `FIN_WAIT2` the client's socket comes to CLOSE", hooks.Drop: "the server's call says `recvfrom = 5`",
			hooks.Rewrite: "segments have the type of service 0xb8, the SYN too", hooks.Redirect: "The connection came about as any other"}[v]
		if !strings.Contains(text, want) {
			t.Errorf("%s: %s", v, text)
		}
	}
}

// allWords are the texts of Events.
func allWords(told []lesson.Event) (text string) {
	for _, e := range told {
		text += e.Text
	}
	return text
}
