package netlab_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// The handshake, packet by packet: connect(2) returns while the server's end is not open.
func TestHandshake(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.listens()
	connect := l.begin(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
	l.lies("client: SYN seq 0")
	l.states("SYN-SENT", "")
	l.passes("client: SYN seq 0")
	l.lies("server: SYN+ACK seq 0 ack 1")
	l.states("SYN-SENT", "SYN-RECV")
	select {
	case c := <-connect:
		t.Fatalf("too early: %s", c.Strace())
	default:
	}
	l.passes("server: SYN+ACK")
	if c := <-connect; c.Errno != 0 {
		t.Fatal(c.Strace())
	}
	l.lies("client: ACK ack 1")
	l.states("ESTAB", "SYN-RECV")
	l.passes("client: ACK")
	l.states("ESTAB", "ESTAB")
	if c := l.must(stage.Server, stage.Order{Do: "accept4", FD: 3}); c.Ret != 4 {
		t.Error(c.Strace())
	}
}

// A SYN that is lost comes again; while one lies on the cable its repeats are taken off.
func TestRepeats(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.listens()
	connect := l.begin(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
	l.lies("client: SYN seq 0")
	until(t, func() string { return "a repeat that is taken off" }, func() bool {
		all := l.record()
		return strings.HasPrefix(all[len(all)-1].Note, "packet 3 again") && all[len(all)-1].Fate == wire.TakenOff
	})
	if p := l.record()[2]; p.Fate != wire.Held || !strings.HasPrefix(p.Note, "sent again 1 time") {
		t.Errorf("packet 3: %s, %s", p.Fate, p.Note)
	}
	l.lies("client: SYN seq 0")
	l.cable(wire.Order{Do: "drop"})
	l.lies("client: SYN seq 0")
	l.cable(wire.Order{Do: "flow"})
	if c := <-connect; c.Errno != 0 {
		t.Error(c.Strace())
	}
}

// The third of eight segments is lost. SACK tells what came behind it, and it is sent
// again long before the timer would have fired.
func TestLoss(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.connected()
	again := l.counter(stage.Client, "Tcp.RetransSegs")
	for i := range 8 {
		l.send(stage.Client, 3, strings.Repeat(string(rune('a'+i)), 1000))
	}
	until(t, func() string { return "eight segments" }, func() bool { return len(l.lying()) == 8 })
	third := l.record()[len(l.record())-6]
	if r := l.cable(wire.Order{Do: "drop", Number: third.Number}); r.Lie != 7 {
		t.Errorf("one of eight is lost, and %d lie on the cable", r.Lie)
	}
	sacked := false
	read := 0
	for read < 8000 {
		for _, p := range l.record() {
			sacked = sacked || strings.Contains(p.Summary, "SACK 3001 to")
		}
		if len(l.lying()) > 0 {
			l.cable(wire.Order{Do: "next"})
		}
		c := l.do(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 8000, Flags: unix.MSG_DONTWAIT})
		read += max(0, int(c.Ret))
	}
	if !sacked {
		t.Error("no SACK behind the hole")
	}
	l.counts(stage.Client, "Tcp.RetransSegs", again)
	labels := ""
	for _, p := range l.record() {
		labels += fmt.Sprint(p.Labels)
	}
	if !strings.Contains(labels, "retransmission") {
		t.Errorf("no retransmission among %s", labels)
	}
}

// A segment that comes twice is told of by the receiver (DSACK, RFC 2883).
func TestDuplicate(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.connected()
	was := l.counter(stage.Server, "TcpExt.TCPDSACKOldSent")
	l.send(stage.Client, 3, "hello")
	l.lies("client: 5 bytes seq 1")
	l.cable(wire.Order{Do: "dup"})
	l.counts(stage.Server, "TcpExt.TCPDSACKOldSent", was)
	if c := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 100}); c.Ret != 5 {
		t.Error(c.Strace())
	}
}

