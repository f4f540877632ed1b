package httpmini

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// net/netip is the judge of IPv6 addresses; zones it knows and URIs don't.
func TestIsIPv6(t *testing.T) {
	check := func(s string) {
		ip, err := netip.ParseAddr(s)
		if want := err == nil && ip.Is6() && ip.Zone() == ""; isIPv6([]byte(s)) != want {
			t.Errorf("%q: %v, netip says %v", s, !want, err)
		}
	}
	for _, s := range []string{
		"", ":", "::", ":::", "::1", "1::", "1", "1:", ":1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::2::3", "fe80::1", "12345::", "g::", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4",
		"1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.256", "::01.2.3.4", "::1.2.3.4:5", "1.2.3.4", "1:2:3:4:5:6:7:8::", "::1.2.3.4.", "1::1:",
	} {
		check(s)
	}
	const octets = "::::1af0.255"
	for range 200_000 {
		b := make([]byte, rand.IntN(24))
		for i := range b {
			b[i] = octets[rand.IntN(len(octets))]
		}
		check(string(b))
	}
}

func TestIsFutureAddress(t *testing.T) {
	for s, want := range map[string]bool{"v1.x": true, "VF.a:b": true, "v.x": false, "v1x": false, "v1.": false, "x1.x": false, "v1.[": false, "": false} {
		if isFutureAddress([]byte(s)) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
