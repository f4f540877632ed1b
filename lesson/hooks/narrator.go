package hooks

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets"
	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
)

//go:embed hooks.md
var text string

// page returns hooks.md.
var page = sync.OnceValue(func() words.Page { return words.Read(text) })

// A Narrator tells of trials.
type Narrator struct {
	Explain lesson.Explain
	Show    func(lesson.Event)
	// Complain hears of a value that the words name and nobody has told. A learner gets the
	// paragraph left out; a test fails.
	Complain func(error)
}

func (n *Narrator) show(e lesson.Event) {
	if e.Step = "hooks"; e.Process == "" {
		e.Process, e.PID = "fd3", os.Getpid()
	}
	n.Show(e)
}

// say shows sections of the words, one below the other.
func (n *Narrator) say(section string, values map[string]string, headings ...string) {
	var all []string
	for _, heading := range headings {
		raw, ok := page().Section(heading)
		if !ok {
			n.complain(fmt.Errorf("hooks.md has no section %q", heading))
		}
		filled, err := words.FillParagraphs(raw, values)
		if err != nil {
			n.complain(err)
		}
		if filled != "" {
			all = append(all, filled)
		}
	}
	if len(all) > 0 {
		n.show(lesson.Event{Kind: lesson.KindText, Section: section, Text: strings.Join(all, "\n\n")})
	}
}

func (n *Narrator) complain(err error) {
	if n.Complain != nil {
		n.Complain(err)
	}
}

// next shows what to type next, other than the command that was just given.
func (n *Narrator) next(heading string, values map[string]string, given string) {
	if n.Explain != lesson.Full {
		return
	}
	raw, _ := page().Section(heading)
	items, err := words.Commands(raw, values)
	if err != nil {
		n.complain(err)
	}
	for _, item := range items {
		if item.Name == given {
			continue
		}
		n.show(lesson.Event{Kind: lesson.KindText, Section: "next", Command: item.Name, Text: item.Text})
	}
}

// Places tells of the places, and what sits there. own is whether the network is the
// learner's, and not one that is there for this alone.
func (n *Narrator) Places(sits map[string]hooks.Sitting, own bool) {
	n.show(lesson.Event{Kind: lesson.KindStep, Title: page().Title})
	heading := "places"
	if own {
		heading = "places own"
	}
	if n.Explain != lesson.None {
		n.say("before", nil, heading)
	}
	way := newWay()
	for _, p := range hooks.Places {
		s := lesson.Stop{Place: p.Name, Host: p.Host, Layer: p.Layer, Function: p.Function, Sits: sits[p.Name].What}
		switch untold := sits[p.Name].Untold; {
		case p.Name == "socket":
			s.Text = "each has its own"
		case len(s.Sits) > 0:
			s.Text = strings.Join(s.Sits, "; ")
		case untold != "":
			s.Text = "untold: eBPF"
		default:
			s.Text = "nothing"
		}
		way.Stops = append(way.Stops, s)
	}
	n.show(lesson.Event{Kind: lesson.KindWay, Way: &way})
	sockops := lesson.Evidence{Fact: hooks.Sockops.Name, Value: "nothing", Source: "bpf(2), BPF_PROG_QUERY of the cgroup of these hosts' processes"}
	switch s := sits[hooks.Sockops.Name]; {
	case len(s.What) > 0:
		sockops.Value = strings.Join(s.What, "; ")
	case s.Untold != "":
		sockops.Value = "untold: eBPF"
	}
	n.show(sockops.Event())
	if n.Explain == lesson.Full {
		headings := []string{"who"}
		if slices.ContainsFunc(slices.Collect(maps.Values(sits)), func(s hooks.Sitting) bool { return s.Untold != "" }) {
			headings = append(headings, "untold")
		}
		n.say("meaning", nil, headings...)
	}
	n.next("places next", nil, "fd3 hooks")
}

func newWay() lesson.Way {
	return lesson.Way{Left: lesson.Side{Name: netlab.Client, Address: netlab.ClientAddr}, Right: lesson.Side{Name: netlab.Server, Address: netlab.ServerAddr}}
}

