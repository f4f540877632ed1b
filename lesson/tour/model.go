package tour

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/view"
	"fd3/lesson/words"
)

// A screen is what the learner sees, and where they are.
type screen struct {
	Options
	paint         view.Paint // in Options.Look
	width, height int
	lessons       []lab.Lesson
	guide         *guide
	walk          *course.Walk // the guide's
	send          func(tea.Msg)
	broken        any  // a panic
	small         bool // the terminal has become too small

	at    course.Place
	task  *task // of the part that was begun last; it may not be the one that is shown
	pages map[course.Place]*page
	panel panel
	shown shown

	overlay overlay
	lines   int          // of the help, that are above those in sight
	chosen  course.Place // in the list of lessons, and in that of the parts of one
	params  params       // what if: those that are changed
	note    string       // said until the next key
	waiting waiting
}

// An overlay is what covers the lesson.
type overlay int

const (
	nothing overlay = iota
	lessonList
	partList
	paramList
	help
)

// A page is what a part has shown.
type page struct {
	events []lesson.Event
	over   bool          // nothing more will come
	ready  bool          // the exercise is set up and told
	onward chan struct{} // closed, it makes the step that has been said; nil: none has
	failed bool          // the experiment could not be made
	now    string        // how far the exercise is

	recall  *recallMsg     // question: what is asked of an earlier lesson; nil: nothing
	cursor  int            // predict: the choice under the cursor, from 1
	said    int            // predict: the learner's, from 1
	typing  bool           // experiment: the learner types what they read
	typed   string         // experiment: so far
	read    string         // experiment: what they said
	with    map[string]int // experiment: the values of its parameters; nil: as the lesson has them
	hints   int            // exercise: told so far
	others  []lesson.Event // verdict: what there is to say to other choices, until it is told
	offset  int            // the first line in sight
	unread  int            // the first event of the last step, not to be scrolled past
	scrolls bool

	seen int // the events that were there when the text was in sight last

	written map[view.Look]written // of the events so far
}

// written is lines of text, and the line on which each Event begins.
type written struct {
	events int
	over   int  // of them, those whose commands are not offered any more
	calls  bool // calls are in it; else they stand in the ladder
	lines  []string
	widths []int // of the lines, in columns
	begin  []int
}

// boardEvery is how often the kernel is asked for its side.
const boardEvery = 250 * time.Millisecond

func newScreen(o Options, lessons []lab.Lesson) *screen {
	s := &screen{Options: o, lessons: lessons, paint: view.NewPaint(o.Look), pages: make(map[course.Place]*page), note: o.Note}
	s.guide = newGuide(o, lessons, func(msg tea.Msg) { s.send(msg) })
	s.walk = s.guide.walk
	return s
}

func (s *screen) Init() tea.Cmd { return tea.Batch(s.look(), s.wait()) }

type boardMsg lab.Board

// look asks the kernel for its side.
func (s *screen) look() tea.Cmd {
	return safely(func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return boardMsg(s.walk.Board(ctx))
	})
}

type lookMsg struct{}

// smallMsg: the terminal has been too small for a while.
type smallMsg struct{}

// repaintMsg: the frame of a new size has been drawn, and is to be drawn once more. In the
// first one in wider rows the renderer looks only at as many columns as there were before:
// it may take a row for blank, and takes the other columns for blank later, so that what
// stands there is left (ultraviolet, TerminalRenderer.Render, which calls clearBottom and
// transformLine before it makes its own buffer wider).
type repaintMsg area

// drawn is how long after a change of the size its first frame is drawn at the latest:
// bubbletea draws 60 in a second.
const drawn = 100 * time.Millisecond

// settled is how long a terminal may be too small: somebody is changing its size, and
// that goes in steps.
const settled = time.Second

