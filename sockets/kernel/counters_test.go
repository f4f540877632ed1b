package kernel

import (
	_ "embed"
	"maps"
	"testing"

	"golang.org/x/sys/unix"
)

var (
	//go:embed testdata/netstat
	netstatText string
	//go:embed testdata/snmp
	snmpText string
)

func TestParseCounters(t *testing.T) {
	counters := Counters{}
	for _, text := range []string{netstatText, snmpText} {
		if err := parseCounters(text, counters); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"TcpExt.ListenOverflows", "IpExt.InOctets", "Tcp.RetransSegs", "Udp.NoPorts", "Ip.DefaultTTL"} {
		if _, ok := counters[name]; !ok {
			t.Errorf("no %s", name)
		}
	}
	if counters["Tcp.MaxConn"] != -1 || counters["Ip.DefaultTTL"] != 64 {
		t.Errorf("MaxConn %d, DefaultTTL %d", counters["Tcp.MaxConn"], counters["Ip.DefaultTTL"])
	}
}

func TestParseCountersHostile(t *testing.T) {
	for _, text := range []string{
		"", "\n", "Tcp: A B\n", "Tcp: A B\nTcp: 1\n", "Tcp: A\nUdp: 1\n", "Tcp A\nTcp 1\n",
		"Tcp: A\nTcp: x\n", "Tcp: A\nTcp: 18446744073709551616\n", "Tcp: A\nTcp: --1\n", "\n\n", ": A\n: 1\nx\n",
	} {
		if err := parseCounters(text, Counters{}); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	big := Counters{}
	if err := parseCounters("Tcp: A\nTcp: 9223372036854775810\n", big); err != nil {
		t.Fatal(err)
	}
	if moved := big.Sub(Counters{"Tcp.A": 9223372036854775807}); moved["Tcp.A"] != 3 {
		t.Errorf("%v", moved)
	}
}

func TestCountersSub(t *testing.T) {
	moved := Counters{"a": 5, "b": 1, "new": 2, "zero": 0}.Sub(Counters{"a": 2, "b": 1, "gone": 4, "still": 0})
	if want := (Counters{"a": 3, "new": 2, "gone": -4}); !maps.Equal(moved, want) {
		t.Errorf("%v", moved)
	}
}

// A full accept queue drops what comes then. How many, and what becomes of the
// clients, is a race of retransmissions: only that it moves is asserted.
func TestCountersOverflow(t *testing.T) {
	_, addr := listener(t, unix.AF_INET, 1)
	before, err := Own().Counters()
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		fd := socket(t, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
		if err := unix.Connect(fd, sockaddr(addr)); err != nil && err != unix.EINPROGRESS {
			t.Fatal(err)
		}
	}
	var moved Counters
	until(t, "ListenOverflows and ListenDrops moved", func() bool {
		after, err := Own().Counters()
		if err != nil {
			t.Fatal(err)
		}
		moved = after.Sub(before)
		return moved["TcpExt.ListenOverflows"] > 0 && moved["TcpExt.ListenDrops"] > 0
	})
	t.Log(moved)
	// A backlog of 1 holds 2.
	row, ok := found(tcpSockets(t).Listener(addr))
	if !ok || row.WQueue != 1 || row.RQueue <= row.WQueue {
		t.Errorf("%+v", row)
	}
}