// Way returns the way of a packet that was sent.
func Way(t *hooks.Trial) lesson.Way {
	way := newWay()
	way.Sent, way.Received = brief(t.Sent), brief(t.Received)
	if t.Cable != nil {
		way.Cable = lesson.Counted(len(t.Cable.Data), "byte")
	}
	way.Stops = stops(t)
	return way
}

// Trial tells of a packet that was sent.
func (n *Narrator) Trial(t *hooks.Trial) {
	values := n.values(t)
	title := fmt.Sprintf("hooks: %s everywhere", t.Verb)
	if t.At != "" {
		title = fmt.Sprintf("hooks: %s at %s", t.Verb, t.At)
	}
	n.show(lesson.Event{Kind: lesson.KindStep, Title: title})
	if n.Explain != lesson.None {
		n.say("before", values, "before "+string(t.Verb))
	}
	if t.At != "" {
		n.program(t.Stop(t.At))
	}
	n.call(netlab.Client, t.PID[netlab.Client], t.Sent)
	way := Way(t)
	n.show(lesson.Event{Kind: lesson.KindWay, Way: &way})
	n.call(netlab.Server, t.PID[netlab.Server], t.Received)
	n.evidence(t)
	if n.Explain == lesson.Full {
		headings := []string{"meaning " + outcome(t)}
		if headings[0] == "meaning refused" {
			headings = append(headings, "meaning went on")
		}
		if mode := t.Stop("xdp").XDP; t.At == "xdp" && (mode == "native" || mode == "generic") {
			headings = append(headings, "xdp "+mode)
		}
		if t.Cable == nil && t.Sent.Errno == 0 && t.Moved[netlab.Client]["Udp.SndbufErrors"] > 0 {
			headings = append(headings, "hidden")
		}
		if values["clock"] != "" {
			headings = append(headings, "clock")
		}
		if values["unseen"] != "" {
			headings = append(headings, "unseen")
		}
		if values["unfit"] != "" {
			headings = append(headings, "unfit")
		}
		n.say("meaning", values, headings...)
	}
	n.next("next "+string(t.Verb), values, fmt.Sprintf("fd3 hooks %s --at %s", t.Verb, t.At))
}

// call shows a call of one of the two processes.
func (n *Narrator) call(host string, pid int, c sockets.Call) {
	e := lesson.Returned(c)
	e.Process, e.PID, e.Title, e.Recap = host, pid, host, true
	n.show(e)
}

// brief is a call by its name, with its result.
func brief(c sockets.Call) string {
	if c.Errno != 0 {
		return fmt.Sprintf("%s = -1 %s", c.Name, c.ErrnoName())
	}
	return fmt.Sprintf("%s = %d", c.Name, c.Ret)
}

// outcome is the section of the words that fits what became of the packet.
func outcome(t *hooks.Trial) string {
	if t.At != "" && t.Stop(t.At).Refused != 0 {
		return "refused"
	}
	if t.Verb != hooks.Drop {
		return string(t.Verb)
	}
	switch {
	case t.Sent.Errno != 0:
		return "drop told"
	case t.Cable == nil:
		return "drop untold"
	}
	return "drop server"
}

// values are those of the words.
func (n *Narrator) values(t *hooks.Trial) map[string]string {
	v := map[string]string{"verb": string(t.Verb), "at": t.At, "bytes": lesson.Counted(len(t.Data), "byte"), "service": fmt.Sprintf("%#x", hooks.Service), "got": fmt.Sprintf("%#x", t.Service),
		"sent": brief(t.Sent), "received": brief(t.Received)}
	if slices.ContainsFunc(stops(t), timed) {
		v["clock"] = t.Stops[slices.IndexFunc(t.Stops, func(s hooks.Stop) bool { return s.Time != 0 && s.Packets > 0 })].Place.Name
	}
	v["unseen"], v["unfit"] = strings.Join(unseen(t), ", "), strings.Join(unfit(t), ", ")
	if len(t.Aside) > 0 {
		v["aside"] = lesson.Counted(t.Aside[0], "byte")
	}
	return v
}

