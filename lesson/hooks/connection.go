package hooks

import (
	"fmt"
	"net/netip"
	"strings"

	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/wire"
)

// Connection tells of a connection at whose moments a program was called.
func (n *Narrator) Connection(c *hooks.Connection) {
	values := connectionValues(c)
	n.show(lesson.Event{Kind: lesson.KindStep, Title: fmt.Sprintf("hooks: %s at %s", c.Verb, hooks.Sockops.Name)})
	if n.Explain != lesson.None {
		n.say("before", values, "before sockops", "before sockops "+string(c.Verb))
	}
	put := c.Puts[netlab.Client]
	n.program(&hooks.Stop{Place: hooks.Sockops, Put: put})
	for _, m := range c.Calls {
		n.call(m.Host, c.PID[m.Host], m.Call)
	}
	if len(c.Moments) > 0 {
		n.show(lesson.Event{Kind: lesson.KindMoments, Title: "When the program was called", Moments: inOrder(c.Moments)})
		n.names(c)
	}
	n.segments(c)
	if n.Explain == lesson.Full {
		outcome := string(c.Verb)
		if put.Refused != 0 {
			n.say("meaning", values, "meaning refused", "meaning sockops refused")
		} else {
			n.say("meaning", values, "meaning sockops "+outcome)
		}
	}
	n.next("next sockops", values, "fd3 hooks "+string(c.Verb)+" --at "+hooks.Sockops.Name)
}

// inOrder are the moments as an Event has them.
func inOrder(all []hooks.Moment) (told []lesson.Moment) {
	for _, m := range all {
		t := lesson.Moment{Host: netlab.Client, Name: m.Name, State: m.State, To: m.To, Local: m.Local.String(), After: m.TimeNS - all[0].TimeNS}
		if m.Local.Addr() == netip.MustParseAddr(netlab.ServerAddr) {
			t.Host = netlab.Server
		}
		if m.Remote.Port() != 0 {
			t.Remote = m.Remote.String()
		}
		told = append(told, t)
	}
	return told
}

// segments shows what the cable saw of the connection, and with which type of service.
func (n *Narrator) segments(c *hooks.Connection) {
	n.show(lesson.Evidence{Fact: "the cable", Value: lesson.Counted(len(c.Packets), "segment"), Source: "packet(7) at the cable's ends"}.Event())
	if c.Verb != hooks.Rewrite {
		return
	}
	for _, host := range []string{netlab.Client, netlab.Server} {
		with, of := service(c.Packets, host)
		n.show(lesson.Evidence{Fact: "from the " + host, Value: fmt.Sprintf("%d of %s with the type of service %#x", with, lesson.Counted(of, "segment"), hooks.Service), Source: "packet(7): the IP header"}.Event())
	}
	n.show(lesson.Evidence{Fact: "the client's socket", Value: fmt.Sprintf("%#x", c.Service), Source: "getsockopt(2), IP_TOS (ip(7))"}.Event())
}

// service counts the segments of a host, and those of them with the type of service that
// Rewrite gives.
func service(all []wire.Packet, host string) (with, of int) {
	for _, p := range all {
		if p.From != host {
			continue
		}
		of++
		if f := p.Layer("IPv4").Field("DSCP"); f != nil && f.Value == fmt.Sprint(hooks.Service>>2) {
			with++
		}
	}
	return with, of
}

// names says what the moments are, each name once.
func (n *Narrator) names(c *hooks.Connection) {
	if n.Explain != lesson.Full {
		return
	}
	raw, _ := page().Section("moments")
	items, err := words.Commands(raw, nil)
	if err != nil {
		n.complain(err)
	}
	var list strings.Builder
	said := map[string]bool{}
	for _, m := range c.Moments {
		for _, item := range items {
			if item.Name == m.Name && !said[m.Name] {
				fmt.Fprintf(&list, "- `%s`: %s\n", item.Name, item.Text)
				said[m.Name] = true
			}
		}
	}
	n.show(lesson.Event{Kind: lesson.KindText, Section: "moments", Text: list.String()})
}

// connectionValues are those of the words.
func connectionValues(c *hooks.Connection) map[string]string {
	v := map[string]string{"bytes": lesson.Counted(len(c.Data), "byte"), "service": fmt.Sprintf("%#x", hooks.Service), "times": fmt.Sprint(len(c.Moments)), "segments": lesson.Counted(len(c.Packets), "segment")}
	with, of := service(c.Packets, netlab.Client)
	v["with"], v["of"] = fmt.Sprint(with), fmt.Sprint(of)
	for _, m := range c.Calls {
		if m.Host == netlab.Server && m.Name == "recvfrom" && v["received"] == "" {
			v["received"] = brief(m.Call)
		}
	}
	for _, m := range c.Moments {
		if m.To == "CLOSE" && m.Local.Addr() == netip.MustParseAddr(netlab.ClientAddr) {
			v["last"] = m.State
		}
	}
	return v
}
