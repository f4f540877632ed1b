package wire

import (
	"bytes"
	"strings"
	"testing"
)

// whole fails unless each bit of a frame is in exactly one field, in its order, and each
// value says something.
func whole(t testing.TB, p Packet) {
	t.Helper()
	at := 0 // bits
	for _, l := range p.Layers {
		if l.Start*8 != at || len(l.Fields) == 0 && l.Start != l.End {
			t.Fatalf("%s begins at byte %d, after bit %d, with %d fields", l.Name, l.Start, at, len(l.Fields))
		}
		for _, f := range l.Fields {
			start, bits := f.Start*8+f.Bit, f.Bits
			if bits == 0 {
				bits = 8 * (f.End - f.Start)
			}
			if start != at || bits <= 0 || (start+bits+7)/8 != f.End {
				t.Fatalf("%s: %+v after bit %d", l.Name, f, at)
			}
			if f.Value == "" || f.Name == "" {
				t.Fatalf("%s: %+v says nothing", l.Name, f)
			}
			at += bits
		}
		if l.End*8 != at {
			t.Fatalf("%s ends at byte %d, and its fields at bit %d", l.Name, l.End, at)
		}
	}
	if at != 8*len(p.Data) {
		t.Fatalf("%d of %d bits have a name", at, 8*len(p.Data))
	}
}

