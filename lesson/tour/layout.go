package tour

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/drawing"
	"fd3/lesson/view"
)

// The text is never wider than prose. From wideColumns on, the kernel's side stands to
// the right of it, which gets more room until it has a drawing of two columns.
const (
	prose       = 76
	leastProse  = 60
	between     = 3 // with the line that parts the two
	twoColumns  = 72
	mostDrawing = 120
	wideColumns = leastProse + between + drawing.Narrowest + 3
)

// Below that the drawing stands under the text, if it has leastDrawing rows or is whole in
// fewer, and leaves the text what there is to read now, or at least leastText, or leastTask.
const (
	leastText    = 7
	leastTask    = 10 // of an exercise, whose commands are typed off the screen
	leastDrawing = 8
)

// Where the kernel's side is so large, the calls stand in a ladder under the drawing, and
// not in the text.
const (
	ladderColumns = 100
	ladderRows    = 44
)

// margin is left of everything but the rules.
const margin = 2

// An area is some columns of some rows.
type area struct{ width, height int }

// A layout is how the room between the rail and the footer is shared.
type layout struct {
	text, board area // either may be nothing; the text keeps its room where the board covers it
	ladder      area
	beside      bool // the board is to the right
	covered     bool // the board is all that is in sight
}

// shown is what the learner wants to see.
type shown int

const (
	both shown = iota
	drawingAlone
	textAlone
)

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
	body := area{max(s.width, minColumns), max(s.height, minRows) - s.above() - underneath}
	alone := layout{text: area{min(body.width, mostDrawing), body.height}}
	beside := layout{text: area{leastProse + min(max(body.width-between-leastProse-twoColumns, 0), prose-leastProse), body.height}, beside: true}
	live := s.live()
	switch {
	case live && s.shown == drawingAlone:
		l := s.share(area{min(body.width-2*margin, mostDrawing), body.height})
		if l.ladder.height == 0 { // it is scrolled
			l.board.height = panelHead + len(s.draw(area{width: l.board.width}))
		}
		l.text, l.covered = alone.text, true
		return l
	case live && s.shown == textAlone:
		return alone
	case body.width >= wideColumns && (beside.text.width == prose || !s.drawn() && s.widest(beside) <= beside.text.width):
		l := s.share(area{min(body.width-between-beside.text.width, mostDrawing), body.height})
		l.text, l.beside = beside.text, true
		return l
	case !live, s.drawn():
		return alone
	}
	return s.under(body, alone)
}

// under is the text with the drawing under it, or alone. The text gets what there is to read
// now, the drawing as much as it needs to be whole.
func (s *screen) under(body area, alone layout) layout {
	body.width -= margin
	kind, wants, text := s.part().Kind, s.toRead(alone), leastText
	most := max(text, min(wants, body.height-1-leastDrawing))
	switch kind {
	case lab.Verdict, lab.Explain: // the drawing was there to look at before
		if wants > most {
			return alone
		}
		text = most
	case lab.Experiment:
		if wants > body.height { // such as a program
			return alone
		}
	case lab.Exercise:
		text, most = leastTask, max(leastTask, most)
	}
	needs := len(s.draw(body))
	for ; most >= text; most-- {
		room := area{body.width, body.height - most - 1}
		if needs <= room.height || room.height >= leastDrawing && (s.fits(room) || kind == lab.Exercise && most == text) {
			board := area{body.width, len(s.draw(room)) + 1}
			return layout{board: board, text: area{alone.text.width, body.height - board.height}}
		}
	}
	return alone
}

// toRead is how many lines the page has that came last: those of a step, or all.
func (s *screen) toRead(l layout) int {
	p := s.page()
	lines, begin := s.words(p, l)
	return len(lines) - unread(p, lines, begin)
}

// widest is the width of the longest line of what came last: of a program, or of a table,
// which no line is broken of.
func (s *screen) widest(l layout) (columns int) {
	p := s.page()
	w := s.written(p, l)
	for _, width := range w.widths[unread(p, w.lines, w.begin):] {
		columns = max(columns, width)
	}
	return columns
}

