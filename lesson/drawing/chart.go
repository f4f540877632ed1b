package drawing

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fd3/lesson"
)

// A Chart is a queue over time, arranged in tracks one below the other: the bytes that wait,
// what was dropped, and the window and the round trip of the connection that fills it.
type Chart struct {
	of     lesson.Chart
	tracks []track
}

// A track is one number over time.
type track struct {
	name   string
	values []float64 // of each sample
	most   float64   // what its full height is
	label  string    // of that
	ticks  bool      // it is drawn as a mark where the number grows
	limit  bool      // most is a bound, which is drawn
}

// NewChart arranges a queue over time. Where no connection was seen there are no tracks for
// one.
func NewChart(c lesson.Chart) Chart {
	waiting := track{name: "waiting", most: float64(c.Room), label: fmt.Sprintf("%d B", c.Room), limit: true}
	dropped := track{name: "dropped", ticks: true}
	cwnd, rtt := track{name: "cwnd"}, track{name: "rtt"}
	flows := false
	for _, s := range c.Samples {
		waiting.add(float64(s.Waiting))
		dropped.add(max(float64(s.Dropped)-float64(c.Before), 0))
		if s.Flow == nil {
			cwnd.add(0)
			rtt.add(0)
			continue
		}
		flows = true
		cwnd.add(float64(s.Flow.Cwnd))
		rtt.add(float64(s.Flow.RTT))
	}
	dropped.label = strconv.Itoa(int(dropped.most))
	cwnd.label, rtt.label = strconv.Itoa(int(cwnd.most)), lesson.Took(time.Duration(rtt.most))
	chart := Chart{of: c, tracks: []track{waiting, dropped}}
	if flows {
		chart.tracks = append(chart.tracks, cwnd, rtt)
	}
	return chart
}

func (t *track) add(value float64) {
	t.values = append(t.values, value)
	t.most = max(t.most, value)
}

// shortest is the least time that a Chart is wide.
const shortest = time.Second

// span is the time that the Chart is wide.
func (c Chart) span() time.Duration {
	if n := len(c.of.Samples); n > 0 {
		return max(c.of.Samples[n-1].At, shortest)
	}
	return shortest
}

// columns are the values of a track in so many columns: of each the greatest in its time, or
// that of the column before. The columns behind the last sample are left out.
func (c Chart) columns(t track, n int) []float64 {
	var all []float64
	for i, s := range c.of.Samples {
		at := min(int(float64(n)*float64(s.At)/float64(c.span())), n-1)
		switch {
		case at < len(all):
			all[at] = max(all[at], t.values[i])
		default:
			for len(all) > 0 && len(all) < at {
				all = append(all, all[len(all)-1])
			}
			all = append(all, t.values[i])
		}
	}
	return all
}

// title is which queue it is.
func (c Chart) title() string {
	return fmt.Sprintf("Queue %s: %s, %d bytes", Whose(c.of), lesson.Rate(c.of.Rate), c.of.Room)
}

// most is how many bytes have waited at the most.
func (c Chart) most() (bytes uint32) {
	for _, s := range c.of.Samples {
		bytes = max(bytes, s.Waiting)
	}
	return bytes
}

// summary is what is worth a line: of the queue, of what it had dropped before, and of the
// connection that was seen last.
func (c Chart) summary() []string {
	n := len(c.of.Samples)
	if n == 0 {
		return []string{"nothing was read yet"}
	}
	last := c.of.Samples[n-1]
	lines := []string{fmt.Sprintf("at most %s waited, at last %d; %d dropped", lesson.Counted(c.most(), "byte"), last.Waiting, last.Dropped)}
	if since := sinceFirst(last, c.of); since != "" {
		lines = append(lines, "of these, "+since+" since the first look")
	}
	for _, s := range slices.Backward(c.of.Samples) {
		if s.Flow != nil {
			return append(lines, "at last "+Flowing(*s.Flow))
		}
	}
	return lines
}

// Whose says which queue a Chart is of.
func Whose(c lesson.Chart) string {
	if c.Host == "cable" {
		return "of the cable to the " + c.Device
	}
	return "of the " + c.Host + " before " + c.Device
}

// Queued says a sample of a queue.
func Queued(s lesson.Sample, of lesson.Chart) string {
	text := fmt.Sprintf("%d of %d bytes wait, %d dropped", s.Waiting, of.Room, s.Dropped)
	if since := sinceFirst(s, of); since != "" {
		text += ", " + since
	}
	return text
}

// sinceFirst says how many packets a queue has dropped since it was first looked at. It is
// empty where that is all: the queue had dropped none before.
func sinceFirst(s lesson.Sample, of lesson.Chart) string {
	if of.Before == 0 {
		return ""
	}
	return fmt.Sprintf("%d new", s.Dropped-of.Before)
}

// Flowing says what a connection reckons with.
func Flowing(f lesson.Flow) string {
	return fmt.Sprintf("%s from %s: cwnd %d, rtt %s", f.Congestion, f.From, f.Cwnd, lesson.Took(f.RTT))
}

// moments is how many samples are told one by one.
const moments = 10

// Sentences tells the Chart for a reader who does not see it.
func (c Chart) Sentences() []string {
	all := []string{c.title() + "."}
	n := len(c.of.Samples)
	if n == 0 {
		return append(all, "Nothing was read of it yet.")
	}
	last := c.of.Samples[n-1]
	all = append(all, fmt.Sprintf("In %s, at most %s waited, and %s found no room.", lesson.Took(last.At), lesson.Counted(c.most(), "byte"), lesson.Counted(last.Dropped-c.of.Before, "packet")))
	told := min(n, moments)
	for i := range told {
		s := c.of.Samples[i*(n-1)/max(told-1, 1)]
		text := fmt.Sprintf("After %s: %s", lesson.Took(s.At), Queued(s, c.of))
		if s.Flow != nil {
			text += "; " + Flowing(*s.Flow)
		}
		all = append(all, text+".")
	}
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], "µs", "us") // --accessible has only ASCII
	}
	return all
}
