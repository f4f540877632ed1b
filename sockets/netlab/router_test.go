package netlab_test

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// routed is a network with a router that forwards packets of 600 bytes, and a connection.
func routed(t *testing.T, o netlab.Options) *lab {
	o.Router = 600
	l := up(t, o)
	if l.Router == nil || l.RouterMTU != 600 {
		t.Fatalf("%+v, MTU %d", l.Router, l.RouterMTU)
	}
	if links, err := l.Links(); err != nil || len(links) != 2 || links[0].Offload != nil || links[1].Offload != nil {
		t.Fatalf("%+v, %v", links, err)
	}
	l.connected()
	return l
}

// learned is what the client's kernel has learned of the way to the server. ip(8) has to say
// the same.
func (l *lab) learned() int {
	l.t.Helper()
	p, err := l.Net(stage.Client).PathMTU(netip.MustParseAddr(netlab.ServerAddr))
	if err != nil {
		l.t.Fatal(err)
	}
	said := l.run(stage.Client, "ip", "route", "get", netlab.ServerAddr)
	m := regexp.MustCompile(`expires (\d+)sec mtu (\d+)`).FindStringSubmatch(said)
	switch {
	case m == nil && p.MTU != 0, m != nil && p.MTU == 0:
		l.t.Errorf("%+v, and %s", p, said)
	case m != nil:
		if expires, err := time.ParseDuration(m[1] + "s"); err != nil || p.Expires < expires || p.Expires > expires+10*time.Second || m[2] != "600" {
			l.t.Errorf("%+v, and %s", p, said)
		}
	}
	return p.MTU
}

// The router's kernel throws away what is too large and may not be cut, and says so: the
// sender believes it.
func TestRouter(t *testing.T) {
	t.Parallel()
	l := routed(t, netlab.Options{})
	l.send(stage.Client, 3, strings.Repeat("x", 1400))
	l.passes("client: 1400 bytes seq 1")
	if l.learned() != 0 {
		t.Error("the message has not arrived")
	}
	if l.passes("server: ICMP destination unreachable"); l.learned() != 600 {
		t.Error("and now it has")
	}
	l.lies("client: 548 bytes seq 1", "client: 548 bytes seq 549", "client: 304 bytes seq 1097")
	var icmp wire.Packet
	for _, p := range l.record() {
		if p.Layer("ICMP") != nil {
			icmp = p
		}
	}
	for field, want := range map[string]string{"type": "3", "code": "4", "next-hop MTU": "600"} {
		if f := icmp.Layer("ICMP").Field(field); f == nil || f.Value != want {
			t.Errorf("%s: %+v, not %s", field, f, want)
		}
	}
	if f := icmp.Layer("IPv4").Field("source address"); f.Value != netlab.RouterAddr {
		t.Errorf("%+v", f)
	}
	l.cable(wire.Order{Do: "flow"})
	if c := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 1400, Flags: unix.MSG_WAITALL}); c.Ret != 1400 {
		t.Error(c.Strace())
	}
	var r kernel.Router
	if err := r.Read(l.Net(netlab.Router)); err != nil {
		t.Fatal(err)
	}
	const handshake, data = 3, 3
	if r.Forwarded < handshake+data || r.TooLarge != 1 || r.Unreachable != 1 || !slices.Equal(r.Links, []kernel.RouterLink{{Name: "net0", MTU: 1500}, {Name: "net1", MTU: 1500}}) {
		t.Errorf("the router's kernel counts %+v", r)
	}
	if _, err := l.Shape(netlab.Shape{MTU: 900}); err != nil {
		t.Fatal(err)
	}
	if err := r.Read(l.Net(netlab.Router)); err != nil || r.Links[0].MTU != 900 || r.Links[1].MTU != 900 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Where the message is lost, the sender learns nothing, and sends the same again.
func TestBlackHole(t *testing.T) {
	t.Parallel()
	l := routed(t, netlab.Options{RealTimers: true})
	l.send(stage.Client, 3, strings.Repeat("x", 1400))
	for range 2 {
		l.passes("client: 1400 bytes seq 1")
		until(t, func() string { return "the message" }, func() bool {
			for _, said := range l.lying() {
				if strings.HasPrefix(said, "server: ICMP") {
					return true
				}
			}
			return false
		})
		for _, p := range l.record() {
			if p.Fate == wire.Held && p.From == netlab.Server {
				l.cable(wire.Order{Do: "drop", Number: p.Number})
			}
		}
	}
	if l.learned() != 0 {
		t.Error("it has learned something")
	}
}

// A datagram whose fragments are too large for the router is cut once more, since it may be.
func TestRouterCutsFragments(t *testing.T) {
	t.Parallel()
	l := routed(t, netlab.Options{})
	udp := stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_DGRAM}
	fd := int(l.must(stage.Server, udp).Ret)
	l.must(stage.Server, stage.Order{Do: "bind", FD: fd, Addr: at})
	from := int(l.must(stage.Client, udp).Ret)
	l.cable(wire.Order{Do: "flow"})
	was := l.counter(stage.Server, "Ip.ReasmReqds")
	l.must(stage.Client, stage.Order{Do: "sendto", FD: from, Addr: at, Data: make([]byte, 2000)})
	if c := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_DGRAM, Size: 3000}); c.Ret != 2000 {
		t.Error(c.Strace())
	}
	if n := l.counter(stage.Server, "Ip.ReasmReqds") - was; n != 4 { // 1500 and 548 bytes
		t.Errorf("%d fragments", n)
	}
}
