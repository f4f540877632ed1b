package netlab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// A rate is kept, what waits is told, and what finds the queue full is dropped.
func TestRate(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{RealTimers: true})
	rate := uint64(4_000_000)
	if _, err := l.Shape(netlab.Shape{Rate: &rate, Queue: 16_000}); err != nil {
		t.Fatal(err)
	}
	l.connected()
	l.cable(wire.Order{Do: "flow"})
	const size = 300_000
	begun := time.Now()
	sent := l.begin(stage.Client, stage.Order{Do: "sendto", FD: 3, Data: make([]byte, size)})
	waited := false
	for read := 0; read < size; {
		links, err := l.Links()
		if err != nil {
			t.Fatal(err)
		}
		waited = waited || links[0].Waiting > 0
		read += int(l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 1 << 14}).Ret)
	}
	took := time.Since(begun)
	if c := <-sent; c.Ret != size {
		t.Error(c.Strace())
	}
	const ideal = size * 8 * time.Second / 4_000_000
	if took < ideal*9/10 { // a busy machine may be slower, and is no faster
		t.Errorf("%d bytes in %s, faster than 4 Mbit/s (%s)", size, took, ideal)
	}
	t.Logf("%d bytes in %s; at 4 Mbit/s it is %s", size, took, time.Duration(ideal))
	if !waited {
		t.Error("nothing ever waited in the queue")
	}
	rate = 0
	if links, err := l.Shape(netlab.Shape{Rate: &rate}); err != nil || links[0].Rate != 0 {
		t.Errorf("%+v, %v", links, err)
	}
}

// An interface that can be none is refused.
func TestShapeThatCannotBe(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	slow, fast, good := uint64(1), uint64(1<<40), uint64(1_000_000)
	for _, s := range []netlab.Shape{{MTU: 20}, {MTU: 9000}, {Rate: &slow, Queue: 10_000}, {Rate: &fast, Queue: 10_000}, {Rate: &good, Queue: 10}} {
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
