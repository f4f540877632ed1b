package netlab_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// A rate is kept, of hosts and of the cable, within 10 %, while something waits for it: a
// sender that gets no CPU may leave the link empty meanwhile. The queue of the cable becomes
// long by that; before its own interface TCP may leave it shorter (tcp_small_queue_check).
func TestRate(t *testing.T) {
	for _, where := range []struct {
		at    string
		link  int
		least uint32 // that wait in the second half, at the most
	}{{netlab.AtHosts, 0, 1}, {netlab.AtCable, 3, 60_000}} {
		t.Run(where.at, func(t *testing.T) {
			t.Parallel()
			l := up(t, netlab.Options{RealTimers: true})
			rate := uint64(2_000_000)
			if _, err := l.Shape(netlab.Shape{Rate: &rate, Queue: 200_000, At: where.at}); err != nil {
				t.Fatal(err)
			}
			l.connected()
			l.must(stage.Client, stage.Order{Do: "setsockopt", FD: 3, Level: unix.SOL_TCP, Option: unix.TCP_CONGESTION, Data: []byte("reno")})
			l.cable(wire.Order{Do: "flow"})
			const size = 700_000
			read := l.begin(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: size, Flags: unix.MSG_WAITALL})
			l.begin(stage.Client, stage.Order{Do: "sendto", FD: 3, Data: make([]byte, size)})
			var most uint32
			var began, longest time.Duration // of looks at which something waited, one after the other
			var first, bits uint64
			start := time.Now()
			for over := false; !over; {
				k, now := l.link(where.link), time.Since(start)
				if k.Sent > size/2 {
					most = max(most, k.Waiting)
				}
				switch {
				case k.Waiting == 0:
					began = 0
				case began == 0:
					began, first = now, k.Sent
				case now-began > longest:
					longest, bits = now-began, 8*(k.Sent-first)
				}
				select {
				case c := <-read:
					over = true
					if c.Ret != size {
						t.Error(c.Strace())
					}
				case <-time.After(10 * time.Millisecond): // between two looks
				}
			}
			if kept := float64(bits) / longest.Seconds(); longest < time.Second || kept < 1.8e6 || kept > 2.2e6 {
				t.Errorf("%.0f bit/s for %s, and 2 Mbit/s are asked for", kept, longest)
			}
			if most < where.least {
				t.Errorf("at most %d bytes have waited, not %d", most, where.least)
			}
			rate = 0
			if links, err := l.Shape(netlab.Shape{Rate: &rate}); err != nil || len(links) != 2 || links[0].Rate != 0 {
				t.Errorf("%+v, %v", links, err)
			}
		})
	}
}

// What waits and what was dropped is told as tc(8) tells it. At the least rate nothing moves
// meanwhile.
func TestQueueAsTC(t *testing.T) {
	for _, where := range []struct {
		at, device string
		on         stage.Role
		link       int
	}{{netlab.AtHosts, "net0", stage.Client, 0}, {netlab.AtCable, "server", netlab.AtCable, 3}} {
		t.Run(where.at, func(t *testing.T) {
			t.Parallel()
			l := up(t, netlab.Options{})
			rate := uint64(netlab.LeastRate)
			if _, err := l.Shape(netlab.Shape{Rate: &rate, Queue: 9_000, At: where.at}); err != nil {
				t.Fatal(err)
			}
			l.cable(wire.Order{Do: "flow"})
			l.must(stage.Client, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_DGRAM})
			for range 15 {
				l.must(stage.Client, stage.Order{Do: "sendto", FD: 3, Addr: at, Data: make([]byte, 1000)})
			}
			until(t, func() string { return "a queue that is full, as tc has it" }, func() bool {
				before := l.link(where.link)
				said := l.run(where.on, "tc", "-s", "qdisc", "show", "dev", where.device)
				if before.Dropped == 0 || !reflect.DeepEqual(before, l.link(where.link)) {
					return false
				}
				for _, want := range []string{
					fmt.Sprintf("backlog %db %dp", before.Waiting, before.Packets), fmt.Sprintf("dropped %d,", before.Dropped), fmt.Sprintf("Sent %d bytes", before.Sent),
				} {
					if !strings.Contains(said, want) {
						t.Errorf("no %q in %s", want, said)
					}
				}
				return true
			})
		})
	}
}

// link is one of the network's, by its place among them.
func (l *lab) link(n int) netlab.Link {
	l.t.Helper()
	links, err := l.Links()
	if err != nil || len(links) <= n {
		l.t.Fatalf("%+v, %v", links, err)
	}
	return links[n]
}

