package tour

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson/course"
	"fd3/lesson/view"
)

// side is the kernel's side to the right of the text. As long as there is no
// experiment it is where in the lesson one is.
func (s *screen) side(room area) []string {
	if len(s.board.Ends)+len(s.board.Calls) == 0 {
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
	parts := s.lessons[s.at.lesson].Parts
	from := max(min(s.at.part-(room.height-2)/2, len(parts)-(room.height-2)), 0)
	rows := []string{p.Heading("THIS LESSON"), ""}
	for i := from; i < len(parts); i++ {
		part := parts[i]
		words := strings.TrimSpace(kindWords[part.Kind] + " " + part.Name)
		switch seen := s.pages[place{s.at.lesson, i}]; {
		case i == s.at.part:
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
	for i, e := range s.board.Ends {
		if i > 0 && !brief {
			rows = append(rows, "")
		}
		doing := "stands still"
		if e.Doing != "" {
			doing = view.Harmless(e.Doing)
		}
		rows = append(rows, s.cut(fmt.Sprintf("%s %s %s", p.Title(string(e.Role)), p.Dim(fmt.Sprintf("pid %d", e.PID)), doing), width))
		for _, r := range e.Rows {
			rows = append(rows, s.descriptor(r, width, brief)...)
		}
	}
	return rows
}

// descriptor draws one open descriptor, with its bar on the same row if it fits.
func (s *screen) descriptor(r course.Row, width int, brief bool) []string {
	const indent, names, numbers = 5, 16, 25
	text := view.Harmless(r.Text)
	rows := strings.Split(ansi.Wrap(text, width-indent, ""), "\n")
	if brief {
		rows = []string{s.cut(text, width-indent)}
	}
	for i := range rows[1:] {
		rows[i+1] = strings.Repeat(" ", indent) + rows[i+1]
	}
	rows[0] = s.paint.Strong(fmt.Sprintf("%3d", r.FD)) + "  " + rows[0]
	for _, b := range r.Bars {
		bar := func(cells int) string {
			return s.paint.Gauge(b.Have, b.Full, cells) + " " + b.Text
		}
		beside := "  " + b.Name + " " + bar(10)
		switch room := width - ansi.StringWidth(rows[0]); {
		case len(r.Bars) == 1 && room >= ansi.StringWidth(beside):
			rows[0] += beside
		case brief && b.Have == 0 && len(r.Bars) > 1:
		default:
			cells := min(max(width-indent-names-numbers, 4), 24)
			rows = append(rows, s.cut(fmt.Sprintf("%*s%-*s %s", indent, "", names, b.Name, bar(cells)), width))
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
		who, style := fmt.Sprintf("%-6s ", c.Role), func(words ...string) string { return words[0] }
		if c.Bad {
			who, style = fmt.Sprintf("%-6s!", c.Role), s.paint.Bad
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
		return strings.Split(ansi.Wrap(text, width, ""), "\n")
	}
	end := strings.LastIndex(text, ") = ")
	if ansi.StringWidth(text) <= width || end < 0 {
		return []string{s.cut(text, width)}
	}
	result, _, _ := strings.Cut(text[end:], " (")
	return []string{s.cut(text[:end], width-ansi.StringWidth(result)) + result}
}
