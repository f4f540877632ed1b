package wire

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A host that sends without end fills the cable, and not the memory: what there is no room
// for is lost, and says so.
func TestFloodIsBounded(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(ends[0])
		unix.Close(ends[1])
	})
	flood := func(c *Cable) {
		d := draft()
		for range 2*maxPackets + 5 {
			d.Seq++
			c.arrive(&packet{Packet: Packet{Data: d.Frame(), Time: time.Now(), From: "client", To: "server"}})
		}
	}
	within := func(c *Cable, fate Fate) {
		t.Helper()
		if len(c.record) > 2*maxPackets {
			t.Errorf("the record has %d packets", len(c.record))
		}
		last := c.record[len(c.record)-1]
		if last.Fate != Dropped || !strings.HasPrefix(last.Note, "no room: 10000 packets ") {
			t.Errorf("the last packet was %s: %q", last.Fate, last.Note)
		}
		if first := c.record[0]; fate == Held && (first.Fate != fate || first.Number != 1) {
			t.Errorf("packet %d, %s, is the first", first.Number, first.Fate)
		}
	}

	c := NewCable([2]End{{Name: "client", Socket: ends[0]}, {Name: "server", Socket: ends[1]}}, false)
	flood(c)
	within(c, Held)
	if n := len(c.lying()); n != maxPackets {
		t.Errorf("%d packets lie on the cable", n)
	}
	if _, err := c.drop(Order{}); err != nil {
		t.Fatal(err)
	}
	c.arrive(&packet{Packet: Packet{Data: draft().Frame(), Time: time.Now()}})
	if last := c.record[len(c.record)-1]; last.Fate != Held {
		t.Errorf("where one was dropped there is no room: %s, %s", last.Fate, last.Note)
	}
	if _, err := c.flow(Order{}); err != nil || c.held != (load{}) {
		t.Errorf("%v, and %+v lie on a cable that lets everything flow", err, c.held)
	}

	c = NewCable([2]End{{Name: "client", Socket: ends[0]}, {Name: "server", Socket: ends[1]}}, false)
	if _, err := c.flow(Order{Delay: mostDelay}); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock() // none of them is delivered before the end
	defer c.mu.Unlock()
	flood(c)
	within(c, Delayed)
	if len(c.late) != maxPackets {
		t.Errorf("%d packets are late", len(c.late))
	}
}

// A packet does not overtake those that are late, though it itself would not be.
func TestOrderIsKept(t *testing.T) {
	c := NewCable([2]End{{Name: "client", Socket: -1}, {Name: "server", Socket: -1}}, false)
	var all []*packet
	for _, delay := range []time.Duration{mostDelay, 0} {
		if _, err := c.flow(Order{Delay: delay}); err != nil {
			t.Fatal(err)
		}
		p := &packet{Packet: Packet{Data: draft().Frame(), Time: time.Now(), From: "client", To: "server"}}
		c.arrive(p)
		all = append(all, p)
	}
	if all[0].Note != "by 1m0s" || all[1].Fate != Delayed || all[1].Note != "behind packets that are late" || len(c.late) != 2 {
		t.Errorf("%s %s, then %s %s; %d are late", all[0].Fate, all[0].Note, all[1].Fate, all[1].Note, len(c.late))
	}
}