// Where the queue of the cable is full, a packet is lost, and it says why.
func TestQueueOfTheCableDrops(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	rate := uint64(100_000)
	if _, err := l.Shape(netlab.Shape{Rate: &rate, Queue: 10_000, At: netlab.AtCable}); err != nil {
		t.Fatal(err)
	}
	l.cable(wire.Order{Do: "flow"})
	l.must(stage.Client, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_DGRAM})
	for range 30 {
		if c := l.must(stage.Client, stage.Order{Do: "sendto", FD: 3, Addr: at, Data: make([]byte, 1000)}); c.Ret != 1000 {
			t.Error(c.Strace())
		}
	}
	lost := uint32(0)
	until(t, func() string { return "30 datagrams" }, func() bool {
		lost = 0
		all := 0
		for _, p := range l.record() {
			if p.From == netlab.Client && len(p.Data) > 1000 {
				all++
			}
			if p.Note == "the queue to the server was full" && p.Fate == wire.Dropped {
				lost++
			}
		}
		return all == 30
	})
	if dropped := l.link(3).Dropped; lost == 0 || lost != dropped {
		t.Errorf("%d packets of the record are lost, and the queue has dropped %d", lost, dropped)
	}
}

// An interface that can be none is refused.
func TestShapeThatCannotBe(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	slow, fast, good := uint64(1), uint64(1<<40), uint64(1_000_000)
	for _, s := range []netlab.Shape{{MTU: 20}, {MTU: 9000}, {Rate: &slow, Queue: 10_000, At: netlab.AtHosts}, {Rate: &fast, Queue: 10_000, At: netlab.AtHosts},
		{Rate: &good, Queue: 10, At: netlab.AtHosts}, {Rate: &good, Queue: 1 << 20, At: netlab.AtCable}, {Rate: &good, Queue: 10_000}, {Rate: &good, Queue: 10_000, At: "home"}} {
		if _, err := l.Shape(s); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

// A smaller MTU is announced as a smaller MSS, down to the least that is taken.
func TestMTU(t *testing.T) {
	t.Parallel()
	for _, mtu := range []int{600, netlab.LeastMTU} {
		t.Run(fmt.Sprint(mtu), func(t *testing.T) {
			l := up(t, netlab.Options{})
			links, err := l.Shape(netlab.Shape{MTU: mtu})
			if err != nil || links[0].MTU != mtu || links[1].MTU != mtu {
				t.Fatalf("%+v, %v", links, err)
			}
			l.listens()
			l.begin(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
			l.lies(fmt.Sprintf("client: SYN seq 0, MSS %d", mtu-40))
		})
	}
}

// Each packet is late: a handshake takes one round.
func TestLate(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.listens()
	const late = 30 * time.Millisecond
	l.cable(wire.Order{Do: "flow", Delay: late})
	if c := l.must(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at}); c.Duration < 4*late { // ARP takes a round too
		t.Errorf("%s took %s", c.Strace(), c.Duration)
	}
	l.must(stage.Server, stage.Order{Do: "accept4", FD: 3})
	for _, word := range []string{"one ", "two ", "three"} {
		l.send(stage.Client, 3, word)
	}
	if c := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 13, Flags: unix.MSG_WAITALL}); string(c.Data) != "one two three" {
		t.Error(c.Strace())
	}
	if n := l.counter(stage.Server, "TcpExt.TCPOFOQueue"); n != 0 {
		t.Errorf("%d segments came out of order", n)
	}
}

// Of three datagrams the third is lost.
func TestLossOfThree(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	udp := stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_DGRAM}
	l.must(stage.Server, udp)
	l.must(stage.Server, stage.Order{Do: "bind", FD: 3, Addr: at})
	l.must(stage.Client, udp)
	l.cable(wire.Order{Do: "flow", Lose: 1, Of: 3})
	for _, word := range strings.Fields("a b c d e f g") {
		l.must(stage.Client, stage.Order{Do: "sendto", FD: 3, Addr: at, Data: []byte(word)})
	}
	var got []string
	for range 5 {
		c := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 3, Type: unix.SOCK_DGRAM, Size: 10})
		got = append(got, string(c.Data))
	}
	if words := strings.Join(got, " "); words != "a b d e g" {
		t.Errorf("%q have come", words)
	}
	for _, o := range []wire.Order{{Do: "flow", Lose: 4, Of: 3}, {Do: "flow", Delay: -1}, {Do: "flow", Delay: time.Hour}} {
		if _, err := l.Cable(o); err == nil {
			t.Errorf("%+v is obeyed", o)
		}
	}
}
