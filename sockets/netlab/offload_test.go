package netlab_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// offload has both hosts leave to their interfaces what they send, or not any more.
func (l *lab) offload(on bool) {
	l.t.Helper()
	links, err := l.Shape(netlab.Shape{Offload: &on})
	if err != nil {
		l.t.Fatal(err)
	}
	want := []string(nil)
	if on {
		want = []string{"tx-checksumming", "tcp-segmentation-offload", "generic-segmentation-offload"}
	}
	for _, link := range links {
		if !slices.Equal(link.Offload, want) {
			l.t.Fatalf("%+v", links)
		}
	}
}

// With the offloads on, a packet is larger than the MTU of its interface, and its checksum
// is not filled in. The kernel says both, and takes it as it was, over a queue too.
func TestOffload(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.offload(false)
	l.offload(true)
	l.connected()
	l.send(stage.Client, 3, strings.Repeat("x", 3000))
	var p wire.Packet // two segments at once, or all of it (tcp_tso_autosize)
	until(t, func() string { return "a packet of the client" }, func() bool {
		all := l.record()
		i := slices.IndexFunc(all, func(p wire.Packet) bool { return p.Fate == wire.Held })
		if i >= 0 {
			p = all[i]
		}
		return i >= 0
	})
	o := wire.Offload{Cut: "TCP segments", Size: 1448, Headers: 66, Checksum: true, From: 34, At: 50}
	if p.Offload == nil || *p.Offload != o || len(p.Data) < 66+2*1448 || !strings.HasSuffix(p.Summary, "GSO 1448") {
		t.Errorf("%d bytes, %+v", len(p.Data), p.Offload)
	}
	if f := p.Layer("TCP").Field("checksum"); !strings.HasPrefix(f.Meaning, "left to the device") || f.Start != o.At {
		t.Errorf("%+v", f)
	}
	l.cable(wire.Order{Do: "flow"})
	if c := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 3000, Flags: unix.MSG_WAITALL}); c.Ret != 3000 {
		t.Error(c.Strace())
	}
	rate := uint64(50_000_000)
	if _, err := l.Shape(netlab.Shape{Rate: &rate, Queue: 200_000, At: netlab.AtCable}); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 100_000)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	sent := l.begin(stage.Client, stage.Order{Do: "sendto", FD: 3, Data: data})
	if c := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: len(data), Flags: unix.MSG_WAITALL}); !bytes.Equal(c.Data, data) {
		t.Error(c.Strace())
	}
	<-sent
	if n := l.counter(stage.Server, "Tcp.InErrs"); n != 0 {
		t.Errorf("%d segments were wrong", n)
	}
	l.offload(false)
	l.cable(wire.Order{Do: "hold", When: "data"})
	l.send(stage.Client, 3, strings.Repeat("x", 3000))
	l.lies("client: 1448 bytes seq", "client: 1448 bytes seq", "client: 104 bytes seq")
}

// Where the checksum is yet to be filled in, a bit that is turned is noticed by nobody: it
// says so.
func TestCorruptedBeforeItsChecksum(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.offload(true)
	l.connected()
	l.send(stage.Client, 3, "hello")
	l.lies("client: 5 bytes seq 1")
	did := l.cable(wire.Order{Do: "corrupt"})
	if c := l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 100}); string(c.Data) != "helln" {
		t.Error(c.Strace())
	}
	for _, p := range l.record() {
		if p.Number == did.Touched[0] && !strings.HasSuffix(p.Note, "nobody can notice: the checksum is yet to be filled in") {
			t.Error(p.Note)
		}
	}
}