// drawn reports whether the text has a drawing of its own now, which takes the room that
// there is.
func (s *screen) drawn() bool {
	return slices.ContainsFunc(s.page().latest(), func(e lesson.Event) bool { return slices.Contains(drawings, e.Kind) })
}

// drawings are the Events that a view draws, and as high as they need.
var drawings = []lesson.Kind{lesson.KindLadder, lesson.KindFrame, lesson.KindChart, lesson.KindWay, lesson.KindPath, lesson.KindLives}

// panelHead are the rows over a drawing, or a ladder: a title and a blank one.
const panelHead = 2

// share shares the room of the kernel's side between the drawing and the ladder.
func (s *screen) share(room area) layout {
	l := layout{board: room}
	if s.live() && room.width >= ladderColumns && room.height >= ladderRows {
		l.board.height = panelHead + len(s.draw(area{room.width, room.height*3/5 - panelHead})) + 1
		l.ladder = area{room.width, room.height - l.board.height}
	}
	return l
}

// frame is the whole screen: its rows, each as wide as there is room.
func (s *screen) frame() string {
	if !Fits(s.width, s.height) {
		words := fmt.Sprintf("The tour needs %dx%d for this; here are %dx%d.", minColumns, minRows, s.width, s.height)
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
	case paramList:
		rows = s.paramRows()
	case help:
		rows = s.help(body)
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
	if l.covered {
		offset, _ := s.window()
		return indented(s.side(l)[offset:])
	}
	text := l.text.fill(s.text(l.text))
	switch {
	case l.beside:
		side := area{l.board.width, l.text.height}.fill(s.side(l))
		for i := range text {
			row := s.cut(text[i], l.text.width)
			gap := strings.Repeat(" ", l.text.width-ansi.StringWidth(row))
			text[i] = row + gap + " " + s.paint.Line(s.paint.Bar) + " " + side[i]
		}
	case l.board.height > 0:
		room := area{l.board.width, l.board.height - 1}
		text = append(append(text, s.rule("the kernel's side", "")), indented(room.fill(s.draw(room)))...)
	}
	return text
}

// indented has the margin left of each row.
func indented(rows []string) []string {
	all := make([]string, len(rows))
	for i, row := range rows {
		all[i] = strings.Repeat(" ", margin) + row
	}
	return all
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

// leftOf is how much room a rule has at its left, beside what stands at its right.
func (s *screen) leftOf(right string) int {
	const around = 10 // the line at both ends and between, with blanks
	return max(s.width-ansi.StringWidth(right)-around, 1)
}

// rule is a line across the screen with words on it.
func (s *screen) rule(left, right string) string {
	left = s.cut(left, s.leftOf(right))
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
	case p.typing && s.overlay == nothing:
		words = cmp.Or(strings.TrimSuffix(s.note, "."), "You read") + ": " + p.typed + "_"
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
	case s.observes() && p.read != "":
		words = fmt.Sprintf("You read %s. Now the answer.", p.read)
	case s.observes():
		words = "What do you read? Say it before the answer comes."
	case p.recall != nil:
		words = "Do you remember? Answer, or go on."
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
	where := []string{"the end of the course"} // in fewer and fewer words
	if !s.ended() {
		parts := s.lessons[s.at.Lesson].Parts
		part := fmt.Sprintf("%s, part %d of %d", s.part().Lesson, s.at.Part+1, len(parts))
		kind := part + ": " + kindWords[parts[s.at.Part].Kind]
		where = []string{fmt.Sprintf("lesson %d of %d: %s", s.at.Lesson+1, len(s.lessons), kind), kind, part}
	}
	offset, bottom := s.window()
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
	for len(where) > 1 && ansi.StringWidth(where[0]) > s.leftOf(more) {
		where = where[1:]
	}
	return s.rule(where[0], more)
}

// footer is the keys that do something now. Where not all of them find room, the
// last one says that the help has more, if there is one.
func (s *screen) footer() string {
	item := func(name, does string) string {
		return strings.Repeat(" ", margin) + s.paint.Strong(name) + " " + does
	}
	more := ""
	if slices.ContainsFunc(s.keys(), func(k key) bool { return k.show == "?" }) {
		more = item("?", "more")
	}
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
		return fmt.Sprintf("1-%d", len(s.choices()))
	}
	return k.show
}
