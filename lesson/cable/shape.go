package cable

import (
	"fmt"
	"strings"
	"time"

	"fd3/lesson"
	"fd3/sockets/netlab"
	"fd3/sockets/wire"
)

// Shaped tells how the interfaces of the hosts are, after they were changed.
func (n *Narrator) Shaped(network *netlab.Network, s netlab.Shape, links []netlab.Link) {
	n.keeper = network.PID
	n.show(lesson.Event{Kind: lesson.KindStep, Title: page().Title})
	switch {
	case n.Explain == lesson.None:
	case s.MTU != 0:
		n.say("mtu", map[string]string{"mtu": fmt.Sprint(s.MTU), "mss": fmt.Sprint(s.MTU - 40)})
	case *s.Rate == 0:
		n.say("no rate", nil)
	default:
		n.say("rate", map[string]string{"rate": lesson.Rate(*s.Rate), "queue": lesson.Counted(s.Queue, "byte"), "drain": lesson.Took(drain(*s.Rate, s.Queue))}, s.At)
	}
	n.links(links, true)
	if s.Rate != nil && *s.Rate > 0 {
		n.commands("next", "rate next", nil)
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
		if !all && l.Rate == 0 && l.MTU == netlab.MostMTU {
			continue
		}
		e := lesson.Evidence{Fact: l.Host + "'s " + l.Device, Value: fmt.Sprintf("MTU %d", l.MTU), Source: "rtnetlink(7)", Command: fmt.Sprintf("fd3 on %s -- ip link show %s", l.Host, l.Device)}
		if l.Host == netlab.AtCable {
			e.Fact = "queue to the " + l.Device
		}
		if l.Rate > 0 {
			e.Command = fmt.Sprintf("fd3 on %s -- tc -s qdisc show dev %s", l.Host, l.Device)
			e.Value += fmt.Sprintf(", %s; %s waiting, %s dropped", lesson.Rate(l.Rate), lesson.Counted(l.Waiting, "byte"), lesson.Counted(l.Dropped, "packet"))
			e.Have, e.Full = int64(l.Waiting), int64(l.Queue)
		}
		n.show(e.Event())
	}
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
