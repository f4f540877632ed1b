package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
)

// Load keeps one line at the bottom of a terminal that says what a server does
// now, and passes all other events on. It is removed before anything else is
// written, since both go to the same screen.
func Load(w io.Writer, l Look, show func(lesson.Event)) func(lesson.Event) {
	line := ""
	return func(e lesson.Event) {
		if line != "" {
			io.WriteString(w, "\r\x1b[K")
		}
		switch e.Kind {
		case lesson.KindLoad:
			line = loadLine(e.Loads, l)
		case lesson.KindEnd:
			line = ""
			show(e)
		default:
			show(e)
		}
		io.WriteString(w, line)
	}
}

// loadLine says the sums first, then what each loop has of them, as far as the
// width goes.
func loadLine(loads []lesson.Load, l Look) string {
	sum := lesson.Load{Queue: -1}
	for _, x := range loads {
		sum.Connections += x.Connections
		sum.Requests += x.Requests
		sum.Bytes += x.Bytes
		if x.Queue >= 0 {
			sum.Queue = max(sum.Queue, 0) + x.Queue
			sum.Backlog += x.Backlog
		}
	}
	parts := []string{loadText(sum)}
	if len(loads) > 1 {
		for _, x := range loads {
			parts = append(parts, fmt.Sprintf("loop %d: %d conn, %d/s", x.Loop, x.Connections, x.Requests))
		}
	}
	text := ansi.Truncate(strings.Join(parts, " | "), l.Width-1, "")
	return newTheme(l).dim.Render(text)
}

func loadText(x lesson.Load) string {
	text := fmt.Sprintf("%d conn, %d requests/s, %s/s", x.Connections, x.Requests, bytesText(x.Bytes))
	if x.Queue >= 0 {
		text += fmt.Sprintf(", accept queue %d of %d", x.Queue, x.Backlog)
	}
	return text
}

// bytesText is a number of bytes in the unit that leaves it short.
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
