package view

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"fd3/lesson"
	"fd3/lesson/drawing"
)

// A Head is the top of a Document.
type Head struct {
	Title    string
	Made     time.Time
	Machine  []lesson.Evidence // facts about the kernel, from the kernel
	Contents []Entry           // the lessons that follow
}

// An Entry of a table of contents.
type Entry struct{ ID, Title string }

// A Document arranges the Events of lessons as a handout, to be read without a
// terminal. After the last Event comes End.
type Document struct {
	sheet   sheet
	section string        // the heading under which the last block stands
	hints   int           // how many stand in this lesson
	pending *lesson.Event // a call that is entered and not yet written

	// Events of one kind in a row make one block.
	calls, facts, answers []lesson.Event
}

// A sheet is the form that a Document is written in. Words marked as Markdown come
// from the lessons, with the values in them escaped; all others may hold anything.
type sheet interface {
	begin(h Head, machine []lesson.Event)
	lesson(id, title, asks string) // asks is Markdown
	heading(level int, words string)
	prose(markdown string)
	aside(words string)     // one line
	choices([]lesson.Event) // their Text is Markdown
	answer(markdown string)
	whole(heading, markdown string) // on one page; the heading may be empty
	blank(words string)             // and room to write
	calls([]lesson.Event)
	facts([]lesson.Event)
	bytes(lesson.Event)
	drawing(pictured, drawing.Room)
	packet(sheetPacket)
	end() error
}

// documentHeadings has the words over the parts of a lesson.
var documentHeadings = map[string]string{
	"question":   "The question",
	"predict":    "What do you think?",
	"experiment": "The experiment",
	"recall":     "Do you remember?",
	"recalled":   "What was the answer",
	"observe":    "What do you read?",
	"observed":   "What there was to read",
	"whatif":     "What if",
	"outcome":    "What came out",
	"explain":    "Why",
	"exercise":   "Your turn",
	"answer":     "To the other answers",
	"hint":       "Hints",
	"recap":      "To keep",
	"references": "Where it is written",
	"failed":     "Not possible here",
}

// together are the parts of which several stand under one heading.
var together = []string{"answer", "hint"}

func newDocument(s sheet, h Head) *Document {
	h.Title = withoutControl(h.Title)
	h.Contents = slices.Clone(h.Contents)
	for i := range h.Contents {
		h.Contents[i].Title = withoutControl(h.Contents[i].Title)
	}
	var machine []lesson.Event
	for _, e := range h.Machine {
		machine = append(machine, harmless(e.Event()))
	}
	s.begin(h, machine)
	return &Document{sheet: s}
}

// Show writes one Event. Its error is nil: that of the writer comes with End.
func (d *Document) Show(e lesson.Event) error {
	if e.Kind != lesson.KindReturn {
		d.standing()
	}
	draw(d, harmless(e))
	return nil
}

func (d *Document) lesson(e lesson.Event) {
	d.flush(nil)
	d.section, d.hints = "", 0
	d.sheet.lesson(e.Step, e.Title, e.Text)
}

func (d *Document) step(e lesson.Event) { d.open(3, e.Title, "") }

func (d *Document) text(e lesson.Event) {
	d.flush(nil)
	if words, ok := documentHeadings[e.Section]; ok && (e.Section != d.section || !slices.Contains(together, e.Section)) {
		d.sheet.heading(3, headed(words, e.Title))
	}
	d.section = e.Section
	switch e.Section {
	case "blank":
		d.sheet.blank(e.Text)
		return
	case "hint":
		d.hints++
		d.sheet.whole("Hint "+strconv.Itoa(d.hints), e.Text)
		return
	case "answer":
		d.sheet.whole("", e.Text)
		return
	}
	if e.Command != "" {
		e.Text = strings.TrimSuffix(code(e.Command)+": "+e.Text, ": ")
	}
	d.sheet.prose(e.Text)
}

// headed is a heading with what it is about, which may be nothing.
func headed(words, about string) string {
	switch {
	case about == "":
		return words
	case strings.HasSuffix(words, "?"):
		return words + " " + strings.ToUpper(about[:1]) + about[1:]
	}
	return words + ": " + about
}

func (d *Document) enter(e lesson.Event) { d.pending = &e }

func (d *Document) returned(e lesson.Event) {
	d.pending = nil
	d.flush(&d.calls)
	d.calls = append(d.calls, e)
}