func (s *screen) update(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.resize(msg.Width, msg.Height)
		cmd = tea.Tick(drawn, func(time.Time) tea.Msg { return repaintMsg{msg.Width, msg.Height} })
		if !Fits(s.width, s.height) {
			cmd = tea.Tick(settled, func(time.Time) tea.Msg { return smallMsg{} })
		}
	case repaintMsg:
		if area(msg) == (area{s.width, s.height}) { // else another one comes
			cmd = tea.ClearScreen
		}
	case smallMsg:
		if s.small = !Fits(s.width, s.height); s.small {
			cmd = tea.Quit
		}
	case tea.KeyPressMsg:
		s.note = ""
		cmd = s.press(msg.String())
	case tea.PasteMsg:
		s.paste(msg.Content)
	case boardMsg:
		s.panel = panel{board: lab.Board(msg), offset: s.panel.offset}
		cmd = tea.Tick(boardEvery, func(time.Time) tea.Msg { return lookMsg{} })
	case lookMsg:
		cmd = s.look()
	case noteMsg:
		s.note = string(msg)
	case lateMsg:
		if waiting(msg) == s.waiting {
			cmd = s.late()
		}
	default:
		s.told(msg)
	}
	if p := s.page(); !s.layout().covered {
		p.seen = len(p.events)
	}
	return tea.Batch(cmd, s.wait())
}

// told takes what the task says. That of a task which was left counts no more.
func (s *screen) told(msg tea.Msg) {
	switch msg := msg.(type) {
	case shownMsg:
		if p := s.pageOf(msg.task); p != nil {
			p.events = append(p.events, msg.Event)
			p.ready = p.ready || msg.Section == string(lab.Exercise)
		}
	case pausedMsg:
		if p := s.pageOf(msg.task); p != nil {
			p.onward, p.now = msg.onward, ""
		}
	case recallMsg:
		if p := s.pageOf(msg.task); p != nil {
			p.recall = &msg
		}
	case nowMsg:
		if p := s.pageOf(msg.task); p != nil {
			p.now = msg.words
		}
	case othersMsg:
		if p := s.pageOf(msg.task); p != nil {
			p.others = msg.events
		}
	case solvedMsg:
		if p := s.pageOf(msg.task); p != nil {
			p.follow()
		}
	case overMsg:
		if p := s.pageOf(msg.task); p != nil {
			p.over, p.now, p.onward, p.recall = true, "", nil, nil
			if p.with != nil { // what came out stands at the end
				p.follow()
			}
			p.failed = errors.Is(msg.err, course.ErrNotMade)
			if untold(msg.err) {
				p.follow()
				p.events = append(p.events, lesson.Event{Kind: lesson.KindText, Section: "tour", Text: cannotGoOn(msg.err) + " **r** sets it up again."})
			}
		}
	}
}

func (s *screen) pageOf(t *task) *page {
	if t != s.task {
		return nil
	}
	return s.pages[t.Place]
}

func (s *screen) resize(width, height int) { s.width, s.height = width, height }

// page is the one in sight.
func (s *screen) page() *page { return s.pages[s.at] }

// part is the one in sight. At the end of the course there is none.
func (s *screen) part() lab.Part { return s.walk.Part(s.at) }

func (s *screen) ended() bool { return s.walk.Ended(s.at) }

// enter goes to a part. One that was gone through shows what it showed then.
func (s *screen) enter(at course.Place) {
	s.at, s.overlay = at, nothing
	p := s.page()
	if p != nil && (p.over || s.task != nil && s.task.Place == at) {
		return
	}
	if s.ended() {
		s.pages[at] = &page{over: true, events: []lesson.Event{{Kind: lesson.KindEnd, Text: closing}}}
		return
	}
	s.open(at, false)
}

// open goes through a part from its beginning.
func (s *screen) open(at course.Place, anew bool) {
	s.at, s.overlay = at, nothing
	s.pages[at] = &page{}
	s.task = s.guide.begin(at, anew)
}

// closing is the last page.
const closing = `This is the end of the course.

Any lesson can be gone through again: **l** shows the list. And every step of the
tour is a command of its own, with many more options: **fd3 --help**.`

