package wire

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// A talk is a conversation that a test makes up, with the time of each frame.
type talk struct {
	now    time.Time
	frames [][]byte
	times  []time.Time
	seq    [2]uint32 // of the client and the server: the next
}

const (
	clientISN = 2874466580
	serverISN = 4294967290 // the numbers go around soon
)

func newTalk() *talk {
	return &talk{now: time.Unix(1764400000, 0).UTC(), seq: [2]uint32{clientISN, serverISN}}
}

// say adds a segment of a side some time after the one before: relative numbers are
// counted from its SYN.
func (k *talk) say(after time.Duration, from int, f Flags, seq, ack int, window uint16, data string, options ...byte) {
	d := draft()
	d.MSS, d.Flags, d.Window, d.Data = 0, f, window, []byte(data)
	base := [2]uint32{clientISN, serverISN}
	d.Seq = base[from] + uint32(seq)
	if f&ACK != 0 {
		d.Ack = base[1-from] + uint32(ack)
	}
	if from == 1 {
		d.From, d.To, d.Src, d.Dst = d.To, d.From, d.Dst, d.Src
	}
	b := d.Frame()
	if len(options) > 0 {
		b = slices.Insert(b, 54, options...)
		b[46] = byte(20+len(options)) / 4 << 4
		be.PutUint16(b[16:], uint16(len(b)-14))
		b = Mended(b)
	}
	k.now = k.now.Add(after)
	k.frames, k.times = append(k.frames, b), append(k.times, k.now)
}

const ms = time.Millisecond

// handshake opens the connection, with windows that count in units of 128 bytes.
func (k *talk) handshake() {
	scale := []byte{1, 3, 3, 7}
	k.say(0, 0, SYN, 0, 0, 64240, "", scale...)
	k.say(10*ms, 1, SYN|ACK, 0, 1, 65160, "", scale...)
	k.say(10*ms, 0, ACK, 1, 1, 502, "")
}

// port gives the client another port.
func (k *talk) port(n uint16) {
	for i, b := range k.frames {
		at := 34
		if b[29] == serverMAC[5] && b[5] == clientMAC[5] { // from the server
			at = 36
		}
		k.frames[i] = edited(b, at, byte(n>>8), byte(n))
	}
}

// packets are the frames of a talk, followed. fates are by their places.
func (k *talk) packets(fates ...fateOf) []Packet {
	var flows Flows
	var all []Packet
	for i, b := range k.frames {
		p := Parse(b)
		p.Time = k.times[i]
		for _, f := range fates {
			if f.place == i {
				p.Fate = f.fate
			}
		}
		flows.Follow(&p)
		all = append(all, p)
	}
	return all
}

type fateOf struct {
	place int
	fate  Fate
}

