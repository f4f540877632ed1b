package cable

import (
	"testing"

	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

// The dropped packets of a sample are the kernel's number, of which a chart says how many
// were dropped before it; a new queue has dropped none.
func TestDropped(t *testing.T) {
	var g Gauge
	for _, c := range []struct{ dropped, before uint32 }{{19, 19}, {32, 19}, {0, 0}, {4, 0}} {
		links := []netlab.Link{{Host: netlab.AtCable, Device: netlab.Server, Rate: 50_000, Queue: 10_000, Dropped: c.dropped}}
		if err := g.Read(links, func(stage.Role) ([]kernel.Flow, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
		if last := g.Last(); last.Samples[0].Dropped != c.dropped || last.Before != c.before {
			t.Errorf("%d dropped: %+v", c.dropped, last)
		}
	}
}

// What is as it was is not told again.
func TestMoved(t *testing.T) {
	var g Gauge
	flow := kernel.Flow{InetSocket: kernel.InetSocket{WQueue: 9}}
	for i, c := range []struct {
		waiting uint32
		flows   []kernel.Flow
		moved   bool
	}{{0, nil, true}, {0, nil, false}, {5, nil, true}, {5, []kernel.Flow{flow}, true}, {5, []kernel.Flow{flow}, false}, {5, nil, true}, {0, nil, true}} {
		links := []netlab.Link{{Host: netlab.AtCable, Device: netlab.Server, Rate: 50_000, Queue: 10_000, Waiting: c.waiting}}
		if err := g.Read(links, func(stage.Role) ([]kernel.Flow, error) { return c.flows, nil }); err != nil {
			t.Fatal(err)
		}
		if moved := g.Moved(); moved != c.moved {
			t.Errorf("%d: %v", i, moved)
		}
	}
}
