package cable

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"fd3/sockets"
	"fd3/sockets/wire"
)

var began = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// at is a moment of a story, in milliseconds.
func at(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }

// segment is one of the client's, or of the server's, onto the cable at a moment.
func segment(from string, f wire.Flags, bytes, ms int) wire.Packet {
	d := wire.Draft{Src: netip.MustParseAddrPort("10.0.0.1:40000"), Dst: netip.MustParseAddrPort("10.0.0.2:8080"), Flags: f, Data: make([]byte, bytes)}
	to := "server"
	if from == "server" {
		d.Src, d.Dst, to = d.Dst, d.Src, "client"
	}
	p := wire.Parse(d.Frame())
	p.From, p.To, p.Fate, p.Time = from, to, wire.Passed, at(ms)
	return p
}

// call is one of a host's, from one moment to another; to 0: it has not returned.
func call(host, name string, from, to int) Call {
	c := Call{Call: sockets.Call{Name: name, Start: at(from)}, Host: host, Process: host, PID: 4711}
	if c.Returned = to > 0; c.Returned {
		c.Duration = at(to).Sub(at(from))
	}
	return c
}

// A packet has the call that was under way on its host and sends such a packet; what a
// kernel sends by itself has none.
func TestCause(t *testing.T) {
	again := segment("client", wire.SYN, 0, 3)
	again.Again = 1
	packets := []wire.Packet{
		segment("client", wire.SYN, 0, 1), segment("server", wire.SYN|wire.ACK, 0, 2), again, segment("client", wire.ACK, 0, 4),
		segment("client", wire.ACK|wire.PSH, 5, 11), segment("server", wire.ACK|wire.PSH, 5, 12),
		segment("client", wire.FIN|wire.ACK, 0, 21), segment("client", wire.ACK|wire.PSH, 5, 30),
	}
	cause(packets, []Call{call("client", "connect", 1, 5), call("server", "accept4", 1, 9), call("client", "sendto", 11, 13), call("client", "close", 20, 22)})
	var got []string
	for _, p := range packets {
		name := "-"
		if p.Cause != nil {
			name, _, _ = strings.Cut(p.Cause.Call, "(")
		}
		got = append(got, name)
	}
	if all := strings.Join(got, " "); all != "connect - - - sendto - close -" {
		t.Error(all)
	}
}

// The calls and packets of a story have their places in the order of time: a packet where
// the other end had it, a call that nothing interrupts as one rung, a repeat nowhere.
func TestRungs(t *testing.T) {
	late := segment("client", wire.ACK|wire.PSH, 5, 3)
	late.Arrived = at(8)
	repeat := segment("client", wire.SYN, 0, 2)
	repeat.Fate = wire.TakenOff
	var got []string
	for _, r := range rungs([]wire.Packet{segment("client", wire.SYN, 0, 2), repeat, late},
		[]Call{call("server", "listen", 0, 1), call("client", "connect", 1, 4), call("client", "sendto", 5, 6), call("server", "recvfrom", 7, 0)}) {
		switch {
		case r.Packet != nil:
			got = append(got, fmt.Sprintf("%d bytes", len(r.Packet.Data)))
		case r.Call == "":
			got = append(got, "= "+r.Returned)
		case r.Returned != "":
			got = append(got, r.Call+" = "+r.Returned)
		default:
			got = append(got, r.Call)
		}
	}
	const want = "listen() = 0; connect(); 54 bytes; = 0; sendto() = 0; recvfrom(); 59 bytes"
	if all := strings.Join(got, "; "); all != want {
		t.Errorf("%s\nnot\n%s", all, want)
	}
}