// talks are conversations in which something goes wrong, each with the labels of its
// segments from the fourth on.
func talks() map[string]struct {
	say  func(*talk)
	want []Label
} {
	return map[string]struct {
		say  func(*talk)
		want []Label
	}{
		"nothing": {func(k *talk) {
			k.say(ms, 0, PSH|ACK, 1, 1, 502, "hello")
			k.say(ms, 1, ACK, 1, 6, 509, "")
			k.say(ms, 0, FIN|ACK, 6, 1, 502, "")
			k.say(ms, 1, FIN|ACK, 1, 7, 509, "")
			k.say(ms, 0, ACK, 7, 2, 502, "")
		}, []Label{"", "", "", "", ""}},
		"lost": {func(k *talk) {
			k.say(ms, 0, PSH|ACK, 1, 1, 502, "hello")
			k.say(207*ms, 0, PSH|ACK, 1, 1, 502, "hello")
			k.say(ms, 1, ACK, 1, 6, 509, "")
			k.say(300*ms, 0, PSH|ACK, 1, 1, 502, "hello")
		}, []Label{"", Retransmission, "", Spurious}},
		"SACK": {func(k *talk) {
			k.say(ms, 0, ACK, 1, 1, 502, "aaaa")
			k.say(ms, 0, ACK, 5, 1, 502, "bbbb")
			k.say(ms, 0, ACK, 9, 1, 502, "cccc")
			k.say(ms, 0, ACK, 13, 1, 502, "dddd")
			k.say(ms, 1, ACK, 1, 5, 509, "")
			k.say(ms, 1, ACK, 1, 5, 509, "", sack(9, 13)...)
			k.say(ms, 1, ACK, 1, 5, 509, "", sack(9, 17)...)
			k.say(ms, 0, ACK, 5, 1, 502, "bbbb")
		}, []Label{"", "", "", "", "", DuplicateACK, DuplicateACK, Fast}},
		"overtaken": {func(k *talk) {
			k.say(ms, 0, ACK, 1, 1, 502, "aaaa")
			k.say(ms, 0, ACK, 9, 1, 502, "cccc")
			k.say(ms, 0, ACK, 5, 1, 502, "bbbb")
		}, []Label{"", Unseen, OutOfOrder}},
		"window": {func(k *talk) {
			k.say(ms, 1, ACK, 1, 1, 1, "")
			k.say(ms, 0, ACK, 1, 1, 502, string(make([]byte, 128)))
			k.say(ms, 1, ACK, 1, 129, 0, "")
			k.say(200*ms, 0, ACK, 128, 1, 502, "")
			k.say(ms, 1, ACK, 1, 129, 0, "")
			k.say(ms, 1, ACK, 1, 129, 509, "")
		}, []Label{WindowUpdate, WindowFull, ZeroWindow, KeepAlive, ZeroWindow, WindowUpdate}},
		"probe": {func(k *talk) {
			k.say(ms, 0, ACK, 1, 1, 502, "aaaa")
			k.say(ms, 1, ACK, 1, 5, 0, "")
			k.say(200*ms, 0, ACK, 5, 1, 502, "b")
			k.say(ms, 1, ACK, 1, 5, 0, "")
			k.say(200*ms, 1, ACK, 1, 5, 509, "")
			k.say(ms, 0, ACK, 5, 1, 502, "bbbb")
		}, []Label{"", ZeroWindow, Probe, ProbeACK, WindowUpdate, ""}},
		"keep-alive": {func(k *talk) {
			k.say(ms, 0, ACK, 1, 1, 502, "aaaa")
			k.say(ms, 1, ACK, 1, 5, 509, "")
			k.say(7200*time.Second, 0, ACK, 4, 1, 502, "")
			k.say(ms, 1, ACK, 1, 5, 509, "")
		}, []Label{"", "", KeepAlive, KeepAliveACK}},
		"SYN again": {func(k *talk) {
			k.frames, k.times = k.frames[:1], k.times[:1]
			k.say(1000*ms, 0, SYN, 0, 0, 64240, "", 1, 3, 3, 7)
			k.say(ms, 1, SYN|ACK, 0, 1, 65160, "", 1, 3, 3, 7)
			k.say(1000*ms, 1, SYN|ACK, 0, 1, 65160, "", 1, 3, 3, 7)
		}, []Label{Retransmission}},
		"not seen": {func(k *talk) {
			k.say(ms, 1, ACK, 1, 100, 509, "")
			k.say(ms, 0, ACK, 100, 1, 502, "hello")
		}, []Label{UnseenACK, Unseen}},
		"again with the same ports": {func(k *talk) {
			k.say(ms, 0, RST|ACK, 1, 1, 502, "")
			k.say(time.Second, 0, SYN, 70000, 0, 64240, "", 1, 3, 3, 7)
		}, []Label{"", PortReused}},
	}
}

// sack is the option, with a block of the client's bytes.
func sack(from, to uint32) []byte {
	b := []byte{1, 1, 5, 10}
	return be.AppendUint32(be.AppendUint32(b, clientISN+from), clientISN+to)
}

func TestLabels(t *testing.T) {
	for name, c := range talks() {
		k := newTalk()
		k.handshake()
		c.say(k)
		for i, p := range k.packets() {
			var want, got Label
			if i >= 3 && i-3 < len(c.want) {
				want = c.want[i-3]
			}
			if len(p.Labels) > 0 {
				got = p.Labels[len(p.Labels)-1]
			}
			if got != want && (name != "SYN again" || i == 3) {
				t.Errorf("%s, segment %d, %s: %q, not %q", name, i+1, p.Summary, p.Labels, want)
			}
		}
	}
}

// Numbers are counted from the start of the connection, also when those on the wire go
// around, and both are said.
func TestRelativeNumbers(t *testing.T) {
	k := newTalk()
	k.handshake()
	k.say(ms, 1, PSH|ACK, 1, 1, 509, "0123456789")
	k.say(ms, 0, ACK, 1, 11, 502, "", sackOf(serverISN, 3, 5)...)
	all := k.packets()
	for i, want := range []string{"SYN seq 0", "SYN+ACK seq 0 ack 1", "ACK ack 1", "10 bytes seq 1", "ACK ack 11, SACK 3 to 4"} {
		if all[i].Summary != want {
			t.Errorf("%q, not %q", all[i].Summary, want)
		}
	}
	tcp := all[4].Layer("TCP")
	for field, want := range map[string]string{"sequence number": "here 1", "acknowledgment number": "here 11", "left edge of block": "here 3", "window": "64256 bytes"} {
		if got := tcp.Field(field).Meaning; got != want {
			t.Errorf("%s: %q, not %q", field, got, want)
		}
	}
	if got := tcp.Field("acknowledgment number").Value; got != "5" { // 4294967290 + 11, around
		t.Errorf("on the wire: %s", got)
	}
}

