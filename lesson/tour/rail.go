package tour

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// rail is the course as a line: its lessons, those that are done with a sign, and
// the place where one is. Lessons that do not fit are left out at either end, so that
// the place stays in the middle.
func (s *screen) rail() string {
	p := s.paint
	stations := make([]string, len(s.lessons))
	for i, l := range s.lessons {
		switch {
		case i == s.at.Lesson:
			stations[i] = p.Good(p.Here + " " + l.ID)
		case s.Progress.Finished(l.ID):
			stations[i] = p.Done + " " + p.Dim(l.ID)
		default:
			stations[i] = p.Dim(l.ID)
		}
	}
	track := p.Line(" " + p.Dash + " ")
	here := min(s.at.Lesson, len(stations)-1)
	from, to := here, here+1
	for {
		grown := false
		if to < len(stations) && s.railWidth(stations, from, to+1) <= s.width {
			to, grown = to+1, true
		}
		if from > 0 && s.railWidth(stations, from-1, to) <= s.width {
			from, grown = from-1, true
		}
		if !grown {
			break
		}
	}
	row := strings.Join(stations[from:to], track)
	if from > 0 {
		row = p.Dim(p.More) + track + row
	}
	if to < len(stations) {
		row += track + p.Dim(p.More)
	}
	return strings.Repeat(" ", margin) + row
}

// railWidth is what these stations take, with the signs that others are left out.
func (s *screen) railWidth(stations []string, from, to int) int {
	const track = 3
	width := margin
	for _, station := range stations[from:to] {
		width += ansi.StringWidth(station) + track
	}
	if from > 0 {
		width += ansi.StringWidth(s.paint.More) + track
	}
	if to < len(stations) {
		width += ansi.StringWidth(s.paint.More) + track
	}
	return width - track
}
