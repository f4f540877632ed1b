package view

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
)

// maxProse is the width of a paragraph, in columns, on a wider terminal.
const maxProse = 96

// Text writes Events for a person to read.
type Text struct {
	w        io.Writer
	look     Look
	columns  int // of the terminal, also where text is no narrower than it gets
	theme    theme
	err      error
	section  string          // the heading under which the last line stands
	pending  *lesson.Event   // a call that is entered and not yet written
	commands map[string]bool // commands that this list of evidence has named already
	choices  int             // how many answers stand in this list
	started  bool            // something has been written, so a blank line parts what follows
	open     string          // the styles that the last line has left open
}

// NewText returns a Text that writes to w.
func NewText(w io.Writer, l Look) *Text {
	v := &Text{w: w, look: l, theme: newTheme(l), commands: make(map[string]bool)}
	v.Fit(l.Width)
	if l.Drawn > 0 {
		v.columns = l.Drawn
	}
	return v
}

// Fit sets the width, in columns, of all later Events.
func (v *Text) Fit(columns int) { v.columns, v.look.Width = columns, min(max(columns, 40), 200) }

// headings has the words over the parts of a step.
var headings = map[string]string{
	"call":     "THE CALL",
	"argument": "ITS ARGUMENTS",
	"evidence": "EVIDENCE",
	"meaning":  "WHAT IT MEANS",
	"errno":    "WHY",
	"try":      "TRY NOW",
	"next":     "NEXT",
	"blocked":  "IT WAITS",
	"left":     "IT GOES ON WAITING",
	"busy":     "WHAT TO DO",
	"woken":    "MEANWHILE",
	"sockets":  "SOCKETS",
}

// Show writes one Event, and returns the first error of the writer.
func (v *Text) Show(e lesson.Event) error {
	draw(v, harmless(e))
	return v.err
}

// No line is broken at tie, a blank, and at bond, a hyphen.
const (
	tie  = "\u00a0"
	bond = "\u2011"
)

var unbound = strings.NewReplacer(tie, " ", bond, "-")

// line writes one line without blanks at its end. A style that goes on in the next line
// is closed at the end of this one, and opened there anew, after the blanks: each line stands
// for itself.
func (v *Text) line(s string) {
	if v.err == nil {
		s = unbound.Replace(strings.TrimRight(s, " "))
		text := strings.TrimLeft(s, " ")
		s = s[:len(s)-len(text)] + v.open + text
		v.open = ""
		for _, style := range sgr.FindAllString(s, -1) {
			if v.open += style; style == reset {
				v.open = ""
			}
		}
		if v.open != "" {
			s += reset
		}
		if v.look.ASCII {
			s = strings.ReplaceAll(s, " µs", " us")
		}
		_, v.err = io.WriteString(v.w, s+"\n")
	}
	v.started = true
}

// lines breaks a text at blanks. A path or a command, which a reader may copy, stays in
// one line if it fits.
func lines(text string, width int) []string {
	width = max(width, 20)
	words := strings.Split(strings.ReplaceAll(text, "-", bond), " ")
	for i, word := range words {
		if ansi.StringWidth(word) > width {
			words[i] = strings.ReplaceAll(word, tie, " ")
		}
	}
	return strings.Split(ansi.Wrap(strings.Join(words, " "), width, ""), "\n")
}

// sgr is an escape that begins or ends a style.
var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Wrap breaks a text at blanks, into lines of a width.
func Wrap(text string, width int) string {
	return unbound.Replace(strings.Join(lines(text, width), "\n"))
}

func (v *Text) blank() {
	if v.started {
		v.line("")
	}
}

// wrap writes text in lines that fit, the first indented by one number of blanks
// and the others by another.
func (v *Text) wrap(text string, first, rest int) {
	width := v.look.Width - max(first, rest)
	for i, s := range lines(text, width) {
		indent := rest
		if i == 0 {
			indent = first
		}
		v.line(strings.Repeat(" ", indent) + strings.TrimLeft(s, " "))
	}
}