func sackOf(base, from, to uint32) []byte {
	return be.AppendUint32(be.AppendUint32([]byte{1, 1, 5, 10}, base+from), base+to)
}

// A segment that comes again says how long after the last time.
func TestAgain(t *testing.T) {
	k := newTalk()
	k.handshake()
	k.say(ms, 0, PSH|ACK, 1, 1, 502, "hello")
	k.say(207*ms, 0, PSH|ACK, 1, 1, 502, "hello")
	k.say(412*ms, 0, PSH|ACK, 1, 1, 502, "hello")
	k.say(ms, 0, PSH|ACK, 6, 1, 502, "more")
	all := k.packets()
	for i, want := range []time.Duration{0, 0, 0, 0, 207 * ms, 412 * ms, 0} {
		if all[i].Again != want.Nanoseconds() {
			t.Errorf("segment %d: %v, not %v", i+1, time.Duration(all[i].Again), want)
		}
	}
}

// An ACK that was lost has told nobody, so what comes after it comes again.
func TestAgainAfterALostACK(t *testing.T) {
	for fate, want := range map[Fate]time.Duration{Passed: 0, Dropped: 207*ms + ms} {
		k := newTalk()
		k.handshake()
		k.say(ms, 0, FIN|ACK, 1, 1, 502, "")
		k.say(ms, 1, ACK, 1, 2, 502, "")
		k.say(207*ms, 0, FIN|ACK, 1, 1, 502, "")
		all := k.packets(fateOf{4, fate})
		if got := time.Duration(all[5].Again); got != want {
			t.Errorf("the ACK was %s: again after %v, not %v", fate, got, want)
		}
	}
}

// Connections that are too many are forgotten, the oldest first.
func TestFlood(t *testing.T) {
	var flows Flows
	for i := range maxFlows + 100 {
		d := draft()
		d.Seq = uint32(i)
		d.Src = netipPort(uint16(1 + i%65000))
		p := Parse(d.Frame())
		flows.Follow(&p)
	}
	if len(flows.flows) != maxFlows || len(flows.order) != maxFlows {
		t.Errorf("%d connections are remembered", len(flows.flows))
	}
}

// wander is a conversation by chance: it has every kind of segment, in no order that a
// kernel would send.
func wander(seed uint64, n int) *talk {
	r := rand.New(rand.NewPCG(seed, 5))
	k := newTalk()
	k.handshake()
	next, acked, windows := [2]int{1, 1}, [2]int{1, 1}, [2]uint16{502, 509}
	for range n {
		after := time.Duration(r.IntN(40)) * ms
		from := r.IntN(2)
		switch r.IntN(9) {
		case 0, 1, 2: // the next bytes
			size := 1 + r.IntN(1400)
			k.say(after, from, PSH|ACK, next[from], acked[1-from], windows[from], string(make([]byte, size)))
			next[from] += size
		case 3: // some bytes again
			if at := max(next[from]-1-r.IntN(2000), 1); at < next[from] {
				k.say(after, from, ACK, at, acked[1-from], windows[from], string(make([]byte, 1+r.IntN(next[from]-at))))
			}
		case 4: // all is there
			acked[1-from] = next[1-from]
			k.say(after, from, ACK, next[from], acked[1-from], windows[from], "")
		case 5: // the same
			k.say(after, from, ACK, next[from], acked[1-from], windows[from], "")
		case 6: // more room, or none
			windows[from] = []uint16{0, 1, 100, 502}[r.IntN(4)]
			k.say(after, from, ACK, next[from], acked[1-from], windows[from], "")
		case 7: // a keep-alive
			k.say(after, from, ACK, next[from]-1, acked[1-from], windows[from], "")
		case 8: // a byte more
			k.say(after, from, ACK, next[from], acked[1-from], windows[from], "x")
			if windows[1-from] > 0 {
				next[from]++
			}
		}
	}
	return k
}

func netipPort(port uint16) netip.AddrPort { return netip.AddrPortFrom(client.Addr(), port) }
