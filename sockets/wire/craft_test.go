package wire

import (
	"bytes"
	"net/netip"
	"testing"
)

// What is made is parsed, and says what it was made to say.
func TestCraft(t *testing.T) {
	d := draft()
	syn := Parse(d.Frame())
	d.Flags, d.Ack, d.MSS, d.Data = PSH|ACK, 77, 0, []byte("hello")
	data := Parse(d.Frame())
	d.Src, d.Dst = client6, server6
	six := Parse(d.Frame())
	d.Flags, d.Data = SYN|ACK, nil
	answer := Parse(d.Frame())
	for want, made := range map[string]func() ([]byte, error){
		"RST seq 2874466580":            func() ([]byte, error) { return data.Reset(0) },
		"RST seq 2874466680":            func() ([]byte, error) { return six.Reset(100) },
		"RST+ACK seq 2874466580 ack 77": func() ([]byte, error) { return answer.Reset(0) },
		"RST+ACK seq 0 ack 2874466581":  func() ([]byte, error) { return syn.Refusal(0) },
		"RST seq 77":                    func() ([]byte, error) { return data.Refusal(0) },
		"ICMP destination unreachable: fragmentation needed, and not allowed, next-hop MTU 600": func() ([]byte, error) { return data.FragmentationNeeded(netip.MustParseAddr("10.0.0.254"), 600) },
	} {
		b, err := made()
		p := Parse(b)
		if err != nil || p.Summary != want || p.Malformed != "" {
			t.Errorf("%q, %q, %v, not %q", p.Summary, p.Malformed, err, want)
		}
		for _, l := range p.Layers {
			if f := l.Field("checksum"); f != nil && !l.Quoted && f.Meaning != "right" {
				t.Errorf("%s: %s: %s", want, l.Name, f.Meaning)
			}
		}
	}
	back, _ := data.Refusal(0)
	if p := Parse(back); p.Layer("IPv4").Field("source address").Value != "10.0.0.2" || p.Layer("Ethernet").Field("destination address").Value != "02:00:00:00:00:01" {
		t.Errorf("a refusal does not go back: %+v", p.Layers)
	}
	for name, made := range map[string]func() ([]byte, error){
		"a reset of UDP": func() ([]byte, error) { p := Parse(with4(17, udp(1, 2, "hi")...)); return p.Reset(0) },
		"ICMP about ARP": func() ([]byte, error) {
			p := Parse(arp(1, client.Addr(), server.Addr(), [6]byte{}))
			return p.FragmentationNeeded(server.Addr(), 600)
		},
		"ICMP about IPv6": func() ([]byte, error) { return six.FragmentationNeeded(server.Addr(), 600) },
	} {
		if _, err := made(); err == nil {
			t.Errorf("%s is made", name)
		}
	}
}

// One bit is another one, the checksum tells, and a frame that is mended tells nothing.
func TestFlippedAndMended(t *testing.T) {
	d := draft()
	d.Data = []byte("hello")
	frame := d.Frame()
	for bit := 8 * 15; bit < 8*len(frame); bit++ {
		other := Flipped(frame, bit)
		if n := different(frame, other); n != 1 {
			t.Fatalf("%d bits are others", n)
		}
		if bytes.Equal(other, Mended(other)) {
			t.Fatalf("bit %d is another, and the checksums are right", bit)
		}
	}
	if !bytes.Equal(frame, Mended(frame)) || different(frame, Flipped(frame, -1)) != 0 || different(frame, Flipped(frame, 8*len(frame))) != 0 {
		t.Error("a frame that is right has become another")
	}
}

func different(a, b []byte) int {
	n := 0
	for i := range a {
		for x := a[i] ^ b[i]; x != 0; x &= x - 1 {
			n++
		}
	}
	return n
}
