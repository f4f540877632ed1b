package drawing

import (
	"encoding/xml"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"fd3/lesson/golden"
	"fd3/sockets/kernel"
)

// The sentences say the same facts as the drawing, and only what changed where there is
// an earlier Snapshot.
func TestSentences(t *testing.T) {
	var all strings.Builder
	for _, name := range []string{"full", "accepted", "closed", "bytes", "leftover", "others", "cable", "loaded", "flowing"} {
		s := scenes()[name]
		all.WriteString("== " + name + "\n" + strings.Join(New(s.now, s.before).Sentences(), "\n") + "\n")
	}
	golden.Compare(t, "sentences.txt", all.String())
	same := full()
	if got := New(full(), &same).Sentences(); len(got) != 1 || got[0] != "Nothing has changed." {
		t.Errorf("%q", got)
	}
}

// An SVG is well-formed, and has every word of the cells as text.
func TestSVG(t *testing.T) {
	for name, s := range scenes() {
		p := New(s.now, s.before)
		svg := p.SVG(Room{96, s.rows})
		golden.Compare(t, name+".svg", svg)
		var texts []string
		decoder := xml.NewDecoder(strings.NewReader(svg))
		for in := ""; ; {
			token, err := decoder.Token()
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch token := token.(type) {
			case xml.StartElement:
				in = token.Name.Local
			case xml.CharData:
				if in == "text" {
					texts = append(texts, string(token))
				}
			}
		}
		words := strings.Join(texts, " ")
		for _, line := range p.Cells(Room{96, s.rows}, false) {
			for _, span := range line {
				for _, word := range strings.Fields(strings.Map(func(r rune) rune {
					if strings.ContainsRune(lines+"╌╎", r) {
						return ' '
					}
					return r
				}, span.Text)) {
					if !strings.Contains(words, word) {
						t.Errorf("%s: no %q in the SVG", name, word)
					}
				}
			}
		}
	}
}

// A name from outside cannot give orders to a terminal, nor markup to a page.
func TestNamesAreHarmless(t *testing.T) {
	s := leftover()
	s.Hosts[0].Processes[1].Name = "\x1b]0;x\x07<script>&"
	p := New(s, nil)
	for _, drawn := range []string{marked(p.Cells(Room{Columns: 80}, false)), p.SVG(Room{Columns: 80}), strings.Join(p.Sentences(), "")} {
		if strings.ContainsAny(drawn, "\x1b\x07") || strings.Contains(drawn, "<svg") && strings.Contains(drawn, "<script") {
			t.Errorf("%q", drawn)
		}
	}
}

func BenchmarkCells(b *testing.B) {
	p := New(many(), nil)
	for b.Loop() {
		p.Cells(Room{Columns: 120, Rows: 40}, false)
	}
}

// A range of descriptors has no gap.
func TestRangeHasNoGap(t *testing.T) {
	p := process("server", serverPID)
	p.Descriptors = slices.Delete(p.Descriptors, 1, 2)
	got := strings.Join(New(snapshot([]kernel.Process{p}), nil).Sentences(), "\n")
	if strings.Contains(got, "0-2") {
		t.Errorf("descriptor 1 is closed, and yet: %s", got)
	}
}

// The kernel tells the length of the first datagram alone (unix_inq_len()), so the
// words claim no more.
func TestNextUnixMessage(t *testing.T) {
	for protocol, want := range map[string]string{"UNIX": "next message: 5 bytes", "UNIX-STREAM": "5 bytes unread"} {
		s := kernel.Socket{Protocol: protocol, State: kernel.Established, Unread: kernel.Queued{Bytes: 5}}
		if got := strings.Join(contents(&s), ", "); got != want {
			t.Errorf("%s: %q, not %q", protocol, got, want)
		}
	}
}

// A UDP socket is told by its own end, at whichever side of the drawing it stands.
func TestUDPTitle(t *testing.T) {
	address := netip.MustParseAddrPort
	for want, s := range map[string]kernel.Socket{
		"UDP, no address yet":         {},
		"UDP 10.0.0.2:8080":           {Local: address("10.0.0.2:8080"), Remote: address("0.0.0.0:0")},
		"UDP :40001 to 10.0.0.2:9999": {Local: address("10.0.0.1:40001"), Remote: address("10.0.0.2:9999")},
		"UDP :40002":                  {Local: address("127.0.0.1:40002"), Remote: address("127.0.0.1:9999")},
	} {
		s.Protocol = "UDP"
		for _, right := range []bool{false, true} {
			if got := title(&s, right); got != want {
				t.Errorf("at the right %v: %q, not %q", right, got, want)
			}
		}
	}
}
