package lab

import (
	"fmt"
	"time"

	"fd3/lesson"
	"fd3/lesson/cable"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

// Slow makes the cable carry so many bits a second each way. What comes faster waits, in a
// queue with room for so many bytes.
func (n *Network) Slow(rate uint64, queue uint32) {
	n.line.Lock()
	defer n.line.Unlock()
	if _, err := n.up.Shape(netlab.Shape{Rate: &rate, Queue: queue, At: netlab.AtCable}); err != nil {
		n.lab.Fatalf("a queue of the cable: %w", err)
	}
}

// MTU is the most bytes that a packet of a host has.
func (n *Network) MTU(of stage.Role) int {
	for _, l := range n.links() {
		if l.Host == string(of) {
			return l.MTU
		}
	}
	n.lab.Fatalf("no interface of the %s", of)
	return 0
}

// ShowMTU shows the MTU of a host's interface, and returns it.
func (n *Network) ShowMTU(of stage.Role) int {
	mtu := n.MTU(of)
	n.lab.Show(lesson.Evidence{Fact: string(of) + "'s net0", Value: fmt.Sprintf("MTU %d", mtu), Source: "rtnetlink(7)", Command: n.On(of, "ip link show net0")})
	return mtu
}

// ShowSetting shows a setting of a host, which has its own, and returns it.
func (n *Network) ShowSetting(of stage.Role, name string) string {
	value, err := n.up.Net(of).Sysctl(name)
	if err != nil {
		n.lab.Fatalf("%w", err)
	}
	e := facts.Sysctl(name, value)
	e.Fact, e.Command = string(of)+"'s "+e.Fact, n.On(of, e.Command)
	n.lab.Show(e)
	return value
}

// Flows are the open TCP connections of a host.
func (n *Network) Flows(of stage.Role) []kernel.Flow {
	flows, err := n.up.Net(of).Flows()
	if err != nil {
		n.lab.Fatalf("%w", err)
	}
	return flows
}

// links reads the interfaces of the network.
func (n *Network) links() []netlab.Link {
	n.line.Lock()
	defer n.line.Unlock()
	links, err := n.up.Links()
	if err != nil {
		n.lab.Fatalf("the interfaces of the network: %w", err)
	}
	return links
}

// Queue is the queue of the cable to a host.
func (n *Network) Queue(to stage.Role) netlab.Link {
	for _, l := range n.links() {
		if l.Host == netlab.AtCable && l.Device == string(to) {
			return l
		}
	}
	n.lab.Fatalf("the cable has no queue to the %s", to)
	return netlab.Link{}
}

// ShowQueue shows a queue of the cable, and returns it.
func (n *Network) ShowQueue(to stage.Role) netlab.Link {
	q := n.Queue(to)
	n.lab.Show(lesson.Evidence{Fact: "queue to the " + q.Device, Value: fmt.Sprintf("%s; %d of %d bytes wait, %d dropped", lesson.Rate(q.Rate), q.Waiting, q.Queue, q.Dropped),
		Source: "rtnetlink(7)", Command: n.On(netlab.AtCable, "tc -s qdisc show dev "+q.Device), Have: int64(q.Waiting), Full: int64(q.Queue)})
	return q
}

// between is how long a queue is left alone between two looks at it.
const between = 20 * time.Millisecond

// longest is how long a queue is watched: one that never drains is no lesson.
const longest = time.Minute

// A Gauge keeps what is read of the queues of a Network, again and again.
type Gauge = cable.Gauge

// Gauge reads the queues of the cable once. It shows nothing.
func (n *Network) Gauge(g *Gauge) {
	if err := g.Read(n.links(), func(on stage.Role) ([]kernel.Flow, error) { return n.up.Net(on).Flows() }); err != nil {
		n.lab.Fatalf("%w", err)
	}
}

// Watch reads the queues of the cable until something is over. It shows nothing.
func (n *Network) Watch(g *Gauge, over func() bool) {
	for begun := time.Now(); ; {
		n.Gauge(g)
		if over() {
			return
		}
		if time.Since(begun) > longest {
			n.lab.Fatalf("the queue is still in use after %s", longest)
		}
		select {
		case <-n.lab.ctx.Done():
			panic(trouble{n.lab.ctx.Err()})
		case <-time.After(between):
		}
	}
}

// ShowChart draws what was read of the queue that was the fullest, and returns it.
func (n *Network) ShowChart(g *Gauge) lesson.Chart {
	n.lab.Tell(g.Event())
	return g.Chart()
}
