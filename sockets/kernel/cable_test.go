package kernel

import (
	"os"
	"slices"
	"testing"
	"time"

	"fd3/sockets/wire"
)

// What lies on a cable is part of a Snapshot, and what comes and leaves is a change.
func TestSnapshotWithCable(t *testing.T) {
	packet := func(number int, fate wire.Fate) wire.Packet { return wire.Packet{Number: number, Fate: fate} }
	on := func(packets ...wire.Packet) *Cable { return &Cable{Packets: packets} }
	for name, c := range map[string]struct {
		before, now *Cable
		came, left  []int
	}{
		"no cable":              {},
		"the network is new":    {nil, on(packet(1, wire.Held)), []int{1}, nil},
		"one comes":             {on(packet(1, wire.Held)), on(packet(1, wire.Held), packet(2, wire.Held)), []int{2}, nil},
		"one passes":            {on(packet(1, wire.Held)), on(packet(1, wire.Passed)), nil, []int{1}},
		"one is lost":           {on(packet(1, wire.Held)), on(packet(1, wire.Dropped), packet(2, wire.Held)), []int{2}, []int{1}},
		"one came and left":     {on(), on(packet(1, wire.Passed)), nil, []int{1}},
		"it had left before":    {on(packet(1, wire.Passed)), on(packet(1, wire.Passed)), nil, nil},
		"the network went away": {on(packet(1, wire.Held)), nil, nil, nil},
	} {
		now, before := Snapshot{Cable: c.now}, Snapshot{Cable: c.before}
		d := now.Since(before)
		if !slices.Equal(d.Came, c.came) || !slices.Equal(d.Left, c.left) {
			t.Errorf("%s: came %v, left %v", name, d.Came, d.Left)
		}
		if d.Empty() != (len(c.came)+len(c.left) == 0) {
			t.Errorf("%s: a difference that is empty: %v", name, d.Empty())
		}
	}
	if lying := on(packet(1, wire.Passed), packet(2, wire.Held)).Lying(); len(lying) != 1 || lying[0].Number != 2 {
		t.Errorf("%v lie", lying)
	}
	var none *Cable
	if len(none.Lying()) != 0 {
		t.Error("something lies on no cable")
	}
}

// A History has the cable at its moment, and names the hosts at its ends.
func TestHistoryWithCable(t *testing.T) {
	var h History
	elsewhere, err := OpenNet()
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	cable := Cable{Ends: [2]End{{Name: "client", Net: elsewhere}, {Name: "server"}}, Packets: []wire.Packet{{Number: 1, Fate: wire.Held, Time: time.Now()}}}
	self := []Party{{Name: "self", PID: os.Getpid(), Net: Own()}}
	if err := h.Look(self, &cable); err != nil {
		t.Fatal(err)
	}
	if h.Now.Cable != &cable || h.Now.Hosts[0].Name != "server" {
		t.Errorf("the cable is %v, the host %q", h.Now.Cable, h.Now.Hosts[0].Name)
	}
}
