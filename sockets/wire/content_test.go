package wire

import (
	"fmt"
	"testing"
)

// Every byte of the payload keeps a name, whatever the fields are.
func TestContain(t *testing.T) {
	d := draft()
	d.MSS, d.Data = 0, []byte("GET / HTTP")
	at := len(d.Frame()) - len(d.Data)
	field := func(name string, start, end int) Field { return Field{Name: name, Start: at + start, End: at + end} }
	for want, fields := range map[string][]Field{
		"[data 0-10]": nil,
		"[method 0-3 data 3-4 target 4-5 data 5-10]": {field("method", 0, 3), field("target", 4, 5)},
		"[method 0-3 target 3-10]":                   {field("method", 0, 3), field("early", 2, 4), field("empty", 3, 3), field("target", 3, 99)},
		"[data 0-1 all 1-10]":                        {field("outside", -5, 2), field("all", 1, 1000), field("late", 1000, 1001)},
	} {
		p := Parse(d.Frame())
		p.Contain("HTTP", "RFC 9112", fields)
		l := p.Layer("HTTP")
		var got []string
		for _, f := range l.Fields {
			got = append(got, fmt.Sprintf("%s %d-%d", f.Name, f.Start-at, f.End-at))
		}
		if fmt.Sprint(got) != want || l.End != len(p.Data) {
			t.Errorf("%v, not %s", got, want)
		}
	}
	named := Parse(d.Frame())
	named.Contain("HTTP", "RFC 9112", nil)
	if s, ok := named.Segment(); !ok || s.Length != len(d.Data) {
		t.Errorf("a payload with a name has %d bytes", s.Length)
	}
	p := Parse(draft().Frame())
	p.Contain("HTTP", "", []Field{{Name: "x", End: 3}})
	if p.Layer("HTTP") != nil {
		t.Error("a packet without a payload has one")
	}
}
