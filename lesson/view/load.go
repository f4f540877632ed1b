package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"fd3/lesson"
)

// Load is one line at the bottom of a terminal that says what a server does now.
// The cursor stands in front of it, so it goes away whole also when the window has
// become narrower and it has two rows; its first two columns are free for the ^C
// that a terminal echoes.
type Load struct {
	w       io.Writer
	columns func() int // of the terminal, which its user may change at any time
	theme   theme
	loads   []lesson.Load
}

// NewLoad returns a Load that has no line yet.
func NewLoad(w io.Writer, l Look, columns func() int) *Load {
	return &Load{w: w, columns: columns, theme: newTheme(l)}
}

// Show notes the numbers for the line; it draws nothing.
func (v *Load) Show(e lesson.Event) {
	switch e.Kind {
	case lesson.KindLoad:
		v.loads = e.Loads
	case lesson.KindEnd:
		v.loads = nil
	}
}

// Hide removes the line, so that other text can be written to the terminal.
func (v *Load) Hide() {
	if v.loads != nil {
		io.WriteString(v.w, ClearLine)
	}
}

// ClearLine removes the line in which the cursor stands, with all its rows.
const ClearLine = "\r\x1b[J"

// Draw writes the line.
func (v *Load) Draw() {
	if v.loads != nil {
		io.WriteString(v.w, "  "+v.theme.dim.Render(loadLine(v.loads, v.columns()-2))+"\r")
	}
}

// loadLine returns the numbers of all loops in at most so many columns: each loop's
// where they fit, else their sum, else fewer numbers.
func loadLine(loads []lesson.Load, columns int) string {
	conn, conns := figure(loads, "conn", func(x lesson.Load) int64 { return x.Connections })
	request, requests := figure(loads, "req/s", func(x lesson.Load) int64 { return x.Requests })
	queue, queues := queueText(loads)
	var sum int64
	for _, x := range loads {
		sum += x.Bytes
	}
	sent := bytesText(sum) + "/s"
	for _, parts := range [][]string{
		{conns, requests, sent, queues},
		{conns, request, sent, queues},
		{conns, request, sent, queue},
		{conn, request, sent, queue},
		{conn, request, queue},
		{conn, request},
	} {
		parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
		if line := strings.Join(parts, ", "); len(line) <= columns {
			return line
		}
	}
	return ""
}

// figure returns a number of all loops together, and the same followed by each loop's.
func figure(loads []lesson.Load, noun string, of func(lesson.Load) int64) (short, long string) {
	var sum int64
	var each []string
	for _, x := range loads {
		sum += of(x)
		each = append(each, fmt.Sprint(of(x)))
	}
	short = fmt.Sprintf("%d %s", sum, noun)
	if len(loads) == 1 {
		return short, short
	}
	return short, short + " (" + strings.Join(each, "+") + ")"
}

// queueText returns the fullest accept queue, and all of them. Loops that share a listener
// have one queue.
func queueText(loads []lesson.Load) (short, long string) {
	var fullest lesson.Load
	var each []string
	seen := make(map[int]bool)
	for _, x := range loads {
		if x.Queue < 0 || seen[x.Listener] {
			continue
		}
		seen[x.Listener] = true
		if len(each) == 0 || x.Queue > fullest.Queue {
			fullest = x
		}
		each = append(each, fmt.Sprintf("%d of %d", x.Queue, x.Backlog))
	}
	switch len(each) {
	case 0:
		return "", ""
	case 1:
		return "accept queue " + each[0], "accept queue " + each[0]
	}
	return fmt.Sprintf("fullest accept queue %d of %d", fullest.Queue, fullest.Backlog), "accept queues " + strings.Join(each, ", ")
}

// bytesText returns a number of bytes in the unit that leaves it short.
func bytesText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
