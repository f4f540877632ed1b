package view

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/lesson/drawing"
)

// way draws the places on a packet's way, or tells of them in sentences.
func (v *Text) way(e lesson.Event) {
	v.drawn("way", drawing.NewWay(*e.Way), 0)
}

func (d *Document) way(e lesson.Event) {
	d.flush(nil)
	d.sheet.drawing(drawing.NewWay(*e.Way), pageRoom)
}

// widestCode is how many columns the instructions of a program have; what they do stands
// beside them.
const widestCode = 36

// program writes the instructions of a program, and what they do beside them, or below
// where there is no room.
func (v *Text) program(e lesson.Event) {
	v.blank()
	v.section = "program"
	p := e.Program
	v.line("  " + v.theme.heading.Render(e.Title))
	if p.How != "" {
		v.wrap(v.theme.dim.Render(p.How), 4, 4)
	}
	width := 0
	for _, l := range p.Lines {
		width = max(width, min(ansi.StringWidth(l.Code), widestCode))
	}
	for _, l := range p.Lines {
		code := v.theme.code.Render(l.Code)
		if l.Does == "" {
			v.line("    " + code)
			continue
		}
		column := 4 + width + 2
		if ansi.StringWidth(l.Code) > width || v.look.Width-column < 24 {
			v.line("    " + code)
			v.hang("", v.theme.dim.Render(l.Does), 8, 0)
			continue
		}
		for i, does := range lines(l.Does, v.look.Width-column) {
			if i > 0 {
				code = ""
			}
			v.line("    " + pad(code, width+2) + v.theme.dim.Render(does))
		}
	}
	if p.Refused == "" {
		return
	}
	v.blank()
	v.wrap(v.theme.bad.Render("The kernel refuses it: "+p.Refused+".")+" Its verifier says:", 4, 4)
	for _, l := range p.Log {
		v.wrap(v.theme.code.Render(l), 6, 8)
	}
}

func (d *Document) program(e lesson.Event) {
	p := e.Program
	d.flush(nil)
	d.prose(fmt.Sprintf("**%s** %s", literal(e.Title), literal(p.How)))
	var all strings.Builder
	for _, l := range p.Lines {
		all.WriteString(strings.TrimRight(fmt.Sprintf("%-*s  %s", widestCode, l.Code, l.Does), " ") + "\n")
	}
	d.prose("```\n" + all.String() + "```")
	if p.Refused != "" {
		d.prose("The kernel refuses it: " + literal(p.Refused) + ". Its verifier says:")
		d.prose("```\n" + strings.Join(p.Log, "\n") + "\n```")
	}
}
