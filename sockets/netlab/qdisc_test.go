package netlab_test

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// tcHas asks tc(8) whether the kernel has a kind of queueing discipline.
func (l *lab) tcHas(kind string) bool {
	l.t.Helper()
	out, err := program(l.Network, netlab.AtCable, "tc", "qdisc", "add", "dev", "lo", "root", kind).CombinedOutput()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		if !strings.Contains(string(out), "kind is unknown") {
			l.t.Fatalf("%v: %s", err, out)
		}
		return false
	}
	l.run(netlab.AtCable, "tc", "qdisc", "del", "dev", "lo", "root")
	return true
}

// A rate has the kind of queue that is asked for, or is as it was where the kernel has not
// got it, and says so.
func TestQdiscs(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	rate, other := uint64(1_000_000), uint64(2_000_000)
	for _, kind := range append(netlab.Qdiscs, netlab.FIFO) {
		if _, err := l.Shape(netlab.Shape{Rate: &rate, Queue: 60_000, At: netlab.AtCable}); err != nil {
			t.Fatal(err)
		}
		has := l.tcHas(kind)
		_, err := l.Shape(netlab.Shape{Rate: &other, Queue: 70_000, At: netlab.AtCable, Qdisc: kind})
		end := l.link(3)
		said := l.run(netlab.AtCable, "tc", "qdisc", "show", "dev", "server")
		switch {
		case has && (err != nil || end.Rate != other || end.Qdisc != kind || end.Queue != 70_000):
			t.Errorf("%s: %+v, %v", kind, end, err)
		case has && kind != netlab.FIFO && !regexp.MustCompile(`qdisc `+kind+` 2: parent 1:1 .*(memory_limit|memlimit) (70000b|68Kb)`).MatchString(said):
			t.Errorf("%s: %s", kind, said)
		case !has && (err == nil || end.Rate != rate || !strings.HasPrefix(err.Error(), "this kernel has no "+kind+": RTM_NEWQDISC says ENOENT")):
			t.Errorf("%s: %+v, %v", kind, end, err)
		}
		t.Logf("%s: %t", kind, has)
		l.cable(wire.Order{Do: "flow"})
		if got := l.once("hello"); got != "hello" {
			t.Errorf("%s: %q has come", kind, got)
		}
	}
}

// once sends a datagram, and returns what has come, by sockets of their own.
func (l *lab) once(text string) string {
	l.t.Helper()
	udp := stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_DGRAM}
	to, from := int(l.must(stage.Server, udp).Ret), int(l.must(stage.Client, udp).Ret)
	l.must(stage.Server, stage.Order{Do: "bind", FD: to, Addr: at})
	l.must(stage.Client, stage.Order{Do: "sendto", FD: from, Addr: at, Data: []byte(text)})
	got := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: to, Type: unix.SOCK_DGRAM, Size: 100})
	l.must(stage.Server, stage.Order{Do: "close", FD: to})
	l.must(stage.Client, stage.Order{Do: "close", FD: from})
	return string(got.Data)
}

// netem delays and loses where the kernel has it, else the cable does: whoever asks is told
// which.
func TestNetem(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	has := l.tcHas("netem")
	const late = 30 * time.Millisecond
	did := l.cable(wire.Order{Do: "flow", Delay: late, Netem: true})
	if did.Netem != has || (did.NoNetem == "") != has || (did.Way.Delay == 0) != has {
		t.Errorf("%+v, and netem is there: %t", did, has)
	}
	begun := time.Now()
	l.listens()
	l.must(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
	if took := time.Since(begun); took < 4*late { // ARP takes a round too
		t.Errorf("a handshake in %s", took)
	}
	links, err := l.Links()
	if err != nil {
		t.Fatal(err)
	}
	if has {
		if len(links) != 4 || links[3].Delay != late {
			t.Errorf("%+v", links)
		}
		rate := uint64(1_000_000)
		if _, err := l.Shape(netlab.Shape{Rate: &rate, Queue: 60_000, At: netlab.AtCable}); err == nil {
			t.Error("a rate in the place of netem")
		}
	}
	l.cable(wire.Order{Do: "flow", Lose: 1, Of: 4, Netem: true})
	if links, err = l.Links(); has && (err != nil || fmt.Sprintf("%.3f", links[3].Loss) != "0.250") {
		t.Errorf("%+v, %v", links, err)
	}
	l.cable(wire.Order{Do: "flow"})
	if links, err = l.Links(); err != nil || len(links) != 2 {
		t.Errorf("%+v, %v", links, err)
	}
}
