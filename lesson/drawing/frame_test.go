package drawing

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson/golden"
	"fd3/sockets/wire"
)

// frames are packets by what is in them.
func frames() map[string]wire.Packet {
	segment := func(data string) wire.Packet {
		d := wire.Draft{Src: netip.MustParseAddrPort("10.0.0.2:8080"), Dst: netip.MustParseAddrPort("10.0.0.1:43210"),
			Seq: 77, Ack: 1000, Flags: wire.PSH | wire.ACK, Window: 64240, Data: []byte(data)}
		return wire.Parse(d.Frame())
	}
	http := segment("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n\r\nHello from layers\n")
	payload := http.Layer("payload")
	http.Contain("HTTP", "RFC 9112", []wire.Field{{Name: "version", Start: payload.Start, End: payload.Start + 8}})
	padded := segment("hi")
	padded.Data = append(padded.Data, 0, 0, 0, 0)
	return map[string]wire.Packet{
		"http":    http,
		"empty":   segment(""),
		"padded":  wire.Parse(padded.Data),
		"binary":  segment("\x16\x03\x01\x02\x00\x01\xff a TLS hello\n\n\n"),
		"long":    segment(strings.Repeat("0123456789", 130)),
		"garbage": wire.Parse([]byte{1, 2, 3}),
	}
}

func TestFrames(t *testing.T) {
	for name, p := range frames() {
		var all strings.Builder
		f := NewFrame(p)
		for _, ascii := range []bool{false, true} {
			for _, columns := range []int{Narrowest, 60, 76, 120} {
				fmt.Fprintf(&all, "== %d columns%s\n", columns, map[bool]string{true: ", ASCII"}[ascii])
				for _, line := range f.Cells(Room{Columns: columns}, ascii) {
					text := ""
					for _, span := range line {
						text += span.Text
					}
					if w := ansi.StringWidth(text); w > columns {
						t.Errorf("%s: %d columns of %d: %s", name, w, columns, text)
					}
					all.WriteString(text + "\n")
				}
			}
		}
		all.WriteString("== in sentences\n" + strings.Join(f.Sentences(), "\n") + "\n")
		golden.Compare(t, "frame-"+name+".txt", all.String())
	}
}

// Each byte of a packet stands in its drawing once, in its layer, as long as there is room.
func TestFrameHasEveryByte(t *testing.T) {
	for _, name := range []string{"http", "empty", "padded", "binary", "garbage"} {
		p := frames()[name]
		f := NewFrame(p)
		bytes := len(f.behind)
		for _, e := range f.layers {
			bytes += len(e.bytes)
		}
		if bytes != len(p.Data) {
			t.Errorf("%s: %d bytes of %d", name, bytes, len(p.Data))
		}
		drawn := ""
		for _, line := range f.Cells(Room{Columns: 200}, false) {
			for _, span := range line {
				drawn += span.Text
			}
		}
		for _, e := range f.layers {
			for _, line := range e.lines(mostFrame - 4 - 4*len(f.layers)) {
				if !e.content && !strings.Contains(drawn, line[:min(len(line), 20)]) || e.content && !strings.Contains(drawn, line[:min(len(line), 5)]) {
					t.Errorf("%s: %q is not drawn", name, line)
				}
			}
		}
	}
}

// What belongs to a layer is said to belong to it, for a view that has colours.
func TestFrameTellsLayersApart(t *testing.T) {
	seen := make(map[int]bool)
	f := NewFrame(frames()["http"])
	for _, line := range f.Cells(Room{Columns: 80}, false) {
		for _, span := range line {
			seen[span.Layer] = true
		}
	}
	svg := f.SVG(Room{Columns: 80})
	for layer := 1; layer <= 4; layer++ {
		if class := fmt.Sprintf(`class="layer%d"`, layer); !seen[layer] || !strings.Contains(svg, class) {
			t.Errorf("nothing belongs to layer %d", layer)
		}
	}
}