// stops are the places with what became of the packet there.
func stops(t *hooks.Trial) (all []lesson.Stop) {
	var first int64
	ended := false // it is known to have gone no further
	for _, s := range t.Stops {
		stop := lesson.Stop{Place: s.Place.Name, Host: s.Host, Layer: s.Layer, Function: s.Function, Means: string(s.Means), How: s.How, Length: s.Length, Counted: s.Counted}
		at := s.Place.Name == t.At && s.Refused == 0
		came := s.Packets > 0 || s.Blind && !ended && (t.Received.Errno == 0 || at)
		switch {
		case came && at && t.Verb == hooks.Drop:
			stop.Fate = lesson.Stopped
		case came && at && t.Verb == hooks.Redirect:
			stop.Fate = lesson.Redirected
		case came && at && t.Verb == hooks.Rewrite:
			stop.Fate = lesson.Rewritten
		case came:
			stop.Fate = lesson.Seen
		case s.Means == "" || s.Refused != 0:
			stop.Fate = lesson.Unseen
			if ended {
				stop.Fate = lesson.Missed
			}
		default:
			stop.Fate = lesson.Missed
		}
		ended = ended || stop.Fate == lesson.Stopped || stop.Fate == lesson.Redirected
		if s.Time != 0 && s.Packets > 0 {
			if first == 0 {
				first = s.Time
			}
			stop.After = s.Time - first
		}
		stop.Text = inWords(stop, s)
		all = append(all, stop)
	}
	return all
}

// inWords is a stop in a few words.
func inWords(stop lesson.Stop, s hooks.Stop) string {
	var all []string
	switch {
	case s.Refused != 0:
		return "refused"
	case stop.Fate == lesson.Unseen && denied(s):
		return "eBPF alone sees it"
	case stop.Fate == lesson.Unseen:
		return "nobody looked"
	case stop.Fate == lesson.Missed:
		return "did not come here"
	case stop.Length > 0:
		all = append(all, lesson.Counted(stop.Length, "byte"))
	case stop.Counted > 0 && stop.Fate == lesson.Seen:
		all = append(all, lesson.Counted(stop.Counted, "byte")+" counted")
	case stop.Counted > 0: // for more there is no room
		all = append(all, fmt.Sprintf("%d counted", stop.Counted))
	case s.Blind:
		all = append(all, "passed")
	}
	if stop.Fate != lesson.Seen {
		if s.Blind {
			all = nil
		}
		all = append(all, string(stop.Fate))
	} else if timed(stop) {
		all = append(all, "+"+lesson.Took(time.Duration(stop.After)))
	}
	return strings.Join(all, ", ")
}

// timed reports whether a stop tells when the packet was there.
func timed(s lesson.Stop) bool { return s.Fate == lesson.Seen && s.After > 0 }

// denied reports whether a place has nothing since its eBPF program is for root.
func denied(s hooks.Stop) bool {
	return s.Means == "" && slices.ContainsFunc(s.Failed, func(f hooks.Failure) bool { return f.Errno == unix.EPERM || f.Errno == unix.EACCES })
}

// unseen are the places where nothing could be put that sees, and it is for root.
func unseen(t *hooks.Trial) (all []string) {
	for _, s := range t.Stops {
		if denied(s) {
			all = append(all, "`"+s.Place.Name+"`")
		}
	}
	return all
}

// unfit are the places where nothing could be put for another reason, with the reason.
func unfit(t *hooks.Trial) (all []string) {
	for _, s := range t.Stops {
		if s.Means == "" && !denied(s) && len(s.Failed) > 0 {
			all = append(all, fmt.Sprintf("`%s` (%s)", s.Place.Name, s.Failed[len(s.Failed)-1].Error))
		}
	}
	return all
}

// mostLog is how many lines of a verifier's log are told: the last ones say what is wrong.
const mostLog = 4

