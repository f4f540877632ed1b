package drawing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
)

// Lives are the calls of several programs, a step a row. Each program has a column where
// there is room, else lines of its own in each row.
type Lives struct{ lesson.Lives }

// NewLives returns the drawing of lives.
func NewLives(l lesson.Lives) Lives { return Lives{l} }

// Cells draws the Lives in lines of a terminal.
func (l Lives) Cells(room Room, ascii bool) [][]Span {
	var all [][]Span
	for _, row := range l.grid(room).rows {
		all = append(all, spans(row, ascii))
	}
	return all
}

// SVG draws the Lives as SVG.
func (l Lives) SVG(room Room) string {
	return l.grid(room).svg("The calls of "+strings.Join(l.Programs, " and of "), l.Sentences(), nil)
}

const (
	stepColumn = 13 // "epoll_create" fits
	leastCall  = 30 // cells of a program's column

	differs = "≠" // before what is not the same in all
	without = "—" // instead of a call
)

// A piece is text that is broken only where a line has no room for it.
type piece struct {
	text   string
	weight weight
}

// A paragraph of a cell begins on a new line.
type paragraph []piece

// A livesRow is a line or more in which each program has a cell.
type livesRow struct {
	title string        // over it
	step  string        // at its left
	cells [][]paragraph // by program
}

// rows are the Lives from the top.
func (l Lives) rows() (all []livesRow) {
	var names livesRow
	for _, name := range l.Programs {
		names.cells = append(names.cells, []paragraph{broken(name, strong)})
	}
	all = append(all, names)
	for _, g := range l.Groups {
		lives := livesRow{title: g.Title}
		for i, life := range g.Lives {
			switch {
			case g.Rest[i] > 0 && life == "":
				life = lesson.Counted(g.Rest[i], "socket")
			case g.Rest[i] > 0:
				life += fmt.Sprintf(" (and %d more)", g.Rest[i])
			case life == "":
				life = without
			}
			lives.cells = append(lives.cells, []paragraph{broken(life, faint)})
		}
		if !g.Lived() {
			lives.cells = nil
		}
		all = append(all, lives)
		for _, r := range g.Rows {
			row := livesRow{step: r.Step}
			for _, c := range r.Calls {
				row.cells = append(row.cells, called(c, !r.All()))
			}
			all = append(all, row)
		}
	}
	return all
}

// called is the cell of a call. Where not every program makes it, it is said what it is for.
func called(c *lesson.LifeCall, explained bool) []paragraph {
	if c == nil {
		return []paragraph{{{without, faint}}}
	}
	made := compared(c.Name+"(", c.Differs)
	for i, a := range c.Args {
		if i > 0 {
			made[len(made)-1].text += ","
			made = append(made, piece{" ", normal})
		}
		made = append(made, compared(a.Value, a.Differs)...)
	}
	made[len(made)-1].text += ")"
	made = append(append(made, broken(" = ", normal)...), compared(c.Result, c.EndsOtherwise)...)
	all := []paragraph{made}
	if c.Times > 1 {
		all = append(all, broken(fmt.Sprintf("and %s", lesson.Counted(c.Times-1, "more such call")), faint))
	}
	if c.Fact != "" {
		all = append(all, broken(c.Fact, faint))
	}
	if c.Note != "" && explained {
		all = append(all, broken(strings.ReplaceAll(c.Note, "`", ""), faint))
	}
	return all
}

// broken is a text that may be broken at blanks, and behind a bar.
func broken(text string, w weight) (all paragraph) {
	text = strings.ReplaceAll(text, "\n", " ")
	for text != "" {
		n := strings.IndexAny(text, " |")
		switch {
		case n < 0:
			n = len(text)
		case n == 0 || text[n] == '|':
			n++
		}
		all = append(all, piece{text[:n], w})
		text = text[n:]
	}
	return all
}

// compared is a part of a call; what is not the same in all stands out.
func compared(text string, differ bool) paragraph {
	if differ {
		return broken(differs+text, strong)
	}
	return broken(text, normal)
}

// lines breaks a paragraph.
func (p paragraph) lines(width int) (all [][]piece) {
	var line []piece
	room := width
	flush := func() { all, line, room = append(all, line), nil, width }
	for _, x := range p {
		n := ansi.StringWidth(x.text)
		if x.text == " " && (n > room || len(line) == 0) {
			continue
		}
		if n > room && len(line) > 0 {
			flush()
		}
		for ; n > room; n = ansi.StringWidth(x.text) {
			line = append(line, piece{ansi.Truncate(x.text, room, ""), x.weight})
			x.text = ansi.TruncateLeft(x.text, room, "")
			flush()
		}
		line, room = append(line, x), room-n
	}
	if len(line) > 0 {
		flush()
	}
	return all
}

