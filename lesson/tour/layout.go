package tour

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/view"
)

// From wideColumns on, the kernel's side stands to the right of the text. Below
// that it stands under the text, where there is an experiment.
const (
	wideColumns = 110
	underRows   = 8 // at least, of which one is its heading
)

// margin is left of everything but the rules.
const margin = 2

// An area is some columns of some rows.
type area struct{ width, height int }

// A layout is how the room between the rail and the footer is shared.
type layout struct {
	text, board area
	beside      bool // the board is to the right
}

// above are the rows over the lesson: the rail, and where there is room a blank row.
func (s *screen) above() int {
	if s.height >= minRows+6 {
		return 2
	}
	return 1
}

// underneath are the rows below it: what is said, the progress, and the keys.
const underneath = 3

func (s *screen) layout() layout {
	width, rows := max(s.width, minColumns), max(s.height, minRows)-s.above()-underneath
	if width >= wideColumns {
		board := min(max(width*2/5, 44), 90)
		return layout{text: area{width - board - 3, rows}, board: area{board, rows}, beside: true}
	}
	l := layout{text: area{width, rows}}
	switch s.part().Kind {
	case lab.Experiment, lab.Verdict, lab.Exercise:
		if s.live() {
			l.board = area{width, max(underRows, rows/3)}
			l.text.height -= l.board.height
		}
	}
	return l
}

// frame is the whole screen: its rows, each as wide as there is room.
func (s *screen) frame() string {
	if !Fits(s.width, s.height) {
		words := fmt.Sprintf("The tour needs a terminal of %dx%d; this one has %dx%d. q quits.", minColumns, minRows, s.width, s.height)
		rows := strings.Split(ansi.Wrap(words, s.width, ""), "\n")
		return strings.Join(rows[:min(len(rows), s.height)], "\n")
	}
	body := area{s.width, s.height - s.above() - underneath}
	var rows []string
	switch s.overlay {
	case lessonList:
		rows = s.list(body)
	case partList:
		rows = s.parts(body)
	case help:
		rows = s.help()
	default:
		rows = s.lesson()
	}
	head := area{s.width, s.above()}.fill([]string{s.rail()})
	rows = append(append(head, body.fill(rows)...), s.said(), s.progress(), s.footer())
	for i, row := range rows {
		rows[i] = s.cut(row, s.width)
	}
	return strings.Join(rows, "\n")
}

// lesson is the text, and the kernel's side.
func (s *screen) lesson() []string {
	l := s.layout()
	text := l.text.fill(s.text(l.text))
	switch {
	case l.beside:
		board := l.board.fill(s.side(l.board))
		for i := range text {
			row := s.cut(text[i], l.text.width)
			gap := strings.Repeat(" ", l.text.width-ansi.StringWidth(row))
			text[i] = row + gap + " " + s.paint.Line(s.paint.Bar) + " " + board[i]
		}
	case l.board.height > 0:
		text = append(text, s.rule("the kernel's side", ""))
		room := area{l.board.width - margin, l.board.height - 1}
		for _, row := range room.fill(s.drawBoard(room)) {
			text = append(text, strings.Repeat(" ", margin)+row)
		}
	}
	return text
}

// fill makes it as many rows as there is room for.
func (a area) fill(rows []string) []string {
	all := make([]string, a.height)
	copy(all, rows)
	return all
}

// cut ends a row where the room does.
func (s *screen) cut(row string, width int) string { return ansi.Truncate(row, width, s.paint.More) }

// text is what is in sight of the page. The choice under the cursor is marked.
func (s *screen) text(room area) []string {
	lines, begin, offset, _ := s.sight()
	p := s.page()
	if p.cursor > 0 {
		choice := 0
		for i, e := range p.events {
			if e.Kind == lesson.KindChoice {
				choice++
			}
			if choice == p.cursor && begin[i] < len(lines) {
				lines = slices.Clone(lines)
				at := begin[i]
				for lines[at] == "" {
					at++
				}
				lines[at] = s.paint.Strong("  "+s.paint.Pointer) + strings.TrimPrefix(lines[at], "   ")
				break
			}
		}
	}
	return lines[offset:min(offset+room.height, len(lines))]
}