// choose goes to a lesson of the list and forgets what it has shown. That in which
// one is goes on.
func (s *screen) choose(number int) {
	if number == s.at.Lesson {
		s.overlay = nothing
		return
	}
	s.beginAnew(course.Place{Lesson: number})
}

// jump goes to any part. One that was gone through shows what it showed then. For
// another its lesson begins anew, and what the experiments before it read is read
// without a word.
func (s *screen) jump(at course.Place) {
	if p := s.pages[at]; p != nil && (p.over || s.task.Place == at) {
		s.enter(at)
		return
	}
	s.beginAnew(at)
}

// beginAnew goes to a part of a lesson of which nothing is known any more.
func (s *screen) beginAnew(at course.Place) {
	for i := range s.lessons[at.Lesson].Parts {
		delete(s.pages, course.Place{Lesson: at.Lesson, Part: i})
	}
	s.open(at, true)
}

func (s *screen) forward() { s.enter(s.walk.Next(s.at)) }

func (s *screen) back() { s.enter(s.walk.Back(s.at)) }

// again makes the experiment once more, and forgets what followed from it. An
// exercise is set up anew.
func (s *screen) again() {
	from, stale, _ := s.walk.Again(s.at)
	for _, at := range stale {
		delete(s.pages, at)
	}
	s.open(from, false)
}

// choices returns those of the question that can be answered now: of the prediction in
// sight, or of an earlier one.
func (s *screen) choices() []words.Item {
	if recall := s.page().recall; recall != nil {
		return recall.part.Choices
	}
	return s.part().Choices
}

// remember answers the question of an earlier lesson, or goes on without.
func (s *screen) remember(choice string) {
	p := s.page()
	p.follow()
	p.recall.answer <- choice
	p.recall, p.cursor = nil, 0
}

// say commits to a choice, from 1.
func (s *screen) say(n int) {
	p, part := s.page(), s.part()
	if p.recall != nil {
		s.remember(p.recall.part.Choices[n-1].Name)
		return
	}
	p.cursor, p.said = n, n
	s.show(n)
	s.walk.Predict(part, part.Choices[n-1].Name)
}

// hint asks for the next hint.
func (s *screen) hint() {
	select {
	case s.task.hints <- s.page().hints:
		s.page().hints++
		s.page().follow()
	default: // the last one is still on its way
	}
}

// tellOthers tells what there is to say to the choices that the learner has not made.
func (p *page) tellOthers() {
	p.follow()
	p.events, p.others = append(p.events, p.others...), nil
}

// step makes the step that has been said.
func (s *screen) step() {
	p := s.page()
	p.follow()
	close(p.onward)
	p.onward = nil
}

// blank is what the learner has to put something in the place of.
var blank = regexp.MustCompile(`(^| )[A-Z]{3,}( |$)`)

// command is the last one that the page names: to look at the same, or to do the
// exercise. There is none where nothing runs that it could show, and none of an earlier
// step.
func (s *screen) command() string {
	if s.past() {
		return ""
	}
	for _, e := range slices.Backward(s.page().latest()) {
		if e.Command != "" {
			return e.Command
		}
		if e.Kind != lesson.KindText {
			continue
		}
		for _, line := range slices.Backward(strings.Split(e.Text, "\n")) {
			code, ok := strings.CutPrefix(line, "    ")
			if code = strings.TrimSpace(code); ok && code != "" && s.part().Kind == lab.Exercise && !blank.MatchString(code) {
				return code
			}
		}
	}
	return ""
}

// copy sends the command to the terminal. Whether that keeps it is not known: a terminal
// does not answer OSC 52, and some ignore it.
func (s *screen) copy() tea.Cmd {
	command := view.Harmless(s.command())
	s.note = "sent to the terminal's clipboard: " + command
	return tea.SetClipboard(command)
}