// heading opens a part of a step, once.
func (v *Text) heading(section string) {
	if v.section == section {
		return
	}
	v.section = section
	title, ok := headings[section]
	if !ok {
		return
	}
	v.blank()
	style := v.theme.heading
	if section == "errno" || section == "busy" {
		style = v.theme.bad
	}
	v.line("  " + style.Render(title))
}

// field writes a name in a column of its own and a value beside it.
func (v *Text) field(name, value string, style lipgloss.Style, column int) {
	label := fmt.Sprintf("    %-*s  ", column, name)
	rows := lines(value, v.look.Width-len(label))
	v.line(style.Render(strings.TrimRight(label, " ")) + strings.Repeat(" ", len(label)-len(strings.TrimRight(label, " "))) + rows[0])
	for _, s := range rows[1:] {
		v.line(strings.Repeat(" ", len(label)) + s)
	}
}

// markdown writes paragraphs at an indent. A picture is left out for those who hear the
// words.
func (v *Text) markdown(source string, indent int) {
	all := v.theme.markdown(source, v.look.Colour)
	if v.look.Words {
		all = slices.DeleteFunc(all, func(p paragraph) bool { return p.picture })
	}
	for i, p := range all {
		if i > 0 && p.marker == "" {
			v.line("")
		}
		if p.picture && v.look.ASCII {
			p.text = asciiLines.Replace(p.text)
		}
		if p.table != nil {
			v.table(p.table, indent)
			continue
		}
		if p.code {
			for line := range strings.SplitSeq(p.text, "\n") {
				v.line(strings.Repeat(" ", indent+2) + line)
			}
			continue
		}
		v.hang(p.marker, p.text, indent, len(p.marker))
	}
}

// asciiLines draws the lines of a picture without any but ASCII characters.
var asciiLines = strings.NewReplacer("─", "-", "╌", "-", "═", "=", "│", "|", "╭", "+", "╮", "+", "╰", "+", "╯", "+",
	"├", "+", "┤", "+", "┬", "+", "┴", "+", "┼", "+", "╧", "=", "▶", ">", "◀", "<")

// hang writes a paragraph at an indent, behind a mark of some columns.
func (v *Text) hang(mark, text string, indent, columns int) {
	width := min(v.look.Width-indent, maxProse) - columns
	for i, s := range lines(text, width) {
		if i > 0 {
			mark = strings.Repeat(" ", columns)
		}
		v.line(strings.Repeat(" ", indent) + mark + strings.TrimLeft(s, " "))
	}
}

// step writes the title of a step, and where in a socket's life it is.
func (v *Text) step(e lesson.Event) {
	v.blank()
	v.section = ""
	who := fmt.Sprintf(" %s %d ", e.Process, e.PID)
	title := strings.Repeat(v.theme.rule, 2) + " " + v.theme.title.Render(e.Title) + " "
	fill := v.look.Width - ansi.StringWidth(title) - ansi.StringWidth(who) - 2
	if fill < 1 { // a narrow terminal
		who = ""
	}
	v.line(title + v.theme.line.Render(strings.Repeat(v.theme.rule, max(fill, 1))) + v.theme.dim.Render(who) + strings.Repeat(v.theme.rule, 2))
	var rail []string
	there := false
	for _, step := range e.Life {
		if step == e.Step {
			there = true
			rail = append(rail, v.theme.good.Render(v.theme.here+" "+step))
		} else {
			rail = append(rail, v.theme.dim.Render(step))
		}
	}
	if there {
		v.wrap(strings.Join(rail, v.theme.line.Render(" "+v.theme.dash+" ")), 3, 3)
	}
}

func (v *Text) text(e lesson.Event) {
	switch e.Section {
	case "born", "ended", "status", "serving", "tour", "now", "held", "wire", "watch", "recording", "lost", "path", "moments":
		if v.section != e.Section {
			v.blank()
		}
		v.section = e.Section
		v.markdown(e.Text, 2)
	case "serve", "watched":
		v.section = e.Section
		v.markdown(e.Text, 4)
	case "before":
		v.line("")
		v.markdown(e.Text, 2)
	case "try", "next":
		v.heading(e.Section)
		v.wrap(v.theme.dim.Render("$")+" "+v.theme.code.Render(e.Command), 4, 8)
		v.markdown(e.Text, 8)
	default:
		if _, ok := courseHeadings[e.Section]; ok {
			v.part(e)
			return
		}
		v.standing()
		v.section = ""
		v.heading(e.Section)
		v.markdown(e.Text, 4)
	}
}

