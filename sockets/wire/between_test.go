package wire

import (
	"fmt"
	"testing"
)

// What a packet says of the ends that it belongs to.
func TestBetween(t *testing.T) {
	want := map[string]string{
		"SYN":                      "10.0.0.1:43210 10.0.0.2:48080 true",
		"RST+ACK":                  "10.0.0.2:48080 10.0.0.1:43210 true",
		"data over IPv6":           "[fd00::1]:43210 [fd00::2]:48080 true",
		"UDP":                      "10.0.0.1:43210 10.0.0.2:48080 true",
		"VLAN":                     "10.0.0.1:43210 10.0.0.2:48080 true",
		"first fragment":           "10.0.0.1:43210 10.0.0.2:48080 true",
		"later fragment":           "10.0.0.1:0 10.0.0.2:0 true",
		"ARP request":              "10.0.0.1:0 10.0.0.2:0 true",
		"fragmentation needed":     "10.0.0.1:43210 10.0.0.2:48080 true",
		"time exceeded":            "10.0.0.1:43210 10.0.0.2:48080 true", // quotes 8 bytes of TCP
		"packet too big":           "[fd00::1]:43210 [fd00::2]:48080 true",
		"echo request":             "invalid AddrPort invalid AddrPort false",
		"neighbor solicitation":    "invalid AddrPort invalid AddrPort false",
		"IEEE 802.3 with a length": "invalid AddrPort invalid AddrPort false",
	}
	for _, s := range corpus() {
		p := Parse(s.frame)
		src, dst, ok := p.Between()
		if told := fmt.Sprint(src, dst, ok); want[s.name] != "" && told != want[s.name] {
			t.Errorf("%s: %s, not %s", s.name, told, want[s.name])
		}
		delete(want, s.name)
	}
	if len(want) > 0 {
		t.Errorf("not in the corpus: %v", want)
	}
}
