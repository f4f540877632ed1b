package tour

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson/course"
)

// list is the lessons, with what was done of them and the question that each
// answers. Two rows each: the one that is marked stays in sight.
func (s *screen) list(room area) []string {
	p := s.paint
	rows := []string{"  " + p.Title("The lessons"), ""}
	fit := max((room.height-len(rows))/2, 1)
	from := min(max(s.chosen.Lesson-fit/2, 0), max(len(s.lessons)-fit, 0))
	for i := from; i < min(from+fit, len(s.lessons)); i++ {
		l := s.lessons[i]
		sign, here := strings.Repeat(" ", ansi.StringWidth(p.Done)), ""
		if s.Progress.Finished(l.ID) {
			sign = p.Done
		}
		if i == s.at.Lesson {
			here = p.Good("  " + p.Here + " you are here")
		}
		head := fmt.Sprintf("%2d %s ", i+1, l.Title)
		if i == s.chosen.Lesson {
			head = p.Pointer + " " + sign + " " + p.Chosen(head)
		} else {
			head = "  " + sign + " " + p.Strong(head)
		}
		rows = append(rows, "  "+head+here, strings.Repeat(" ", 9)+plainWords(l.Asks))
	}
	return rows
}

// parts is the parts of the lesson that is marked in the list of lessons, with what
// was gone through of them.
func (s *screen) parts(room area) []string {
	p := s.paint
	l := s.lessons[s.chosen.Lesson]
	rows := []string{"  " + p.Title(l.Title), ""}
	fit := max(room.height-len(rows), 1)
	from := min(max(s.chosen.Part-fit/2, 0), max(len(l.Parts)-fit, 0))
	for i := from; i < min(from+fit, len(l.Parts)); i++ {
		at := course.Place{Lesson: s.chosen.Lesson, Part: i}
		sign, here := strings.Repeat(" ", ansi.StringWidth(p.Done)), ""
		if page := s.pages[at]; page != nil && page.over {
			sign = p.Done
		}
		if at == s.at {
			here = p.Good("  " + p.Here + " you are here")
		}
		words := fmt.Sprintf("%2d %s ", i+1, partWords(l.Parts[i]))
		if at == s.chosen {
			words = p.Pointer + " " + sign + " " + p.Chosen(words)
		} else {
			words = strings.Repeat(" ", ansi.StringWidth(p.Pointer)) + " " + sign + " " + words
		}
		rows = append(rows, "  "+words+here)
	}
	return rows
}

// plainWords are words of Markdown without its marks.
func plainWords(text string) string { return strings.NewReplacer("`", "", "**", "").Replace(text) }

// help is every key, with what it is for: as much of it as there is room for.
func (s *screen) help(room area) []string {
	rows := s.keyRows()
	s.lines = max(min(s.lines, len(rows)-room.height), 0)
	return rows[s.lines:]
}

// keyRows are the rows of it, each as wide as the screen at most.
func (s *screen) keyRows() []string {
	const show = "            " // room for a key, with the margin
	rows := []string{"  " + s.paint.Title("Keys")}
	broken := func(head, indent, text string) {
		for _, row := range strings.Split(ansi.Wrap(text, s.width-len(indent), ""), "\n") {
			rows = append(rows, head+row)
			head = indent
		}
	}
	for _, k := range pageKeys() {
		if k.help != "" { // else another key's help says it
			broken("  "+s.paint.Strong(fmt.Sprintf("%-*s", len(show)-2, k.show)), show, k.help)
		}
	}
	rows = append(rows, "")
	broken("  ", "  ", fmt.Sprintf("%s is where you are, %s a lesson that you have finished.", s.paint.Here, s.paint.Done))
	broken("  ", "  ", "The kernel's side: the processes and their sockets. + is new, ~ has changed.")
	return rows
}