// The second segment comes first: it waits in the out-of-order queue, and the bytes are
// read in their order.
func TestReordered(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.connected()
	was := l.counter(stage.Server, "TcpExt.TCPOFOQueue")
	l.send(stage.Client, 3, "hello, ")
	l.send(stage.Client, 3, "world")
	l.lies("client: 7 bytes seq 1", "client: 5 bytes seq 8")
	l.cable(wire.Order{Do: "swap"})
	l.counts(stage.Server, "TcpExt.TCPOFOQueue", was)
	if c := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 100}); string(c.Data) != "hello, world" {
		t.Error(c.Strace())
	}
	l.lies("server: ACK ack 1, SACK 8 to 12", "server: ACK ack 13")
}

// One bit is turned. The receiver's checksum finds it, and it says nothing; the sender
// sends again when its timer fires.
func TestCorrupted(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{RealTimers: true})
	l.connected()
	was := l.counter(stage.Server, "Tcp.InCsumErrors")
	l.cable(wire.Order{Do: "hold", When: "data"})
	l.send(stage.Client, 3, "hello")
	until(t, func() string { return "the segment" }, func() bool { return len(l.lying()) > 0 })
	l.cable(wire.Order{Do: "corrupt"})
	l.counts(stage.Server, "Tcp.InCsumErrors", was)
	l.cable(wire.Order{Do: "flow"})
	if c := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 100}); string(c.Data) != "hello" {
		t.Error(c.Strace())
	}
}

// An RST with a guessed sequence number is answered with a challenge (RFC 5961); one with
// the very number that is waited for ends the connection.
func TestReset(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.connected()
	was := l.counter(stage.Server, "TcpExt.TCPChallengeACK")
	l.cable(wire.Order{Do: "rst", To: netlab.Server, Off: 100})
	l.counts(stage.Server, "TcpExt.TCPChallengeACK", was)
	l.states("ESTAB", "ESTAB")
	l.lies("server: ACK ack 1")
	l.cable(wire.Order{Do: "drop"})
	l.cable(wire.Order{Do: "rst", To: netlab.Server})
	l.states("ESTAB", "")
	if c := l.do(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 100}); c.Errno != unix.ECONNRESET {
		t.Error(c.Strace())
	}
	// The client has not heard of it, and is told when it speaks.
	l.send(stage.Client, 3, "hello?")
	l.passes("client: 6 bytes seq 1")
	l.passes("server: RST seq 1")
	l.states("", "")
	if c := l.do(stage.Client, stage.Order{Do: "recvfrom", FD: 3, Size: 100}); c.Errno != unix.ECONNRESET {
		t.Error(c.Strace())
	}
}

// A host in SYN-SENT knows no sequence number of the other yet: of an RST it checks which SYN
// is acknowledged, and takes none with a guess (RFC 9293 section 3.10.7.3).
func TestResetInSynSent(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.listens()
	connect := l.begin(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
	l.lies("client: SYN seq 0")
	forged := func(off int, want string) {
		t.Helper()
		r := l.cable(wire.Order{Do: "rst", To: netlab.Client, Off: off})
		all := l.record()
		p := all[slices.IndexFunc(all, func(p wire.Packet) bool { return p.Number == r.Touched[0] })]
		if !strings.Contains(p.Note, want) {
			t.Errorf("of the RST with an offset of %d: %q, without %q", off, p.Note, want)
		}
	}
	for _, off := range []int{-1, 1, 100} {
		forged(off, fmt.Sprintf("its acknowledgement number is a guess, %+d beside", off))
		l.states("SYN-SENT", "")
	}
	forged(0, "its acknowledgement number is the one")
	if c := <-connect; c.Errno != unix.ECONNREFUSED {
		t.Error(c.Strace())
	}
	forged(0, "tells of no such connection any more")
}

// A router that does not exist says that 600 bytes are the most: the kernel believes it,
// and sends the same bytes again in smaller segments.
func TestTooBig(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.connected()
	l.send(stage.Client, 3, strings.Repeat("x", 1400))
	l.lies("client: 1400 bytes seq 1")
	l.cable(wire.Order{Do: "icmp", MTU: 600})
	l.lies("client: 548 bytes seq 1", "client: 548 bytes seq 549", "client: 304 bytes seq 1097")
	l.cable(wire.Order{Do: "flow"})
	if c := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 1400, Flags: unix.MSG_WAITALL}); c.Ret != 1400 {
		t.Error(c.Strace())
	}
}

