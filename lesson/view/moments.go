package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
)

// moments writes the moments of a connection one below the other. Where there is room the
// addresses stand beside them, where there is less their ports alone; and where there is
// little, each moment takes two lines.
func (v *Text) moments(e lesson.Event) {
	v.blank()
	v.section = ""
	v.line("  " + v.theme.heading.Render(e.Title))
	whole, widest := momentRows(e.Moments, true)
	rows := whole
	if widest+2 > v.columns {
		rows, widest = momentRows(e.Moments, false)
	}
	for _, row := range rows {
		text := "  " + v.theme.dim.Render(row.after) + v.theme.strong.Render(row.what)
		if widest+2 > v.columns {
			v.line(text)
			text = strings.Repeat(" ", 2+ansi.StringWidth(row.after))
		}
		v.line(text + row.state + v.theme.dim.Render(row.ends))
	}
}

func (d *Document) moments(e lesson.Event) {
	d.flush(nil)
	d.prose("**" + literal(e.Title) + "**")
	rows, _ := momentRows(e.Moments, true)
	var all strings.Builder
	for _, row := range rows {
		all.WriteString(strings.TrimRight(row.after+row.what+row.state+row.ends, " ") + "\n")
	}
	d.prose("```\n" + all.String() + "```")
}

// A momentRow is a moment in columns, which are as wide in each row.
type momentRow struct{ after, what, state, ends string }

// momentRows puts moments into columns, with whole addresses or with their ports alone, and
// says how wide a row is.
func momentRows(all []lesson.Moment, addresses bool) (rows []momentRow, widest int) {
	for _, m := range all {
		r := momentRow{after: "+" + lesson.Took(time.Duration(m.After)), what: fmt.Sprintf("%-6s %s", m.Host, m.Name), state: m.State}
		if m.To != "" {
			r.state += " to " + m.To
		}
		for _, end := range []string{m.Local, m.Remote} {
			if end == "" {
				continue
			}
			if !addresses {
				end = end[strings.LastIndex(end, ":")+1:]
			}
			r.ends = strings.TrimPrefix(r.ends+" > "+end, " > ")
		}
		rows = append(rows, r)
	}
	for _, column := range []func(*momentRow) *string{
		func(r *momentRow) *string { return &r.after },
		func(r *momentRow) *string { return &r.what },
		func(r *momentRow) *string { return &r.state },
	} {
		width := 0
		for i := range rows {
			width = max(width, ansi.StringWidth(*column(&rows[i])))
		}
		for i := range rows {
			cell := column(&rows[i])
			*cell = pad(*cell, width+2)
		}
	}
	for _, r := range rows {
		widest = max(widest, ansi.StringWidth(r.after+r.what+r.state+r.ends))
	}
	return rows, widest
}
