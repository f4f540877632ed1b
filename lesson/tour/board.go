package tour

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/view"
)

// live reports whether there is a kernel's side of the part in sight: the processes
// that run are those of its experiment, or of the exercise.
func (s *screen) live() bool { return s.ours() && len(s.board.Parties)+len(s.board.Calls) > 0 }

func (s *screen) ours() bool {
	of, part := s.board.Of, s.part()
	return of.Lesson == part.Lesson && of.Name == part.Name && (of.Kind == lab.Exercise) == (part.Kind == lab.Exercise)
}

// past reports whether the part in sight is about processes that run no more.
func (s *screen) past() bool {
	_, _, ok := s.walk.Again(s.at)
	return ok && !s.ours()
}

// side is the kernel's side to the right of the text. As long as there is none it is
// where in the lesson one is.
func (s *screen) side(room area) []string {
	if !s.live() {
		return s.outline(room)
	}
	room.height -= 2
	return append([]string{s.paint.Heading("THE KERNEL'S SIDE"), ""}, s.drawBoard(room)...)
}

// outline is the parts of the lesson.
func (s *screen) outline(room area) []string {
	if s.ended() {
		return nil
	}
	p := s.paint
	parts := s.lessons[s.at.Lesson].Parts
	from := max(min(s.at.Part-(room.height-2)/2, len(parts)-(room.height-2)), 0)
	rows := []string{p.Heading("THIS LESSON"), ""}
	for i := from; i < len(parts); i++ {
		part := parts[i]
		words := partWords(part)
		switch seen := s.pages[course.Place{Lesson: s.at.Lesson, Part: i}]; {
		case i == s.at.Part:
			words = p.Good(p.Here + " " + words)
		case seen != nil && seen.over:
			words = p.Done + " " + p.Dim(words)
		default:
			words = "  " + p.Dim(words)
		}
		rows = append(rows, words)
	}
	return rows
}

// drawBoard draws the processes with what they have open, and below them the last
// calls. Where there is little room, bars that are empty are left out.
func (s *screen) drawBoard(room area) []string {
	b := s.board
	calls := min(len(b.Calls), max(1, room.height/4))
	rows := s.ends(room.width, false)
	if len(rows)+calls > room.height {
		rows = s.ends(room.width, true)
	}
	if over := len(rows) + calls - room.height; over > 0 {
		rows = append(rows[:len(rows)-over-1], s.paint.Dim(fmt.Sprintf("  %s and %d lines more", s.paint.More, over+1)))
	}
	left := room.height - len(rows)
	if left >= calls+2 && calls > 0 && room.height > underRows {
		rows = append(rows, "", s.paint.Heading("THE LAST CALLS"))
		left -= 2
	} else if left > len(b.Calls) {
		rows = append(rows, "")
		left--
	}
	return append(rows, s.calls(room.width, left)...)
}

// ends draws both processes.
func (s *screen) ends(width int, brief bool) []string {
	p := s.paint
	var rows []string
	for i, e := range s.board.Parties {
		if i > 0 && !brief {
			rows = append(rows, "")
		}
		doing := "stands still"
		if e.Doing != "" {
			doing = view.Harmless(e.Doing)
		}
		rows = append(rows, hanging(fmt.Sprintf("%s %s %s", p.Title(string(e.Role)), p.Dim(fmt.Sprintf("pid %d", e.PID)), doing), width)...)
		for _, r := range e.Rows {
			rows = append(rows, s.descriptor(r, width, brief)...)
		}
	}
	return rows
}

// indent is left of all that a process has open, but for the descriptor.
const indent = 5

// hanging is a text in rows, of which all but the first are indented.
func hanging(text string, width int) []string {
	rows := strings.Split(ansi.Wrap(text, width-indent, ""), "\n")
	for i := range rows[1:] {
		rows[i+1] = strings.Repeat(" ", indent) + rows[i+1]
	}
	return rows
}

// descriptor draws one open descriptor, with its bar on the same row if it fits.
// Where there is little room a bar has a row of its own: the numbers are never cut.
func (s *screen) descriptor(r lab.Row, width int, brief bool) []string {
	const least, most = 4, 24 // cells of a gauge
	rows := hanging(view.Harmless(r.Text), width)
	rows[0] = s.paint.Strong(fmt.Sprintf("%3d", r.FD)) + "  " + rows[0]
	names, numbers := 0, 0
	for _, b := range r.Bars {
		names, numbers = max(names, len(b.Name)), max(numbers, len(b.Text))
	}
	for _, b := range r.Bars {
		beside := fmt.Sprintf("  %s %s %s", b.Name, s.paint.Gauge(b.Have, b.Full, 10), b.Text)
		row := fmt.Sprintf("%*s%-*s ", indent, "", names, b.Name)
		switch cells := min(width-indent-names-numbers-2, most); {
		case len(r.Bars) == 1 && len(rows) == 1 && ansi.StringWidth(rows[0]+beside) <= width:
			rows[0] += beside
		case brief && b.Have == 0 && len(r.Bars) > 1:
		case cells >= least:
			rows = append(rows, row+s.paint.Gauge(b.Have, b.Full, cells)+" "+b.Text)
		default:
			rows = append(rows, s.cut(row+b.Text, width), fmt.Sprintf("%*s%s", indent, "", s.paint.Gauge(b.Have, b.Full, most)))
		}
	}
	return rows
}

// calls draws the last calls, as many as fit, the newest at the bottom. A call that
// failed says so.
func (s *screen) calls(width, height int) []string {
	var rows []string
	made := s.board.Calls
	for i := len(made) - 1; i >= 0; i-- {
		c := made[i]
		who, style := fmt.Sprintf("%-6s  ", c.Role), func(words ...string) string { return words[0] }
		if c.Bad {
			who, style = fmt.Sprintf("%-6s! ", c.Role), s.paint.Bad
		}
		lines := s.callLines(view.Harmless(c.Text), width-len(who), height > underRows)
		if len(rows)+len(lines) > height {
			break
		}
		for j := range lines {
			if j == 0 {
				lines[j] = s.paint.Dim(who) + style(lines[j])
			} else {
				lines[j] = strings.Repeat(" ", len(who)) + style(lines[j])
			}
		}
		rows = append(lines, rows...)
	}
	return rows
}

// callLines are a call in a column: wrapped where there is room, else without its
// middle and without what the errno means. The end is what the kernel said.
func (s *screen) callLines(text string, width int, room bool) []string {
	if room {
		const tie = "\u00a0" // no line is broken there: the result stays with its sign
		text = ansi.Wrap(strings.ReplaceAll(text, ") = ", ") ="+tie), width, "")
		return strings.Split(strings.ReplaceAll(text, tie, " "), "\n")
	}
	end := strings.LastIndex(text, ") = ")
	if ansi.StringWidth(text) <= width || end < 0 {
		return []string{s.cut(text, width)}
	}
	result, _, _ := strings.Cut(text[end:], " (")
	return []string{s.cut(text[:end], width-ansi.StringWidth(result)) + result}
}