// rule is a line across the screen with words on it.
func (s *screen) rule(left, right string) string {
	line := s.paint.Line(strings.Repeat(s.paint.Rule, 2)) + " " + s.paint.Heading(left) + " "
	end := s.paint.Line(s.paint.Rule)
	if right != "" {
		end = " " + s.paint.Strong(right) + " " + end
	}
	room := s.width - ansi.StringWidth(line) - ansi.StringWidth(end)
	return line + s.paint.Line(strings.Repeat(s.paint.Rule, max(room, 0))) + end
}

// said is the line for what goes on now.
func (s *screen) said() string {
	p := s.page()
	words := ""
	switch {
	case s.note != "":
		words = s.note
	case s.overlay != nothing:
	case p.now != "" && p.ready:
		words = "now: " + p.now
	case p.now != "":
		words = p.now
	case s.part().Kind == lab.Exercise && !p.over && !p.ready:
		words = "The exercise is being set up" + s.paint.More
	case p.over && s.past():
		words = "The processes of this are gone. r makes it once more."
	case p.said > 0 && answers(s) != "":
		words = fmt.Sprintf("You say %d. Now the kernel is asked.", p.said)
	case answers(s) != "":
		words = "What do you think? Answer before it is tried."
	case s.part().Kind == lab.Experiment && !p.over && p.onward == nil:
		words = "The step is being made" + s.paint.More
	}
	return strings.Repeat(" ", margin) + s.paint.Strong(view.Harmless(words))
}

// kindWords are what the parts are called.
var kindWords = map[lab.PartKind]string{
	lab.Question:   "question",
	lab.Predict:    "prediction",
	lab.Experiment: "experiment",
	lab.Verdict:    "verdict",
	lab.Explain:    "explanation",
	lab.Exercise:   "exercise",
	lab.Recap:      "recap",
	lab.References: "references",
}

// partWords names a part for the learner: its kind, and what it is about.
func partWords(p lab.Part) string {
	if p.Title == "" {
		return kindWords[p.Kind]
	}
	return kindWords[p.Kind] + ": " + p.Title
}

// progress says where in the course this is.
func (s *screen) progress() string {
	where := "the end of the course"
	if !s.ended() {
		parts := s.lessons[s.at.Lesson].Parts
		where = fmt.Sprintf("lesson %d of %d: %s, part %d of %d: %s",
			s.at.Lesson+1, len(s.lessons), s.part().Lesson, s.at.Part+1, len(parts), kindWords[parts[s.at.Part].Kind])
	}
	_, _, offset, bottom := s.sight()
	more := ""
	switch {
	case s.overlay != nothing:
	case offset > 0 && offset < bottom:
		more = "more above and below"
	case offset > 0:
		more = "more above"
	case offset < bottom:
		more = "more below"
	}
	return s.rule(where, more)
}

// footer is the keys that do something now. Where not all of them find room, the
// last one says that the help has more.
func (s *screen) footer() string {
	item := func(name, does string) string {
		return strings.Repeat(" ", margin) + s.paint.Strong(name) + " " + does
	}
	more := item("?", "more")
	row, all := "", ""
	for _, k := range s.keys() {
		does := k.now(s)
		if does == "" {
			continue
		}
		words := item(s.keyNames(k), does)
		all += words
		if k.show != "?" && ansi.StringWidth(row+words+more) <= s.width {
			row += words
		}
	}
	if ansi.StringWidth(all) <= s.width {
		return all
	}
	return row + more
}

// keyNames are the names of a key; of the numbers only those that there are.
func (s *screen) keyNames(k key) string {
	if k.show == "1-9" && s.overlay == nothing {
		return fmt.Sprintf("1-%d", len(s.part().Choices))
	}
	return k.show
}