func (l Lives) grid(room Room) *grid {
	columns := max(room.Columns, Narrowest)
	g := newGrid(columns, 0)
	width := (columns-stepColumn)/max(len(l.Programs), 1) - 2
	for _, r := range l.rows() {
		if r.title != "" {
			g.rows = append(g.rows, make([]cell, columns), make([]cell, columns))
			g.put(0, len(g.rows)-1, strings.ToUpper(r.title), strong)
		}
		if width >= leastCall {
			r.beside(g, width)
		} else {
			r.below(g, l.Programs)
		}
	}
	if legend := l.legend(width >= leastCall); legend != "" {
		g.write(0, len(g.rows)+1, columns, broken(legend, faint))
	}
	return g
}

// legend says what the signs mean that are there.
func (l Lives) legend(columns bool) string {
	var marked, none bool
	for _, g := range l.Groups {
		for _, r := range g.Rows {
			for _, c := range r.Calls {
				none = none || c == nil
				marked = marked || c != nil && (c.Differs || c.EndsOtherwise || slices.ContainsFunc(c.Args, func(a lesson.LifeArg) bool { return a.Differs }))
			}
		}
	}
	var all []string
	if marked {
		all = append(all, differs+" stands before a call's name, an argument or an error that is not the same in all. "+
			"Not compared: descriptors, pointers, what the kernel has filled in or returned, how often, and calls that only ask.")
	}
	switch {
	case none && columns:
		all = append(all, without+" no such call.")
	case none:
		all = append(all, "Who is not named makes no such call.")
	}
	return strings.Join(all, " ")
}

// write writes a paragraph from a row on, and returns the row after it.
func (g *grid) write(x, y, width int, p paragraph) int {
	for _, line := range p.lines(width) {
		for len(g.rows) <= y {
			g.rows = append(g.rows, make([]cell, g.columns))
		}
		at := x
		for _, piece := range line {
			g.put(at, y, piece.text, piece.weight)
			at += ansi.StringWidth(piece.text)
		}
		y++
	}
	return y
}

// beside draws a row with the cells in columns.
func (r livesRow) beside(g *grid, width int) {
	top := len(g.rows)
	g.write(0, top, stepColumn, broken(r.step, normal))
	for i, cell := range r.cells {
		y := top
		for _, p := range cell {
			y = g.write(stepColumn+i*(width+2), y, width, p)
		}
	}
}

// shortened are the names of the programs, short enough for a column: with a number where
// they would be the same.
func shortened(programs []string) (all []string, width int) {
	const most = 16
	same := make(map[string]bool)
	for _, name := range programs {
		short := ansi.Truncate(name, most, "…")
		if same[short] {
			all = nil
			break
		}
		same[short] = true
		all = append(all, short)
	}
	if all == nil {
		for i, name := range programs {
			all = append(all, ansi.Truncate(fmt.Sprintf("%d %s", i+1, name), most, "…"))
		}
	}
	for _, label := range all {
		width = max(width, ansi.StringWidth(label))
	}
	return all, width
}

// below draws a row with a cell below the other, each behind the name of its program.
func (r livesRow) below(g *grid, programs []string) {
	const indent = 2
	labels, column := shortened(programs)
	g.write(0, len(g.rows), g.columns, broken(r.step, strong))
	for i, cell := range r.cells {
		if cell[0][0].text == without || r.title == "" && r.step == "" && labels[i] == programs[i] {
			continue // it makes no such call; its name is whole in each row
		}
		y := len(g.rows)
		g.write(indent, y, column, paragraph{{labels[i], faint}})
		for _, p := range cell {
			y = g.write(indent+column+2, y, g.columns-indent-column-2, p)
		}
	}
}

// Sentences tells the Lives for a reader who does not see them.
func (l Lives) Sentences() (all []string) {
	for _, r := range l.rows() {
		if r.title != "" {
			all = append(all, strings.ToUpper(r.title[:1])+r.title[1:]+".")
		}
		if r.title == "" && r.step == "" {
			continue
		}
		for i, cell := range r.cells {
			var text strings.Builder
			for n, p := range cell {
				if n > 0 {
					text.WriteString("; ")
				}
				for _, x := range p {
					text.WriteString(x.text)
				}
			}
			said := strings.ReplaceAll(text.String(), differs, "(differs) ")
			if said == without {
				said = "none"
			}
			all = append(all, harmless(strings.TrimPrefix(fmt.Sprintf("%s, %s: %s.", r.step, l.Programs[i], said), ", ")))
		}
	}
	return all
}
