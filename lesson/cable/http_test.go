package cable

import (
	"net/netip"
	"testing"

	"fd3/sockets/wire"
)

// A message is named as far as the packet has it; other bytes are bytes.
func TestContain(t *testing.T) {
	for data, want := range map[string]string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello":  "body",
		"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello": "body",
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n":                  "empty line",
		"GET / HTTP/1.1\r\nHost: a":                          "data",
		"hello":                                              "",
		"GET /":                                              "",
		"\x16\x03\x01":                                       "",
		"lo":                                                 "",
	} {
		d := wire.Draft{Src: netip.MustParseAddrPort("10.0.0.1:1"), Dst: netip.MustParseAddrPort("10.0.0.2:80"), Flags: wire.ACK, Data: []byte(data)}
		p := wire.Parse(d.Frame())
		Contain(&p)
		got := ""
		if l := p.Layer("HTTP"); l != nil {
			got = l.Fields[len(l.Fields)-1].Name
		}
		if got != want {
			t.Errorf("%q ends in %q, not in %q", data, got, want)
		}
	}
	p := wire.Parse(nil)
	Contain(&p)
}
