package cable

import (
	"context"
	"errors"
	"slices"
	"time"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

// A Gauge keeps what is read of the queues of a network, again and again.
type Gauge struct {
	began  time.Time
	charts []lesson.Chart // of each queue
	told   lesson.Chart   // what Moved has seen last
}

// Read takes a sample of each queue. flows are the connections of a host.
func (g *Gauge) Read(links []netlab.Link, flows func(stage.Role) ([]kernel.Flow, error)) error {
	now := time.Now()
	if g.began.IsZero() {
		g.began = now
	}
	for _, l := range links {
		if l.Rate == 0 {
			continue
		}
		sender := stage.Role(l.Host)
		if l.Host == netlab.AtCable {
			sender = other(l.Device)
		}
		all, err := flows(sender)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(g.charts, func(c lesson.Chart) bool { return c.Host == l.Host && c.Device == l.Device })
		if i < 0 {
			i = len(g.charts)
			g.charts = append(g.charts, lesson.Chart{Host: l.Host, Device: l.Device, Before: l.Dropped})
		}
		c := &g.charts[i]
		c.Before = min(c.Before, l.Dropped) // a new queue begins at 0
		c.Rate, c.Room = l.Rate, l.Queue
		c.Samples = append(c.Samples, lesson.Sample{At: now.Sub(g.began), Waiting: l.Waiting, Packets: l.Packets, Dropped: l.Dropped, Flow: busiest(all)})
	}
	return nil
}

// other is the host at the other end of the cable.
func other(host string) stage.Role {
	if host == netlab.Client {
		return netlab.Server
	}
	return netlab.Client
}

// busiest is the connection with most under way, or nil.
func busiest(flows []kernel.Flow) *lesson.Flow {
	var most *kernel.Flow
	for i, f := range flows {
		if f.WQueue > 0 && (most == nil || f.WQueue > most.WQueue) {
			most = &flows[i]
		}
	}
	if most == nil {
		return nil
	}
	return &lesson.Flow{From: most.Local.String(), To: most.Remote.String(), Congestion: most.Congestion,
		Cwnd: most.Info.Snd_cwnd, RTT: time.Duration(most.Info.Rtt) * time.Microsecond, Unacked: most.WQueue}
}

// Chart is the queue in which most has waited, over time; without a sample of any the zero
// Chart.
func (g *Gauge) Chart() (busiest lesson.Chart) {
	most := -1.
	for _, c := range g.charts {
		sum := 0.
		for _, s := range c.Samples {
			sum += float64(s.Waiting)
		}
		if sum > most {
			busiest, most = c, sum
		}
	}
	return busiest
}

// Empty reports whether nothing was read yet.
func (g *Gauge) Empty() bool { return len(g.charts) == 0 }

// Last is the Chart with its last sample alone.
func (g *Gauge) Last() lesson.Chart {
	c := g.Chart()
	c.Samples = c.Samples[len(c.Samples)-1:]
	return c
}

// Moved reports whether Last says something else than when Moved was called last.
func (g *Gauge) Moved() bool {
	was := g.told
	g.told = g.Last()
	now := g.told
	if was.Samples == nil || now.Host != was.Host || now.Device != was.Device || now.Rate != was.Rate || now.Room != was.Room {
		return true
	}
	a, b := was.Samples[0], now.Samples[0]
	flows := a.Flow == b.Flow || a.Flow != nil && b.Flow != nil && *a.Flow == *b.Flow
	a.At, a.Flow, b.At, b.Flow = 0, nil, 0, nil
	return a != b || !flows
}

// every is the time between two samples.
const every = 100 * time.Millisecond

// ErrNoQueue says that nothing bounds what passes.
var ErrNoQueue = errors.New("there is no queue: nothing bounds what leaves a host, or what the cable carries. Make one: fd3 wire rate 1mbit --queue 200kb")

// Watch has a Gauge read the queues of a network for some time, and calls after each time.
func (g *Gauge) Watch(ctx context.Context, network *netlab.Network, d time.Duration, after func() error) error {
	over, tick := time.After(d), time.NewTicker(every)
	defer tick.Stop()
	for {
		links, err := network.Links()
		if err == nil {
			err = g.Read(links, func(on stage.Role) ([]kernel.Flow, error) { return network.Net(on).Flows() })
		}
		if err == nil && !slices.ContainsFunc(links, func(l netlab.Link) bool { return l.Rate > 0 }) {
			err = ErrNoQueue
		}
		if err == nil {
			err = after()
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return nil
		case <-tick.C:
		}
	}
}

// Sample tells what was read last.
func (n *Narrator) Sample(g *Gauge) {
	c := g.Last()
	n.show(lesson.Event{Kind: lesson.KindSample, Chart: &c})
}

// Chart tells all that was read.
func (n *Narrator) Chart(g *Gauge) { n.show(g.Event()) }

// Event is the Event that draws the Chart.
func (g *Gauge) Event() lesson.Event {
	c := g.Chart()
	return lesson.Event{Kind: lesson.KindChart, Chart: &c}
}
