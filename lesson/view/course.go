package view

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
)

// courseHeadings has the words over the parts of a lesson. A step has none.
var courseHeadings = map[string]string{
	"step":       "",
	"question":   "THE QUESTION",
	"predict":    "WHAT DO YOU THINK",
	"experiment": "THE EXPERIMENT",
	"recall":     "DO YOU REMEMBER",
	"recalled":   "WHAT WAS THE ANSWER",
	"observe":    "WHAT DO YOU READ",
	"observed":   "WHAT THERE WAS TO READ",
	"whatif":     "WHAT IF",
	"outcome":    "WHAT CAME OUT",
	"explain":    "WHY",
	"exercise":   "YOUR TURN",
	"hint":       "HINT",
	"done":       "DONE",
	"recap":      "TO KEEP",
	"references": "WHERE IT IS WRITTEN",
	"failed":     "NOT POSSIBLE HERE",
	"answer":     "THE OTHER ANSWERS",
}

// lesson writes the title of a lesson and its place in the course. Its question follows
// as a part.
func (v *Text) lesson(e lesson.Event) {
	v.blank()
	v.section = ""
	title := strings.Repeat(v.theme.rule, 2) + " " + v.theme.title.Render(e.Title) + " "
	v.line(title + v.theme.line.Render(strings.Repeat(v.theme.rule, max(v.look.Width-ansi.StringWidth(title), 2))))
	for i, id := range e.Life {
		if id == e.Step {
			v.wrap(v.theme.dim.Render(fmt.Sprintf("lesson %d of %d: %s", i+1, len(e.Life), id)), 3, 3)
		}
	}
}

// part writes the words of a part of a lesson.
func (v *Text) part(e lesson.Event) {
	switch e.Section {
	case "step":
		v.blank()
		v.section = "step"
		v.markdown(e.Text, 2)
		return
	case "failed":
		v.titled(courseHeadings[e.Section], v.theme.bad)
	case "answer": // several stand under one heading
		if v.section == e.Section {
			v.blank()
			break
		}
		v.titled(courseHeadings[e.Section], v.theme.heading)
	default:
		v.titled(courseHeadings[e.Section], v.theme.heading)
	}
	v.section = e.Section
	v.markdown(e.Text, 2)
}

// titled opens a part with a heading, with a blank line before it.
func (v *Text) titled(words string, style lipgloss.Style) {
	v.blank()
	v.line("  " + style.Render(words))
}

// setup writes calls that are told in short.
func (v *Text) setup(e lesson.Event) {
	v.space()
	v.wrap(v.theme.dim.Render(v.theme.dot+" "+e.Text), 2, 4)
}

// choice writes one answer that may be predicted.
func (v *Text) choice(e lesson.Event) {
	if v.section != "choice" {
		v.blank()
		v.section, v.choices = "choice", 0
	}
	v.choices++
	v.marked(fmt.Sprintf("%d ", v.choices), e.Text, 4)
}

// verdict writes the kernel's answer, and the prediction.
func (v *Text) verdict(e lesson.Event) {
	v.titled("THE ANSWER", v.theme.heading)
	v.section = "verdict"
	if e.Title != "" {
		v.marked(v.theme.arrow+" ", "**"+strings.TrimSpace(e.Title)+"**", 2)
	}
	switch {
	case e.Predicted == "":
	case e.Right:
		v.markdown("You said the same.", 2+len([]rune(v.theme.arrow))+1)
	default:
		v.markdown("You said: "+e.Value, 2+len([]rune(v.theme.arrow))+1)
	}
	if e.Text != "" {
		if e.Title != "" {
			v.blank()
		}
		v.markdown(e.Text, 2)
	}
}

// marked writes a paragraph that hangs behind a mark.
func (v *Text) marked(mark, text string, indent int) {
	width := len([]rune(mark))
	for _, p := range v.theme.markdown(text, v.look.Colour) {
		v.hang(v.theme.strong.Render(mark), p.text, indent, width)
		mark = strings.Repeat(" ", width)
	}
}

// bar returns a bar that shows how much of something there is.
func (v *Text) bar(have, full int64) string { return v.theme.gauge(have, full, 24) }