// standingBrief writes in a line a call that is entered and has not returned.
func (v *Text) standingBrief() {
	if e := v.pending; e != nil {
		v.pending = nil
		v.space()
		v.wrap(v.theme.dim.Render(e.Title)+" "+v.unreturned(e), 2, 6)
	}
}

// unreturned returns a call that is entered: it waits, or the process did not survive it.
func (v *Text) unreturned(e *lesson.Event) string {
	if e.Result != "" {
		return e.Strace + v.theme.dim.Render("  (it"+tie+"never"+tie+"returned)")
	}
	return strings.TrimRight(e.Strace, " ") + " " + v.theme.more // of an argument that is told on return, a blank is there already
}

// space parts a list of calls and facts from the words before it.
func (v *Text) space() {
	if v.section != "recap" {
		v.blank()
		v.section = "recap"
	}
}

// standing writes a call that is entered and has not returned.
func (v *Text) standing() {
	if v.pending == nil {
		return
	}
	e := v.pending
	v.pending = nil
	v.section = ""
	v.heading("call")
	v.wrap(v.theme.strong.Render(strings.TrimRight(e.Strace, " "))+" "+v.theme.more, 4, 8)
}

// enter keeps a call that is entered: mostly it returns at once, and is written then.
func (v *Text) enter(e lesson.Event) { v.pending = &e }

// returned writes a call that has returned.
func (v *Text) returned(e lesson.Event) {
	v.pending = nil
	result := v.theme.good
	switch {
	case e.ErrnoName == "EINPROGRESS": // an errno, and it has not failed: it has not waited
		result = v.theme.strong
	case e.Errno != 0:
		result = v.theme.bad
	}
	made, value := strings.TrimSuffix(e.Strace, "= "+e.Result), "="+tie+e.Result
	took := strings.ReplaceAll("in "+e.Took, " ", tie)
	if e.Recap {
		mark := v.theme.dim.Render(v.theme.dot)
		if e.Title != "" { // whose it is, where two processes take turns
			v.space()
			mark = v.theme.dim.Render(e.Title)
		}
		v.section = "recap"
		v.wrap(mark+" "+made+result.Render(value)+"  "+v.note(e), 2, 6)
		return
	}
	v.section = ""
	v.heading("call")
	v.wrap(v.theme.strong.Render(made)+result.Render(value)+v.theme.dim.Render("  "+took), 4, 8)
	if e.C != "" && !e.Unseen {
		v.label("C ", e.C)
		v.label("Go", e.Go)
	}
}

// note returns the words behind a call in the same line: the Markdown of its Text, in
// which the time that the call took stays in one piece.
func (v *Text) note(e lesson.Event) string {
	text := e.Text
	if rest, ok := strings.CutPrefix(text, e.Took); ok {
		text = strings.ReplaceAll(e.Took, " ", tie) + rest
	}
	faint := v.theme
	faint.words = faint.dim
	var all []string
	for _, p := range faint.markdown(text, v.look.Colour) {
		all = append(all, p.text)
	}
	return strings.Join(all, " ")
}

func (v *Text) label(name, code string) {
	v.wrap(v.theme.dim.Render(name)+"  "+code, 4, 8)
}

func (v *Text) argument(e lesson.Event) {
	v.heading("argument")
	v.field(e.Name, e.Value, v.theme.strong, 9)
	v.markdown(e.Text, 15)
}

// factColumn is the width of the column of facts: "ListenOverflows" fits.
const factColumn = 15

