package lesson

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Took returns a time as it is written everywhere here, in three digits at most: 4.1 µs,
// 12 ms, 3.2 s; from a minute on 1 min 15 s and 2 h 5 min.
func Took(d time.Duration) string {
	if whole := d.Round(time.Second); whole >= time.Hour {
		return both(whole, time.Hour, "h", time.Minute, "min")
	} else if whole >= time.Minute {
		return both(whole, time.Minute, "min", time.Second, "s")
	}
	unit, name := time.Nanosecond, "ns"
	for _, next := range []struct {
		unit time.Duration
		name string
	}{{time.Microsecond, "µs"}, {time.Millisecond, "ms"}, {time.Second, "s"}} {
		if d < next.unit-unit/2 { // it would not be rounded to 1000
			break
		}
		unit, name = next.unit, next.name
	}
	digits := 0
	if d < 100*unit-unit/20 {
		digits = 1
	}
	number := strconv.FormatFloat(float64(d)/float64(unit), 'f', digits, 64)
	return strings.TrimSuffix(number, ".0") + " " + name
}

// both is a time in two units, without the second where there is none of it.
func both(d, large time.Duration, largeName string, small time.Duration, smallName string) string {
	text := fmt.Sprintf("%d %s", d/large, largeName)
	if rest := d % large / small; rest > 0 {
		text += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return text
}
