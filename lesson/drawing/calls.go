package drawing

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
)

// A Call is a system call of one of the processes of a drawing.
type Call struct {
	Name  string // of its process
	PID   int
	Text  string // as strace would print it
	Right bool   // it stands at the right, as the process does in a drawing
	New   bool   // it stands out
}

// Calls draws calls at the two sides of a line, one below the other as they were made,
// the oldest first: a ladder without packets. Of more calls than there is room for it has the last ones, and counts
// the others.
func Calls(calls []Call, room Room, ascii bool) [][]Span {
	half := (room.Columns - 1) / 2
	names := [2]string{names(calls, false), names(calls, true)}
	var rungs [][][]Span
	for _, c := range calls {
		rungs = append(rungs, c.rung(half, strings.Contains(names[side(c.Right)], ",")))
	}
	first, rows := len(rungs), 1
	for first > 0 && rows+len(rungs[first-1]) <= room.Rows {
		first--
		rows += len(rungs[first])
	}
	if first > 0 && first < len(rungs) && rows == room.Rows { // one gives way to the count
		first++
	}
	head := Span{Text: " " + pad(names[0], half) + "  " + names[1], Strong: true}
	lines := [][]Span{{head}}
	if first > 0 {
		lines = append(lines, []Span{{Text: fmt.Sprintf("%*s %s before", half+2, "┆", lesson.Counted(first, "call")), Faint: true}})
	}
	for _, rung := range rungs[first:] {
		lines = append(lines, rung...)
	}
	for i := range lines {
		for j := range lines[i] {
			lines[i][j].Text = characters(lines[i][j].Text, ascii)
		}
	}
	return lines
}

func side(right bool) int {
	if right {
		return 1
	}
	return 0
}

// names are those of the processes of one side.
func names(calls []Call, right bool) string {
	var all []string
	seen := make(map[int]bool)
	for _, c := range calls {
		if c.Right == right && !seen[c.PID] {
			seen[c.PID] = true
			all = append(all, fmt.Sprintf("%s %d", c.Name, c.PID))
		}
	}
	return strings.Join(all, ", ")
}

// rung draws one call in the lines that it takes. Where several processes share the side,
// it says whose the call is.
func (c Call) rung(half int, named bool) (lines [][]Span) {
	words := harmless(c.Text)
	if named {
		words = c.Name + ": " + words
	}
	sign := unchanged.sign()
	if c.New {
		sign = added.sign()
	}
	wrapped := wrap(strings.ReplaceAll(words, ") = ", ") ="+tie), half-4)
	for i, s := range wrapped {
		s = strings.ReplaceAll(s, tie, " ")
		mark := "  " // what goes on stands further in
		if i == 0 {
			mark = sign
		}
		first, last := i == 0, i == len(wrapped)-1
		switch {
		case c.Right && first:
			lines = append(lines, []Span{{Text: strings.Repeat(" ", half) + " ├╴"}, {Text: mark + s, Strong: c.New}})
		case c.Right:
			lines = append(lines, []Span{{Text: strings.Repeat(" ", half) + " │  "}, {Text: mark + s, Strong: c.New}})
		case last:
			rest := half - ansi.StringWidth(mark+s)
			lines = append(lines, []Span{{Text: mark + s, Strong: c.New}, {Text: " " + strings.Repeat("╌", max(rest, 0)) + "┤"}})
		default:
			lines = append(lines, []Span{{Text: pad(mark+s, half), Strong: c.New}, {Text: " │"}})
		}
	}
	return lines
}

// pad fills a text with blanks up to a width.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-ansi.StringWidth(s), 0))
}

// characters is a line of characters, in ASCII if it has to be.
func characters(s string, ascii bool) string {
	if !ascii {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		switch r {
		case '│', '┆':
			out.WriteByte('|')
		case '├', '┤':
			out.WriteByte('+')
		case '╌', '╴':
			out.WriteByte('-')
		default:
			out.WriteString(asciiText(string(r)))
		}
	}
	return out.String()
}
