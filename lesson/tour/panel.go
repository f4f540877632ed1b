package tour

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/drawing"
	"fd3/lesson/view"
)

// A panel is the drawings of one Board.
type panel struct {
	board  lab.Board
	offset int               // the first row in sight, where it covers the text
	drawn  map[area][]string // in rooms of different sizes
	whole  map[area]bool     // whether it fits into them
}

// live reports whether there is a kernel's side of the part in sight: the processes
// that run are those of its experiment, or of the exercise.
func (s *screen) live() bool {
	_, any := s.panel.board.Event()
	return any && s.ours()
}

func (s *screen) ours() bool {
	of, part := s.panel.board.Of, s.part()
	if (of.Chosen != nil) != (s.page().with != nil) {
		return false
	}
	return of.Lesson == part.Lesson && of.Name == part.Name && (of.Kind == lab.Exercise) == (part.Kind == lab.Exercise)
}

// past reports whether the part in sight is about processes that run no more.
func (s *screen) past() bool {
	_, _, ok := s.walk.Again(s.at)
	return ok && !s.ours()
}

// draw draws what the kernel has, in no more than this room.
func (s *screen) draw(room area) []string {
	if rows, ok := s.panel.drawn[room]; ok {
		return rows
	}
	var rows []string
	e, _ := s.panel.board.Event()
	for _, spans := range drawing.New(*e.Snapshot, e.Before).Cells(drawing.Room{Columns: room.width, Rows: room.height}, s.Look.ASCII) {
		rows = append(rows, s.paint.Spans(spans))
	}
	if s.panel.drawn == nil {
		s.panel.drawn = make(map[area][]string)
	}
	s.panel.drawn[room] = rows
	return rows
}

// fits reports whether what the kernel has can be drawn in a room, and nothing is cut off.
func (s *screen) fits(room area) bool {
	whole, ok := s.panel.whole[room]
	if !ok {
		e, _ := s.panel.board.Event()
		whole = drawing.New(*e.Snapshot, e.Before).Fits(drawing.Room{Columns: room.width, Rows: room.height})
		if s.panel.whole == nil {
			s.panel.whole = make(map[area]bool)
		}
		s.panel.whole[room] = whole
	}
	return whole
}

// side is the kernel's side to the right of the text. As long as there is none it is
// where in the lesson one is.
func (s *screen) side(l layout) []string {
	if !s.live() {
		return s.outline(l.board)
	}
	rows := append([]string{s.panelTitle(), ""}, s.draw(area{l.board.width, l.board.height - panelHead})...)
	if l.ladder.height == 0 {
		return rows
	}
	rows = l.board.fill(rows)
	rows = append(rows, s.paint.Heading("THE CALLS"), "")
	return append(rows, s.ladder(area{l.ladder.width, l.ladder.height - panelHead})...)
}

// panelTitle is over a drawing, and says if that is not of this moment.
func (s *screen) panelTitle() string {
	title := s.paint.Heading("THE KERNEL'S SIDE")
	if err := s.panel.board.Err; err != nil {
		title += "  " + s.paint.Bad(view.Harmless("as it was; now: "+err.Error()))
	}
	return title
}

// ladder draws the last calls, as many as fit.
func (s *screen) ladder(room area) []string {
	var calls []drawing.Call
	for _, c := range s.panel.board.Calls {
		calls = append(calls, drawing.Call{Name: string(c.Role), PID: c.PID, Text: c.Text, Right: c.Role == lab.Server || c.Besides, New: c.New})
	}
	var rows []string
	for _, spans := range drawing.Calls(calls, drawing.Room{Columns: room.width, Rows: room.height}, s.Look.ASCII) {
		rows = append(rows, s.paint.Spans(spans))
	}
	return rows
}

// outline is the parts of the lesson by the questions that they are about; of the one
// in sight each.
func (s *screen) outline(room area) []string {
	if s.ended() {
		return nil
	}
	p := s.paint
	parts := s.lessons[s.at.Lesson].Parts
	here := parts[s.at.Part]
	blank := strings.Repeat(" ", ansi.StringWidth(p.Here))
	var rows []string
	current := 0 // the row of the part in sight
	sign := func(places ...int) string {
		over := 0
		for _, i := range places {
			if page := s.pages[course.Place{Lesson: s.at.Lesson, Part: i}]; page != nil && page.over {
				over++
			}
		}
		if over == len(places) {
			return p.Done
		}
		return blank
	}
	for i := 0; i < len(parts); {
		group := []int{i} // the parts of one question
		for i++; i < len(parts) && parts[i].Name != "" && course.Spot(parts[i]) == course.Spot(parts[group[0]]); i++ {
			group = append(group, i)
		}
		first := parts[group[0]]
		switch {
		case course.Spot(first) != course.Spot(here):
			rows = append(rows, sign(group...)+" "+p.Dim(groupWords(first)))
		case len(group) == 1:
			current = len(rows)
			rows = append(rows, p.Good(p.Here+" "+groupWords(first)))
		default:
			rows = append(rows, p.Good(p.Here+" "+groupWords(first)))
			for _, j := range group {
				words := sign(j) + " " + p.Dim(kindWords[parts[j].Kind])
				if j == s.at.Part {
					current = len(rows)
					words = p.Good(p.Here + " " + kindWords[parts[j].Kind])
				}
				rows = append(rows, "    "+words)
			}
		}
	}
	fit := max(room.height-2, 1)
	from := max(min(current-fit/2, len(rows)-fit), 0)
	return append([]string{p.Heading("THIS LESSON"), ""}, rows[from:]...)
}

// groupWords are what the parts of one question are about.
func groupWords(p lab.Part) string {
	if p.Kind == lab.Exercise || p.Title == "" {
		return partWords(p)
	}
	return p.Title
}