// program shows what was put at a place.
func (n *Narrator) program(s *hooks.Stop) {
	p := lesson.Program{Place: s.Place.Name, Means: string(s.Means), How: s.How}
	for _, l := range s.Program {
		p.Lines = append(p.Lines, lesson.ProgramLine{Code: l.Code, Does: l.Does})
	}
	if s.Refused != 0 {
		p.Refused = sockets.Call{Errno: s.Refused}.ErrnoName() + " (" + sockets.Meaning(s.Refused) + ")"
		said := slices.DeleteFunc(slices.Clone(s.Log), func(line string) bool { return strings.HasPrefix(line, "processed ") || strings.TrimSpace(line) == "" })
		for _, line := range said[max(len(said)-mostLog, 0):] {
			instruction, _, _ := strings.Cut(line, "  ;") // behind it stands what each register may be
			p.Log = append(p.Log, strings.TrimRight(instruction, " "))
		}
	}
	n.show(lesson.Event{Kind: lesson.KindProgram, Title: fmt.Sprintf("%s at %s", s.Means, s.Place.Name), Program: &p})
}

// evidence shows what else tells of the packet: the cable, the kernel's counters, its
// reason.
func (n *Narrator) evidence(t *hooks.Trial) {
	show := func(e lesson.Evidence) { n.show(e.Event()) }
	cable := lesson.Evidence{Fact: "the cable", Value: "nothing", Source: "packet(7) at the cable's end of net0"}
	if t.Cable != nil {
		cable.Value = fmt.Sprintf("%s: %s", lesson.Counted(len(t.Cable.Data), "byte"), t.Cable.Summary)
	}
	show(cable)
	for _, e := range Counted(t) {
		show(e)
	}
	if mode := t.Stop("xdp").XDP; mode != "" && (t.At == "xdp" || t.At == "") {
		show(lesson.Evidence{Fact: "xdp", Value: mode, Source: "rtnetlink(7), RTM_GETLINK: IFLA_XDP_ATTACHED"})
	}
	if t.Verb == hooks.Redirect && t.Stop(t.At).Refused == 0 {
		aside := lesson.Evidence{Fact: "other interface", Value: "nothing", Source: "packet(7) at its end"}
		if len(t.Aside) > 0 {
			aside.Value = lesson.Counted(t.Aside[0], "byte") + " came out there"
		}
		show(aside)
	}
	if t.Verb == hooks.Rewrite && t.Received.Errno == 0 {
		show(lesson.Evidence{Fact: "type of service", Value: fmt.Sprintf("%#x at the receiver", t.Service), Source: "recvmsg(2), IP_RECVTOS (ip(7))"})
	}
	for _, host := range []string{netlab.Client, netlab.Server} {
		if moved := counters(t, host); moved != "" {
			show(lesson.Evidence{Fact: host + " counted", Value: moved, Source: "/proc/net/snmp of its host, before and after"})
		}
	}
	if d := t.Dropped; d != nil {
		e := lesson.Evidence{Fact: "why", Value: d.Reason, Source: "tracepoint skb:kfree_skb"}
		if d.Function != "" {
			e.Value += ", in " + d.Function + "()"
		}
		show(e)
	}
}

// Counted is evidence of the places where the packet was longer than a counter has it.
func Counted(t *hooks.Trial) (all []lesson.Evidence) {
	for _, s := range t.Stops {
		if s.Counted == 0 {
			continue
		}
		all = append(all, lesson.Evidence{Fact: s.Place.Name, Value: lesson.Counted(s.Counted, "byte") + " counted", Source: "rtnetlink(7), RTM_GETQDISC: the counter of clsact",
			Note: "It counts before Ethernet's 14 bytes are put in front again: the program gets the packet with them."})
	}
	return all
}

// told are the counters that say something of a datagram, in the order of the way.
var told = []string{"Ip.OutRequests", "Ip.OutDiscards", "Udp.OutDatagrams", "Udp.SndbufErrors", "Ip.InReceives", "Ip.InDelivers", "Udp.InDatagrams", "Udp.InErrors"}

// counters are those of a host that have moved, as nstat(8) names them.
func counters(t *hooks.Trial, host string) string {
	var all []string
	for _, name := range told {
		if by := t.Moved[host][name]; by != 0 {
			all = append(all, fmt.Sprintf("%s %+d", strings.Replace(name, ".", "", 1), by))
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}