// The server does not read, until its window is 0.
func TestZeroWindow(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{RealTimers: true}) // what is left of a window, less than a segment, is filled when one fires
	l.connected(stage.Order{Level: unix.SOL_SOCKET, Option: unix.SO_RCVBUF, Value: 1 << 14})
	l.cable(wire.Order{Do: "flow"})
	labels := func() (all string) {
		for _, p := range l.record() {
			all += fmt.Sprint(p.Labels)
		}
		return all
	}
	until(t, func() string { return "a window of 0, in " + labels() }, func() bool {
		l.do(stage.Client, stage.Order{Do: "sendto", FD: 3, Data: make([]byte, 1<<14), Flags: unix.MSG_DONTWAIT})
		return strings.Contains(labels(), "zero window")
	})
	l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 1 << 16})
	until(t, func() string { return "a window update" }, func() bool { return strings.Contains(labels(), "window update") })
}

// Both ends say goodbye, in four packets: who said it first has TIME_WAIT.
func TestGoodbye(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.connected()
	l.must(stage.Client, stage.Order{Do: "shutdown", FD: 3, How: unix.SHUT_WR})
	l.states("FIN-WAIT-1", "ESTAB")
	l.passes("client: FIN+ACK seq 1 ack 1")
	l.states("FIN-WAIT-1", "CLOSE-WAIT")
	l.passes("server: ACK ack 2")
	l.states("FIN-WAIT-2", "CLOSE-WAIT")
	l.must(stage.Server, stage.Order{Do: "close", FD: 4})
	l.states("FIN-WAIT-2", "LAST-ACK")
	l.passes("server: FIN+ACK seq 1 ack 2")
	l.states("TIME-WAIT", "LAST-ACK")
	l.passes("client: ACK ack 2")
	l.states("TIME-WAIT", "")
	l.lies()
}

// A packet is late.
func TestDelayed(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.connected()
	l.send(stage.Client, 3, "hello")
	l.lies("client: 5 bytes seq 1")
	l.cable(wire.Order{Do: "delay", Delay: 50_000_000})
	l.lies("server: ACK ack 6")
	all := l.record()
	if late, ack := all[len(all)-2], all[len(all)-1]; late.Fate != wire.Delayed || ack.Time.Sub(late.Time) < 50_000_000 {
		t.Errorf("%s; answered after %s", late.Fate, ack.Time.Sub(late.Time))
	}
}

