package drawing

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/lesson/golden"
)

// charts are a queue that grows, overflows and drains; one that had dropped packets before it
// was looked at; one that nothing fills; one that was looked at once.
var charts = func() map[string]lesson.Chart {
	full := lesson.Chart{Host: "cable", Device: "server", Rate: 2_000_000, Room: 204_800}
	idle := lesson.Chart{Host: "client", Device: "net0", Rate: 8_000, Room: 3_000}
	dropped := uint32(0)
	for i := range 101 {
		at := time.Duration(i) * 50 * time.Millisecond
		waiting := uint32(min(204_000, 400_000*math.Sin(float64(i)/33)))
		if waiting == 204_000 && i%7 == 0 {
			dropped += 9
		}
		s := lesson.Sample{At: at, Waiting: waiting, Packets: waiting / 1514, Dropped: dropped}
		idle.Samples = append(idle.Samples, lesson.Sample{At: at})
		if i > 2 && i < 95 {
			s.Flow = &lesson.Flow{From: "10.0.0.1:43210", To: "10.0.0.2:8080", Congestion: "reno", Cwnd: uint32(10 + i), RTT: time.Duration(waiting) * 4 * time.Microsecond}
		}
		full.Samples = append(full.Samples, s)
	}
	later := full
	later.Before, later.Samples = full.Samples[60].Dropped, full.Samples[60:]
	return map[string]lesson.Chart{"full": full, "later": later, "idle": idle, "once": {Host: "cable", Device: "client", Rate: 1500, Room: 3_000, Samples: full.Samples[:1]}, "none": {Host: "cable", Device: "client", Rate: 1e9, Room: 3_000}}
}()

// Each chart is a file to be looked at in review.
func TestChart(t *testing.T) {
	for name, of := range charts {
		c := NewChart(of)
		var all strings.Builder
		for _, room := range []Room{{60, 12}, {80, 0}, {120, 0}} {
			fmt.Fprintf(&all, "== %d columns\n%s", room.Columns, marked(c.Cells(room, false)))
		}
		fmt.Fprintf(&all, "== 80 columns, ASCII\n%s", marked(c.Cells(Room{Columns: 80}, true)))
		fmt.Fprintf(&all, "== in words\n%s\n", strings.Join(c.Sentences(), "\n"))
		golden.Compare(t, "chart-"+name+".txt", all.String())
		golden.Compare(t, "chart-"+name+".svg", c.SVG(Room{Columns: 84}))
	}
}

// A chart fits into every room, is in ASCII where that is asked for, and its SVG is
// well-formed.
func TestChartFits(t *testing.T) {
	for name, of := range charts {
		c := NewChart(of)
		for columns := Narrowest; columns <= 130; columns += 7 {
			for _, rows := range []int{0, 12, 14, 18, 30} {
				for _, ascii := range []bool{false, true} {
					lines := c.Cells(Room{columns, rows}, ascii)
					if rows > 0 && len(lines) > rows {
						t.Fatalf("%s: %d of %d rows", name, len(lines), rows)
					}
					for line := range strings.Lines(plainText(lines)) {
						if w := ansi.StringWidth(strings.TrimSuffix(line, "\n")); w > columns {
							t.Fatalf("%s: %d of %d columns: %q", name, w, columns, line)
						}
						if ascii && strings.IndexFunc(line, func(r rune) bool { return r > '~' }) >= 0 {
							t.Fatalf("%s: not ASCII: %q", name, line)
						}
					}
				}
			}
		}
		for decoder := xml.NewDecoder(strings.NewReader(c.SVG(Room{Columns: 84}))); ; {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// What was greatest in its time is in the chart, however narrow.
func TestChartKeepsPeaks(t *testing.T) {
	of := lesson.Chart{Room: 1000}
	for i := range 1000 {
		s := lesson.Sample{At: time.Duration(i) * time.Millisecond}
		if i == 501 {
			s.Waiting = 1000
		}
		of.Samples = append(of.Samples, s)
	}
	c := NewChart(of)
	values := c.columns(c.tracks[0], 40)
	if len(values) != 40 || values[20] != 1000 {
		t.Errorf("%v", values)
	}
}
