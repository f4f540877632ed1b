package cable

import (
	"context"
	"slices"
	"time"

	"fd3/lesson"
	"fd3/sockets/netlab"
	"fd3/sockets/wire"
)

// Ladder tells all that has happened so far, on one line of time: the calls at both sides
// and the packets between.
func (n *Narrator) Ladder(ctx context.Context, network *netlab.Network) error {
	packets, _, err := n.record(ctx, network)
	if err != nil {
		return err
	}
	calls, err := n.Calls(ctx)
	if err != nil {
		return err
	}
	if len(packets)+len(calls) == 0 {
		n.say("nothing yet", nil)
		return nil
	}
	n.show(Ladder(network, packets, calls))
	return nil
}

// Ladder returns the Event that draws packets, and the calls of both hosts.
func Ladder(network *netlab.Network, packets []wire.Packet, calls []Call) lesson.Event {
	l := lesson.Ladder{Rungs: rungs(packets, calls)}
	l.Left, l.Right = side(network.Hosts[0]), side(network.Hosts[1])
	if r := network.Router; r != nil {
		router := side(*r)
		l.Router = &router
	}
	return lesson.Event{Kind: lesson.KindLadder, Ladder: &l}
}

func side(h netlab.Host) lesson.Side { return lesson.Side{Name: h.Name, Address: h.Addr} }

// A moment is when a rung has its place.
type moment struct {
	at   time.Time
	rung lesson.Rung
}

// rungs puts packets and calls in the order of time: a packet where the other end had it.
// A call during which nothing else happened is one rung. What was taken off the cable, as
// a repeat, is left out.
func rungs(packets []wire.Packet, calls []Call) []lesson.Rung {
	var all []*moment
	entered := make(map[*moment]*moment) // of a return
	for i := range packets {
		if p := &packets[i]; p.Fate != wire.TakenOff {
			all = append(all, &moment{at: p.Had(), rung: lesson.Rung{Packet: p}})
		}
	}
	for _, c := range calls {
		enter := &moment{at: c.Start, rung: lesson.Rung{Host: c.Host, Process: c.Process, PID: c.PID, Call: c.text()}}
		all = append(all, enter)
		if c.Returned {
			back := &moment{at: c.end(), rung: lesson.Rung{Host: c.Host, Process: c.Process, PID: c.PID, Returned: c.Result()}}
			entered[back] = enter
			all = append(all, back)
		}
	}
	slices.SortStableFunc(all, func(a, b *moment) int { return a.at.Compare(b.at) })
	var rungs []lesson.Rung
	for i, m := range all {
		if i > 0 && entered[m] == all[i-1] {
			rungs[len(rungs)-1].Returned = m.rung.Returned
			continue
		}
		m.rung.At = m.at
		rungs = append(rungs, m.rung)
	}
	return rungs
}
