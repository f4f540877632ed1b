package cable

import (
	"fmt"
	"strings"
	"time"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// Shaped tells how the interfaces of the hosts are, after they were changed.
func (n *Narrator) Shaped(network *netlab.Network, s netlab.Shape, links []netlab.Link) {
	n.keeper = network.PID
	n.show(lesson.Event{Kind: lesson.KindStep, Title: page().Title})
	switch {
	case n.Explain == lesson.None:
	case s.Offload != nil && *s.Offload:
		n.say("offload on", nil)
	case s.Offload != nil:
		n.say("offload off", nil)
	case s.MTU != 0:
		n.say("mtu", map[string]string{"mtu": fmt.Sprint(s.MTU), "mss": fmt.Sprint(s.MTU - 40)})
	case *s.Rate == 0:
		n.say("no rate", nil)
	default:
		values := map[string]string{"rate": lesson.Rate(*s.Rate), "queue": lesson.Counted(s.Queue, "byte"), "drain": lesson.Took(drain(*s.Rate, s.Queue)), "qdisc": s.Qdisc}
		variant := s.At
		if s.Qdisc != "" && s.Qdisc != netlab.FIFO {
			variant += " fair"
		}
		n.say("rate", values, variant)
	}
	if s.Offload != nil {
		n.offloads(links, true)
	} else {
		n.links(links, true)
	}
	switch {
	case s.Rate != nil && *s.Rate > 0:
		n.commands("next", "rate next", nil)
	case s.Offload != nil && *s.Offload:
		n.commands("next", "offload next", nil)
	}
}

// offloads shows what the hosts leave to their interfaces, where they leave anything.
func (n *Narrator) offloads(links []netlab.Link, all bool) {
	for _, l := range links {
		if l.Host != netlab.AtCable && (all || len(l.Offload) > 0) {
			n.show(Offload(stage.Role(l.Host), l, fmt.Sprintf("fd3 on %s -- ethtool -k %s", l.Host, l.Device)).Event())
		}
	}
}

// drain is how long a full queue takes to be sent.
func drain(rate uint64, queue uint32) time.Duration {
	return time.Duration(float64(queue) * 8 / float64(rate) * float64(time.Second)).Round(100 * time.Microsecond)
}

// links shows the interfaces of the hosts, where something is to be said of them, and the
// ends of the cable.
func (n *Narrator) links(links []netlab.Link, all bool) {
	for _, l := range links {
		if l.Delay > 0 || l.Loss > 0 {
			n.show(netem(l).Event())
			continue
		}
		if !all && l.Rate == 0 && l.MTU == netlab.MostMTU {
			continue
		}
		e := lesson.Evidence{Fact: l.Host + "'s " + l.Device, Value: fmt.Sprintf("MTU %d", l.MTU), Source: "rtnetlink(7)", Command: fmt.Sprintf("fd3 on %s -- ip link show %s", l.Host, l.Device)}
		if l.Host == netlab.AtCable {
			e.Fact = "queue to the " + l.Device
		}
		if l.Rate > 0 {
			e.Command = fmt.Sprintf("fd3 on %s -- tc -s qdisc show dev %s", l.Host, l.Device)
			if l.Qdisc != netlab.FIFO {
				e.Value += ", " + l.Qdisc
			}
			e.Value += fmt.Sprintf(", %s; %s waiting, %s dropped", lesson.Rate(l.Rate), lesson.Counted(l.Waiting, "byte"), lesson.Counted(l.Dropped, "packet"))
			e.Have, e.Full = int64(l.Waiting), int64(l.Queue)
		}
		n.show(e.Event())
	}
}

// netem is what the kernel itself does at an end of the cable.
func netem(l netlab.Link) lesson.Evidence {
	var all []string
	if l.Delay > 0 {
		all = append(all, "each packet comes "+lesson.Took(l.Delay)+" late")
	}
	if l.Loss > 0 {
		all = append(all, fmt.Sprintf("%.3g %% are lost by chance", 100*l.Loss))
	}
	return lesson.Evidence{Fact: "way to the " + l.Device, Value: "netem: " + strings.Join(all, ", and "), Source: "rtnetlink(7)",
		Command: fmt.Sprintf("fd3 on %s -- tc -s qdisc show dev %s", l.Host, l.Device)}
}

// way says what becomes of what flows.
func way(w wire.Way) string {
	var all []string
	if w.Delay > 0 {
		all = append(all, "each packet comes "+lesson.Took(w.Delay)+" late")
	}
	switch {
	case w.Of == 0:
	case w.Lose == w.Of:
		all = append(all, "every packet is lost")
	case w.Lose == 1:
		all = append(all, fmt.Sprintf("of each %d packets of a host 1 is lost", w.Of))
	default:
		all = append(all, fmt.Sprintf("of each %d packets of a host %d are lost", w.Of, w.Lose))
	}
	return strings.Join(all, ", and ")
}

// PathMTU is what a host's kernel has learned of the way to an address.
func PathMTU(whose stage.Role, to string, p kernel.PathMTU, command string) lesson.Evidence {
	e := lesson.Evidence{Fact: string(whose) + "'s route", Value: "to " + to + ", nothing learned of its MTU", Source: "rtnetlink(7) RTM_GETROUTE", Command: command}
	if p.MTU > 0 {
		e.Value = fmt.Sprintf("to %s, path MTU %d, to be forgotten in %s", to, p.MTU, p.Expires.Round(time.Second))
	}
	return e
}

// Offload is what a host leaves to its interface.
func Offload(whose stage.Role, l netlab.Link, command string) lesson.Evidence {
	e := lesson.Evidence{Fact: string(whose) + "'s offload", Value: "none: the kernel does all of it", Source: "ioctl(2) SIOCETHTOOL", Command: command}
	if len(l.Offload) > 0 {
		e.Value = strings.Join(l.Offload, ", ")
	}
	return e
}
