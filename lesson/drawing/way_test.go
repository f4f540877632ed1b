package drawing

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/lesson/golden"
)

// ways are what becomes of a packet.
func ways() map[string]lesson.Way {
	stop := func(place, host, layer string, fate lesson.StopFate, text string) lesson.Stop {
		return lesson.Stop{Place: place, Host: host, Layer: layer, Fate: fate, Text: text}
	}
	way := func(stops ...lesson.Stop) lesson.Way {
		return lesson.Way{Left: lesson.Side{Name: "client", Address: "10.0.0.1"}, Right: lesson.Side{Name: "server", Address: "10.0.0.2"}, Stops: stops, Sent: "sendto = 5", Received: "recvfrom = 5"}
	}
	arrives := way(
		stop("output", "client", "IP", lesson.Seen, "33 bytes"), stop("cgroup-egress", "client", "IP", lesson.Unseen, "eBPF alone sees it"), stop("tc-egress", "client", "device", lesson.Rewritten, "47 bytes, rewritten"),
		stop("xdp", "server", "device", lesson.Seen, "47 bytes, +448 µs"), stop("input", "server", "IP", lesson.Seen, "33 bytes"), stop("socket", "server", "socket", lesson.Seen, "13 bytes, +478 µs"))
	arrives.Cable = "47 bytes"
	dropped := way(
		stop("output", "client", "IP", lesson.Stopped, "33 bytes, dropped"), stop("tc-egress", "client", "device", lesson.Missed, "did not come here"),
		stop("xdp", "server", "device", lesson.Missed, "did not come here"), stop("socket", "server", "socket", lesson.Missed, "did not come here"))
	dropped.Sent, dropped.Received = "sendto = -1 EPERM", "recvfrom = -1 EAGAIN"
	sits := way(stop("output", "client", "IP", "", "nothing"), stop("input", "server", "IP", "", "nftables fd3: counter 3, drop"))
	sits.Sent, sits.Received = "", ""
	sits.Stops[1].Sits = []string{"nftables fd3: counter 3, drop"}
	aside := way(
		stop("netdev-egress", "client", "device", lesson.Redirected, "47 bytes, redirected"), stop("tc-egress", "client", "device", lesson.Redirected, "33 counted, redirected"),
		stop("xdp", "server", "device", lesson.Redirected, "47 bytes, redirected"), stop("netdev-ingress", "server", "device", lesson.Redirected, "47 bytes, redirected"), stop("tc-ingress", "server", "device", lesson.Redirected, "33 counted, redirected"))
	return map[string]lesson.Way{"aside": aside, "arrives": arrives, "dropped": dropped, "sits": sits}
}

// What became of a packet stands whole at each place, in each room.
func TestWayFits(t *testing.T) {
	way := NewWay(ways()["aside"])
	for columns := Narrowest; columns <= 100; columns++ {
		n := 0
		for _, line := range way.Cells(Room{Columns: columns}, false) {
			for _, s := range line {
				n += strings.Count(s.Text, "redirected")
			}
		}
		if n != 5 {
			t.Errorf("%d of 5 redirections in %d columns", n, columns)
		}
	}
}

// inRooms is a drawing in so many columns, with all characters and in ASCII, and what it
// says. No line is wider than its room.
func inRooms(t *testing.T, d interface {
	Cells(Room, bool) [][]Span
	Sentences() []string
}, columns ...int) string {
	t.Helper()
	var out strings.Builder
	for _, columns := range columns {
		for _, ascii := range []bool{false, true} {
			fmt.Fprintf(&out, "%d columns:\n", columns)
			for _, line := range d.Cells(Room{Columns: columns}, ascii) {
				text := ""
				for _, s := range line {
					text += s.Text
				}
				if ansi.StringWidth(text) > columns {
					t.Errorf("wider than %d columns: %q", columns, text)
				}
				out.WriteString(text + "\n")
			}
			out.WriteString("\n")
		}
	}
	out.WriteString(strings.Join(d.Sentences(), "\n") + "\n")
	return out.String()
}

func TestWayGolden(t *testing.T) {
	for name, way := range ways() {
		golden.Compare(t, "way-"+name+".txt", inRooms(t, NewWay(way), 80, 60))
		if svg := NewWay(way).SVG(Room{Columns: 84}); !strings.Contains(svg, way.Stops[0].Text) || !strings.Contains(svg, "<desc>") {
			t.Errorf("%s: %s", name, svg)
		}
	}
}