func (s *screen) nextTheme() {
	s.Look.Theme = s.Look.Theme.Next()
	s.paint = view.NewPaint(s.Look)
	s.note = fmt.Sprintf("theme: %s", s.Look.Theme)
	if !s.Look.Colour {
		s.note += ", but colours are off (NO_COLOR, --color)"
	}
	if err := s.Progress.SetTheme(string(s.Look.Theme)); err != nil {
		s.note = err.Error()
	}
}

// follow has the page show what comes from now on.
func (p *page) follow() { p.unread, p.scrolls = len(p.events), false }

// latest returns what the page shows of the step that was made last; without steps it is
// all. What an earlier step has shown may be over, and its commands are not offered any
// more: they would show something else.
func (p *page) latest() []lesson.Event {
	for i := len(p.events) - 2; i > 0; i-- { // the last may be a step that is only said
		if p.events[i].Section == "step" {
			return p.events[i:]
		}
	}
	return p.events
}

// words are the lines of a page, and the line on which each Event begins. They are
// written anew when there is something new.
func (s *screen) words(p *page, l layout) (lines []string, begin []int) {
	w := s.written(p, l)
	return w.lines, w.begin
}

// written is a page in the form that a layout has for it.
func (s *screen) written(p *page, l layout) written {
	look, calls := s.Look, l.ladder.height == 0
	look.Width, look.Drawn = min(l.text.width, prose), l.text.width
	over := len(p.events) - len(p.latest())
	if s.past() {
		over = len(p.events)
	}
	w, ok := p.written[look]
	if !ok || w.events != len(p.events) || w.over != over || w.calls != calls {
		if w = write(p.events, over, look, calls); len(p.written) == mostWritten || p.written == nil {
			p.written = make(map[view.Look]written)
		}
		p.written[look] = w
	}
	return w
}

// mostWritten is how many forms of a page are kept: it may be beside the drawing, or alone,
// and both are asked for again and again.
const mostWritten = 4

// callKinds are the Events that only tell of calls.
var callKinds = []lesson.Kind{lesson.KindEnter, lesson.KindReturn, lesson.KindSetup}

// write writes events. Of the first, which are over, the commands are left out; calls may
// stand elsewhere.
func write(events []lesson.Event, over int, look view.Look, calls bool) written {
	w := written{events: len(events), over: over, calls: calls}
	var out bytes.Buffer
	text := view.NewText(&out, look)
	for i, e := range events {
		if i < over {
			e.Command = ""
		}
		w.begin = append(w.begin, bytes.Count(out.Bytes(), []byte("\n")))
		if calls || !slices.Contains(callKinds, e.Kind) {
			text.Show(e) // a Buffer takes everything
		}
	}
	if out.Len() > 0 {
		w.lines = strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	}
	w.begin = append(w.begin, len(w.lines))
	for _, line := range w.lines {
		w.widths = append(w.widths, ansi.StringWidth(line))
	}
	return w
}

// unread is the first line of what came last.
func unread(p *page, lines []string, begin []int) int {
	first := begin[min(p.unread, len(begin)-1)]
	for first < len(lines) && lines[first] == "" {
		first++
	}
	return first
}

// sight is the part of a page that is in sight: its first line, and how far it can
// be scrolled.
func (s *screen) sight() (lines []string, begin []int, offset, bottom int) {
	p := s.page()
	l := s.layout()
	lines, begin = s.words(p, l)
	bottom = max(len(lines)-l.text.height, 0)
	offset = p.offset
	if !p.scrolls {
		offset = max(offset, unread(p, lines, begin))
	}
	return lines, begin, min(offset, bottom), bottom
}

// window is how far what is in sight is scrolled, and how far it can be: the text, or a
// drawing that covers it.
func (s *screen) window() (offset, bottom int) {
	if l := s.layout(); l.covered {
		bottom = max(l.board.height+l.ladder.height-l.text.height, 0)
		return min(s.panel.offset, bottom), bottom
	}
	_, _, offset, bottom = s.sight()
	return offset, bottom
}