// What is no order for the cable is refused, with a reason.
func TestRefusedOrders(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	for _, o := range []wire.Order{
		{Do: "next"}, {Do: "drop", Number: 4711}, {Do: "hold", When: "everything"}, {Do: "sing"},
		{Do: "rst", To: "nobody"}, {Do: "rst", To: netlab.Server}, {Do: "hold"},
	} {
		if _, err := l.Cable(o); err == nil {
			t.Errorf("%+v is obeyed", o)
		}
	}
	l.listens()
	l.begin(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
	l.lies("client: SYN seq 0")
	for _, o := range []wire.Order{{Do: "swap"}, {Do: "icmp", MTU: 20}, {Do: "delay"}, {Do: "next", Number: 1}} {
		if _, err := l.Cable(o); err == nil {
			t.Errorf("%+v is obeyed", o)
		}
	}
	l.lies("client: SYN seq 0")
}

// Nothing that a host can send does any harm.
func TestGarbage(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8
	c := l.do(stage.Client, stage.Order{Do: "socket", Domain: unix.AF_PACKET, Type: unix.SOCK_RAW, Protocol: all})
	if c.Errno != 0 {
		t.Fatal(c.Strace())
	}
	to := make([]byte, 20) // struct sockaddr_ll
	to[0], to[4] = unix.AF_PACKET, byte(l.index(stage.Client))
	l.cable(wire.Order{Do: "hold", When: "all"})
	frames := []string{
		strings.Repeat("\xff", 14),
		strings.Repeat("\x00", 60),
		"\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x01\x08\x00\x4f\x00\xff\xff",
		"\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x01\x08\x00\x45\x00\x00\x14\x00\x00\x00\x00\x40\x06\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02",
		strings.Repeat("x", 1514),
	}
	for _, f := range frames {
		c := l.do(stage.Client, stage.Order{Do: "sendto", FD: 3, Data: []byte(f), Addr: to})
		if c.Errno != 0 {
			t.Errorf("%d bytes: %s", len(f), c.Strace())
		}
	}
	until(t, func() string { return "the frames" }, func() bool { return len(l.lying()) == len(frames) })
	for range frames {
		l.cable(wire.Order{Do: "corrupt"})
	}
}

// SYNs from addresses that nobody has fill the SYN queue, and a client that is new waits.
// With SYN cookies it is served.
func TestFlood(t *testing.T) {
	t.Parallel()
	for _, cookies := range []string{"0", "1"} {
		t.Run("cookies "+cookies, func(t *testing.T) {
			l := up(t, netlab.Options{RealTimers: true})
			l.run(stage.Server, "sh", "-c", "echo "+cookies+" >/proc/sys/net/ipv4/tcp_syncookies && echo 8 >/proc/sys/net/ipv4/tcp_max_syn_backlog")
			l.listens()
			flood := wire.Order{Do: "syn", To: netlab.Server, Port: 8080, Count: 50}
			if _, err := l.Cable(flood); err == nil {
				t.Error("SYNs are forged to an address that nobody knows yet")
			}
			l.cable(wire.Order{Do: "flow"})
			l.must(stage.Client, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_DGRAM})
			l.must(stage.Client, stage.Order{Do: "sendto", FD: 4, Addr: at, Data: []byte("who are you?")})
			until(t, func() string { return "an answer" }, func() bool { return len(l.record()) > 2 })
			l.cable(flood)
			half := 0
			until(t, func() string { return fmt.Sprintf("half-open connections, not %d", half) }, func() bool {
				half = strings.Count(l.run(stage.Server, "ss", "-Htn", "state", "syn-recv", "sport = :8080"), "192.0.2.")
				return half >= 5
			})
			if half > 8 {
				t.Errorf("%d half-open connections", half)
			}
			l.must(stage.Client, stage.Order{Do: "setsockopt", FD: 3, Level: unix.SOL_SOCKET, Option: unix.SO_SNDTIMEO, Timeout: 1500 * time.Millisecond})
			c := l.do(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
			if served := c.Errno == 0; served != (cookies == "1") {
				t.Errorf("tcp_syncookies is %s: %s", cookies, c.Strace())
			}
			if sent := l.counter(stage.Server, "TcpExt.SyncookiesSent"); (sent > 0) != (cookies == "1") {
				t.Errorf("%d cookies are sent", sent)
			}
		})
	}
	l := up(t, netlab.Options{})
	for _, o := range []wire.Order{{Do: "syn", To: "nobody", Port: 1, Count: 1}, {Do: "syn", To: netlab.Server, Count: 1}, {Do: "syn", To: netlab.Server, Port: 80}, {Do: "syn", To: netlab.Server, Port: 80, Count: 1 << 20}} {
		if _, err := l.Cable(o); err == nil {
			t.Errorf("%+v is obeyed", o)
		}
	}
}