func (v *Text) evidence(e lesson.Event) {
	if e.Recap {
		v.standingBrief()
		v.space()
		v.wrap(v.theme.strong.Render(e.Fact+":")+" "+e.Value, 6, 8)
		if e.Full > 0 {
			v.line(strings.Repeat(" ", 8) + v.bar(e.Have, e.Full))
		}
		v.source(e, 8)
		v.markdown(e.Text, 8)
		return
	}
	v.standing()
	if v.section != "evidence" {
		v.commands = make(map[string]bool)
	}
	v.heading("evidence")
	v.field(e.Fact, e.Value, v.theme.strong, factColumn)
	v.source(e, factColumn+6)
	if e.Text != "" {
		v.markdown(e.Text, factColumn+6)
	}
}

// source writes where a fact was read, and the command that shows the same.
func (v *Text) source(e lesson.Event, indent int) {
	if e.Source == "" {
		return
	}
	where := v.theme.dim.Render(e.Source)
	if e.Command == "" || v.commands[e.Command] {
		v.wrap(where, indent, indent)
		return
	}
	v.commands[e.Command] = true
	command := v.theme.dim.Render("$ ") + v.theme.code.Render(e.Command)
	if indent+ansi.StringWidth(where)+ansi.StringWidth(command)+3 > v.look.Width {
		v.wrap(where, indent, indent)
		v.wrap(command, indent, indent+2)
		return
	}
	v.line(strings.Repeat(" ", indent) + where + "   " + command)
}

func (v *Text) process(e lesson.Event) {
	v.blank()
	v.section = ""
	v.line(v.theme.title.Render(e.Title))
	v.markdown(e.Text, 2)
}

func (v *Text) socket(e lesson.Event) {
	v.heading("sockets")
	v.field(fmt.Sprintf("fd %d", *e.FD), e.Value, v.theme.strong, 8)
	v.markdown(e.Text, 14)
	v.source(e, 14)
}

// connection writes which client the lines below it are about.
func (v *Text) connection(e lesson.Event) {
	v.blank()
	v.section = ""
	who := strings.Join(connectionWords(e), " "+v.theme.space+" ")
	v.wrap(v.theme.title.Render(who), 2, 4)
}

// connectionWords returns the number of a connection, its descriptor, the client's address
// and the loop that serves it.
func connectionWords(e lesson.Event) []string {
	all := []string{fmt.Sprintf("connection %d", e.Connection), fmt.Sprintf("fd %d", *e.FD)}
	for _, word := range []string{e.Peer, e.Loop} {
		if word != "" {
			all = append(all, word)
		}
	}
	return all
}

// life writes which socket of a program the lines below it are about.
func (v *Text) life(e lesson.Event) {
	v.blank()
	v.section = "recap"
	words := lifeWords(e)
	words[0] = v.theme.title.Render(words[0])
	v.wrap(strings.Join(words, " "+v.theme.dot+" "), 2, 4)
}

// lifeWords returns the number of a life, what lives, and by whose hand.
func lifeWords(e lesson.Event) []string {
	all := []string{fmt.Sprintf("life %d", e.Connection), fmt.Sprintf("fd %d of %s %d", *e.FD, e.Process, e.PID)}
	if e.Thread != 0 {
		all[1] += fmt.Sprintf(", thread %d", e.Thread)
	}
	for _, word := range []string{e.Value, e.Peer} {
		if word != "" {
			all = append(all, word)
		}
	}
	return all
}

// request writes a request and its answer.
func (v *Text) request(e lesson.Event) {
	style := v.theme.good
	if e.Status >= 400 {
		style = v.theme.bad
	}
	v.section = ""
	v.wrap(v.theme.arrow+" "+v.theme.strong.Render(e.Request)+"  "+style.Render(e.Value)+", "+lesson.Counted(e.Length, "byte")+" of content", 4, 6)
	v.markdown(e.Text, 6)
}

// load writes nothing: the numbers of every second are the line at the bottom of a
// terminal (Load), and would drown the story anywhere else.
func (v *Text) load(lesson.Event) {}

func (v *Text) end(e lesson.Event) {
	v.blank()
	v.markdown(e.Text, 2)
}