func (s *screen) scroll(lines int) {
	offset, bottom := s.window()
	to := min(max(offset+lines, 0), bottom)
	if s.layout().covered {
		s.panel.offset = to
		return
	}
	s.page().offset, s.page().scrolls = to, true
}

// pageful is how far a page is scrolled at once.
func (s *screen) pageful() int { return max(s.layout().text.height-2, 1) }

// below reports whether there is something to read further down, or under a drawing that
// covers the text.
func (s *screen) below() bool {
	if s.layout().covered {
		return s.page().seen < len(s.page().events)
	}
	_, _, offset, bottom := s.sight()
	return offset < bottom
}

// show scrolls to a choice, from 1.
func (s *screen) show(choice int) {
	_, begin, offset, _ := s.sight()
	for i, e := range s.page().events {
		if e.Kind == lesson.KindChoice {
			choice--
		}
		if choice == 0 {
			height := s.layout().text.height
			s.scroll(max(begin[i+1]-height-offset, 0))
			s.scroll(min(begin[i]-offset, 0))
			return
		}
	}
}

// waiting is what the tour waits for. When that has not changed for as long as
// there is to read, it goes on by itself, if Options.Auto says so.
type waiting struct {
	course.Place
	events  int
	onward  chan struct{}
	over    bool
	offset  int
	overlay overlay
}

type lateMsg waiting

// wait begins to wait anew if there is something else to wait for.
func (s *screen) wait() tea.Cmd {
	if !s.Auto {
		return nil
	}
	p := s.page()
	_, _, offset, _ := s.sight()
	now := waiting{s.at, len(p.events), p.onward, p.over, offset, s.overlay}
	if now == s.waiting {
		return nil
	}
	s.waiting = now
	return tea.Tick(s.stay(s.newWords()), func(time.Time) tea.Msg { return lateMsg(now) })
}

// newWords counts the words in sight that have come since the learner went on last.
func (s *screen) newWords() int {
	lines, begin, offset, _ := s.sight()
	from := max(offset, begin[min(s.page().unread, len(begin)-1)])
	to := min(offset+s.layout().text.height, len(lines))
	var n wordCount
	n.Write([]byte(strings.Join(lines[min(from, to):to], "\n")))
	return int(n)
}

// late goes on by itself. A part that only the learner can do is left out.
func (s *screen) late() tea.Cmd {
	s.note = ""
	switch kind := s.part().Kind; {
	case s.overlay != nothing:
		return nil
	case !s.below() && s.observes():
		s.forward()
	case s.onward() != "":
		return s.goOn()
	case kind == lab.Exercise && s.page().ready:
		s.forward()
		s.note = "Nobody is waited for here, so the exercise was left out."
	case kind == lab.Predict && s.page().over:
		s.forward()
	}
	return nil
}

// onward is what Space does now; empty if it does nothing.
func (s *screen) onward() string {
	p := s.page()
	switch {
	case s.below():
		return "read on"
	case p.onward != nil:
		return "make the step"
	case p.recall != nil:
		return "go on without"
	case !p.over || answers(s) != "" && p.said == 0:
		return ""
	case s.observes() && p.read == "":
		return "say what you read"
	case s.ended():
		return "end"
	case s.at.Part == len(s.lessons[s.at.Lesson].Parts)-1:
		return "next lesson"
	}
	return "go on"
}

// goOn is Space.
func (s *screen) goOn() tea.Cmd {
	switch p := s.page(); {
	case s.onward() == "":
	case s.layout().covered && s.below():
		s.shown = both
	case s.below():
		s.scroll(s.pageful())
	case p.onward != nil:
		s.step()
	case p.recall != nil:
		s.remember("")
	case s.observes() && p.read == "":
		p.typing = true
	case s.ended():
		return tea.Quit
	default:
		s.forward()
	}
	return nil
}