func TestEveryBitHasAName(t *testing.T) {
	for _, s := range corpus() {
		p := Parse(s.frame)
		whole(t, p)
		if p.Malformed != "" || p.Summary == "" {
			t.Errorf("%s: %q, %q", s.name, p.Summary, p.Malformed)
		}
		for n := range s.frame { // every frame that ends too early
			whole(t, Parse(s.frame[:n]))
		}
	}
	for _, s := range damaged() {
		whole(t, Parse(s.frame))
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range corpus() {
		f.Add(s.frame, uint16(0))
	}
	f.Fuzz(func(t *testing.T, frame []byte, bit uint16) {
		original := bytes.Clone(frame)
		p := Parse(frame)
		whole(t, p)
		var flows Flows
		flows.Follow(&p)
		p = Parse(frame)
		flows.Follow(&p)
		whole(t, p)
		mended := Parse(Mended(frame))
		whole(t, mended)
		for _, l := range mended.Layers {
			if f := l.Field("checksum"); f != nil && strings.HasPrefix(f.Meaning, "wrong") {
				t.Fatalf("%s: %+v after it was mended", l.Name, f)
			}
		}
		whole(t, Parse(Flipped(frame, int(bit))))
		for _, made := range [][]byte{first(p.Reset(0)), first(p.Refusal(0)), first(p.FragmentationNeeded(server.Addr(), 600))} {
			if q := Parse(made); made != nil && q.Malformed != "" {
				t.Fatalf("%s", q.Malformed)
			}
		}
		if !bytes.Equal(frame, original) {
			t.Fatal("the frame is another one")
		}
	})
}

func first(b []byte, _ error) []byte { return b }

func TestSummary(t *testing.T) {
	want := map[string]string{
		"SYN":                    "SYN seq 2874466580, MSS 1460",
		"data":                   "18 bytes seq 2874466580",
		"RST+ACK":                "RST+ACK seq 0 ack 2874466581",
		"UDP":                    "UDP port 43210 to 48080, 5 bytes",
		"first fragment":         "UDP port 43210 to 48080, 5 bytes, the first fragment",
		"later fragment":         "fragment: bytes 1480 to 1492",
		"last fragment":          "fragment: bytes 1480 to 1492, the last",
		"ARP request":            "ARP who has 10.0.0.2? tell 10.0.0.1",
		"ARP reply":              "ARP 10.0.0.1 is at 02:00:00:00:00:01",
		"echo request":           "ICMP echo request, id 4660, seq 1",
		"fragmentation needed":   "ICMP destination unreachable: fragmentation needed, and not allowed, next-hop MTU 600",
		"packet too big":         "ICMPv6 packet too big, MTU 1280",
		"neighbor solicitation":  "ICMPv6 neighbor solicitation: who has fd00::2?",
		"unknown protocol":       "IPv4 protocol 253, 4 bytes",
		"unknown type":           "Ethernet type 0x88b5, 4 bytes",
		"SACK":                   "4 bytes + SYN seq 2874466580, SACK 256 to 511, SACK 768 to 1023",
		"later fragment of IPv6": "fragment: bytes 1480 to 1484",
	}
	for _, s := range corpus() {
		if words, ok := want[s.name]; ok {
			if got := Parse(s.frame).Summary; got != words {
				t.Errorf("%s: %q, not %q", s.name, got, words)
			}
			delete(want, s.name)
		}
	}
	for name := range want {
		t.Errorf("no frame %q", name)
	}
}

func TestChecksumsAreSaid(t *testing.T) {
	partial := func() []byte { // as a kernel leaves it to a device
		b := draft().Frame()
		s := Parse(b)
		at := s.Layer("TCP").Field("checksum").Start
		be.PutUint16(b[at:], folded(pseudo(b[26:30], b[30:34], 6, len(b)-34)))
		return b
	}()
	for _, c := range []struct {
		name, layer, field, want string
		frame                    []byte
	}{
		{"right", "TCP", "checksum", "right", draft().Frame()},
		{"flipped", "TCP", "checksum", "wrong: 0x", Flipped(draft().Frame(), 8*54)},
		{"partial", "TCP", "checksum", "left to the device", partial},
		{"header", "IPv4", "header checksum", "wrong: 0x", Flipped(draft().Frame(), 8*22)},
	} {
		p := Parse(c.frame)
		if got := p.Layer(c.layer).Field(c.field).Meaning; !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	for _, s := range corpus() {
		for _, l := range Parse(s.frame).Layers {
			if f := l.Field("checksum"); f != nil && strings.HasPrefix(f.Meaning, "wrong") && !strings.HasPrefix(s.name, "wrong") {
				t.Errorf("%s: %s: %s", s.name, l.Name, f.Meaning)
			}
		}
	}
}

// What is wrong with a frame is said.
func TestMalformed(t *testing.T) {
	syn := draft().Frame()
	for want, frame := range map[string][]byte{
		"Ethernet: the bytes end before the source address does":      syn[:9],
		"IPv4: the total length is 44, and 18 bytes are there":        syn[:32],
		"IPv4: an IHL of 4, and a header has at least 20 bytes":       edited(syn, 14, 0x44),
		"IPv4: the version is 5":                                      edited(syn, 14, 0x55),
		"IPv4: the total length is 19, and the header has 20 bytes":   edited(syn, 16, 0, 19),
		"IPv4: the total length is 1500, and 44 bytes are there":      edited(syn, 16, 5, 220),
		"TCP: a data offset of 4, and a header has at least 20 bytes": edited(syn, 46, 0x40),
		"TCP: the bytes end within the header":                        edited(syn, 46, 0xf0),
		"TCP: an option of 1 bytes, where 4 are left":                 edited(syn, 55, 1),
		"TCP: an option of 40 bytes, where 4 are left":                edited(syn, 55, 40),
		"TCP: maximum segment size of 3 bytes":                        edited(syn, 55, 3),
		"UDP: the length is 7, and the header has 8 bytes":            edited(with4(17, udp(1, 2, "hello")...), 38, 0, 7),
		"UDP: the length is 99, and 13 bytes are there":               edited(with4(17, udp(1, 2, "hello")...), 38, 0, 99),
		"IPv6: the payload length is 99, and 13 bytes are there":      edited(with6(17, udp(1, 2, "hello")...), 18, 0, 99),
		"Ethernet: its length is 50, and 4 bytes are there":           append(syn[:12:12], 0, 50, 1, 2, 3, 4),
	} {
		if got := Parse(frame).Malformed; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