func (d *Document) argument(e lesson.Event) {
	d.fact(lesson.Event{Fact: e.Name, Value: e.Value, Text: e.Text})
}

func (d *Document) evidence(e lesson.Event) { d.fact(e) }

func (d *Document) fact(e lesson.Event) {
	d.flush(&d.facts)
	d.facts = append(d.facts, e)
}

func (d *Document) bytes(e lesson.Event) {
	d.flush(nil)
	d.sheet.bytes(spanned(e))
}

func (d *Document) process(e lesson.Event) { d.open(4, e.Title, e.Text) }

func (d *Document) socket(e lesson.Event) {
	e.Fact = fmt.Sprintf("fd %d", *e.FD)
	d.fact(e)
}

func (d *Document) connection(e lesson.Event) {
	d.open(4, strings.Join(connectionWords(e), ", "), "")
}

func (d *Document) life(e lesson.Event) { d.open(4, strings.Join(lifeWords(e), ", "), "") }

func (d *Document) request(e lesson.Event) {
	d.flush(nil)
	d.sheet.aside(fmt.Sprintf("%s: %s, %s of content", e.Request, e.Value, lesson.Counted(e.Length, "byte")))
	d.prose(e.Text)
}

func (d *Document) load(e lesson.Event) {
	d.flush(nil)
	d.sheet.aside(loadLine(e.Loads, math.MaxInt))
}

func (d *Document) end(e lesson.Event) {
	d.flush(nil)
	d.prose(e.Text)
}

func (d *Document) setup(e lesson.Event) {
	d.flush(nil)
	d.sheet.aside("In short: " + e.Text)
}

func (d *Document) choice(e lesson.Event) {
	d.flush(&d.answers)
	d.answers = append(d.answers, e)
}

func (d *Document) verdict(e lesson.Event) {
	d.open(3, "The answer", "")
	d.section = "verdict"
	if e.Title != "" {
		d.sheet.answer(e.Title)
	}
	switch {
	case e.Predicted == "":
	case e.Right:
		d.sheet.prose("You said the same.")
	default:
		d.sheet.prose("You said: " + e.Value)
	}
	d.prose(e.Text)
}

// open begins a part of a document.
func (d *Document) open(level int, words, markdown string) {
	d.flush(nil)
	d.sheet.heading(level, words)
	d.prose(markdown)
}

func (d *Document) prose(markdown string) {
	if markdown != "" {
		d.sheet.prose(markdown)
	}
}

// standing writes a call that is entered and has not returned.
func (d *Document) standing() {
	if d.pending != nil {
		d.flush(&d.calls)
		d.calls = append(d.calls, *d.pending)
		d.pending = nil
	}
}

// flush writes all blocks but this one: they are complete.
func (d *Document) flush(but *[]lesson.Event) {
	for _, block := range []struct {
		events *[]lesson.Event
		write  func([]lesson.Event)
	}{{&d.calls, d.sheet.calls}, {&d.facts, d.sheet.facts}, {&d.answers, d.sheet.choices}} {
		if block.events != but && len(*block.events) > 0 {
			block.write(*block.events)
			*block.events = nil
		}
	}
}

// spanned returns an Event of bytes in which each stretch has a value: its characters
// where it had none.
func spanned(e lesson.Event) lesson.Event {
	e.Spans = whole(e)
	for i, s := range e.Spans {
		if b := e.Data[s.Start:s.End]; s.Value == "" && len(b) > maxHex {
			e.Spans[i].Value = strconv.Quote(string(b[:maxHex])) + "..."
		} else if s.Value == "" {
			e.Spans[i].Value = strconv.Quote(string(b))
		}
	}
	return e
}

// whole returns the spans of bytes up to their end: after the last comes the rest.
func whole(e lesson.Event) []lesson.Span {
	rest := lesson.Span{Name: "bytes", End: len(e.Data)}
	if n := len(e.Spans); n > 0 {
		rest.Name, rest.Start = "the rest", e.Spans[n-1].End
	}
	if rest.Start == rest.End {
		return e.Spans
	}
	return append(slices.Clone(e.Spans), rest)
}

// End writes what is left, and returns the first error of the writer.
func (d *Document) End() error {
	d.standing()
	d.flush(nil)
	return d.sheet.end()
}
