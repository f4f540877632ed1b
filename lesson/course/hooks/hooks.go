package hooks

import (
	_ "embed"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets"
	"fd3/sockets/hooks"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

//go:embed hooks.md
var markdown string

// Lesson is the lesson hooks.
var Lesson = lab.Lesson{
	ID:    "hooks",
	Words: markdown,
	Experiments: lab.Experiments{
		"length":  length,
		"dropped": dropped,
		"changed": changed,
	},
	Exercises: lab.Exercises{"silent": silent},
}

func length(l *lab.Lab) []lab.Step {
	var n *lab.Network
	return []lab.Step{
		{Name: "up", Do: func() {
			n = l.Network()
			n.ShowHosts()
		}},
		{Name: "send", Do: func() {
			t := n.Try(hooks.Order{Verb: hooks.Watch})
			payload, ip, frame, in := len(t.Data), t.Stop("output").Length, t.Stop("netdev-egress").Length, t.Stop("input").Length
			l.Note("payload", payload)
			l.Note("ip", ip)
			l.Note("frame", frame)
			l.Note("in", in)
			l.Note("looked", looked(t))
			switch {
			case ip == payload && frame == payload:
				l.Answer("same")
			case ip > payload && frame > ip && in < frame:
				l.Answer("grows")
			default:
				l.Answer("whole")
			}
			if t.Cable != nil {
				l.Show(lesson.Evidence{Fact: "on the cable", Value: lesson.Counted(len(t.Cable.Data), "byte"), Source: "packet(7)"})
			}
		}},
	}
}

// looked is at how many places somebody looked, of all.
func looked(t *hooks.Trial) string {
	n := 0
	for _, s := range t.Stops {
		if s.Means != "" {
			n++
		}
	}
	return fmt.Sprintf("%d of %d", n, len(t.Stops))
}

func dropped(l *lab.Lab) []lab.Step {
	var n *lab.Network
	var ip sockets.Call
	return []lab.Step{
		{Name: "ip", Do: func() {
			n = l.Network()
			ip = n.Try(hooks.Order{Verb: hooks.Drop, At: "output"}).Sent
			l.Note("ip_said", lab.Said(ip))
		}},
		{Name: "device", Do: func() {
			t := n.Try(hooks.Order{Verb: hooks.Drop, At: "netdev-egress"})
			l.Note("device_said", lab.Said(t.Sent))
			moved := t.Moved[string(lab.Client)]
			l.Note("hidden", moved["Udp.SndbufErrors"])
			l.Note("sent", moved["Udp.OutDatagrams"])
			for _, name := range []string{"Udp.SndbufErrors", "Udp.OutDatagrams"} {
				l.Show(lesson.Evidence{Fact: strings.Replace(name, ".", "", 1) + " moved by", Value: strconv.FormatInt(moved[name], 10), Source: "/proc/net/snmp of the client's host"})
			}
			switch {
			case ip.Errno != 0 && t.Sent.Errno != 0:
				l.Answer("fails")
			case ip.Errno == 0 && t.Sent.Errno == 0:
				l.Answer("succeeds")
			default:
				l.Answer("place")
			}
		}},
	}
}

func changed(l *lab.Lab) []lab.Step {
	var n *lab.Network
	return []lab.Step{
		{Name: "rewrite", Do: func() {
			n = l.Network()
			t := n.Try(hooks.Order{Verb: hooks.Rewrite, At: "netdev-ingress"})
			l.Note("written", fmt.Sprintf("%#x", hooks.Service))
			l.Note("service", fmt.Sprintf("%#x", t.Service))
			switch {
			case t.Received.Errno != 0:
				l.Answer("nothing")
			case t.Service == hooks.Service:
				l.Answer("new")
			default:
				l.Answer("old")
			}
		}},
		{Name: "redirect", Do: func() {
			t := n.Try(hooks.Order{Verb: hooks.Redirect, At: "netdev-ingress"})
			out := 0
			if len(t.Aside) > 0 {
				out = t.Aside[0]
			}
			l.Note("aside", out)
			l.Show(lesson.Evidence{Fact: "the other interface", Value: lesson.Counted(out, "byte") + " came out there", Source: "packet(7)"})
			l.Note("redirect_got", lab.Said(t.Received))
		}},
	}
}

// port is the receiver's: nobody else is on its host.
const port = 5353

// silent wants the server's host to lose what has come over the cable, in a way that the
// sender is not told of. At each look a datagram is sent.
func silent(l *lab.Lab) lab.Check {
	n := l.Network()
	n.Order(wire.Order{Do: "flow"})
	to := sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 2}), port))
	var receiver, sender int
	l.Setup(func() {
		receiver = l.Socket(lab.Server, unix.AF_INET, unix.SOCK_DGRAM)
		l.Must(l.Bind(lab.Server, receiver, to))
		sender = l.Socket(lab.Client, unix.AF_INET, unix.SOCK_DGRAM)
	})
	l.Note("addr", to)
	l.Note("lost", 0)
	lost := 0 // one after the other
	receive := func() sockets.Call {
		return l.Quietly(lab.Server, stage.Order{Do: "recvfrom", FD: receiver, Type: unix.SOCK_DGRAM, Size: 64, Flags: unix.MSG_DONTWAIT})
	}
	return func() (bool, string) {
		for receive().Errno == 0 { // what came late, or from somebody else
		}
		newest := n.Order(wire.Order{Do: "look"}).Newest
		sent := l.Quietly(lab.Client, stage.Order{Do: "sendto", FD: sender, Data: []byte("hello"), Addr: to})
		got := receive()
		for until := time.Now().Add(arrives); got.Errno != 0 && time.Now().Before(until); got = receive() {
			time.Sleep(2 * time.Millisecond)
		}
		fate, crossed := crossing(n, newest)
		if sent.Errno != 0 || !crossed || fate != wire.Passed || got.Errno == 0 {
			lost = 0
		}
		switch {
		case sent.Errno != 0:
			return false, "sendto fails with " + sent.ErrnoName() + ": the packet is lost on the client's own host"
		case !crossed:
			return false, "sendto succeeds, and nothing comes onto the cable"
		case fate != wire.Passed:
			return false, "it was the cable: " + string(fate)
		case got.Errno == 0:
			return false, "the receiver gets each datagram"
		}
		lost++
		l.Note("lost", lost)
		return lost >= enough, "the receiver gets nothing"
	}
}

// A datagram that nobody stops arrives sooner. So many in a row are lost when it is done.
const (
	arrives = 60 * time.Millisecond
	enough  = 3
)

// crossing returns what became on the cable of the datagram that came after a packet.
func crossing(n *lab.Network, after int) (fate wire.Fate, crossed bool) {
	for _, p := range n.Packets() {
		f := p.Layer("UDP").Field("destination port")
		if p.Number > after && f != nil && f.Value == strconv.Itoa(port) {
			return p.Fate, true
		}
	}
	return "", false
}
