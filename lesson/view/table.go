package view

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
	tables "github.com/yuin/goldmark/extension/ast"
)

// A table is the cells of a table of Markdown, rendered, row by row. The first row is the
// heads of the columns.
type table [][]string

// table renders the cells of a table.
func (t theme) table(of *tables.Table, source []byte, colour bool) (rows table) {
	for row := of.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, t.inline(c, source, colour))
		}
		rows = append(rows, cells)
	}
	return rows
}

// told returns each row in a line: each cell behind the head of its column. One with
// nothing in it is left out.
func (rows table) told() (all []string) {
	for _, row := range rows[1:] {
		var cells []string
		for i, text := range row {
			if text != "" {
				cells = append(cells, rows[0][i]+": "+text)
			}
		}
		all = append(all, strings.Join(cells, "; "))
	}
	return all
}

// apart is how many columns of cells part two columns of a table.
const apart = 2

// widths returns how wide the columns of a table are in so many columns of cells, and
// whether there is room. Where it is short, the widest column is broken into lines.
func (rows table) widths(room int) (all []int, fits bool) {
	all = make([]int, len(rows[0]))
	widest, total := 0, -apart
	for i := range all {
		for _, row := range rows {
			all[i] = max(all[i], ansi.StringWidth(row[i]))
		}
		total += all[i] + apart
		if all[i] > all[widest] {
			widest = i
		}
	}
	const least = 20 // of a column that is broken: no more than words of its own would be left
	if total > room {
		all[widest] -= total - room
	}
	return all, total <= room || all[widest] >= least
}

// table draws a table, or tells it row by row where a reader does not see it, or there is
// no room.
func (v *Text) table(rows table, indent int) {
	widths, fits := rows.widths(min(v.look.Width-indent, maxProse))
	if v.look.Words || !fits {
		for _, told := range rows.told() {
			v.hang("- ", told, indent, 2)
		}
		return
	}
	for y, row := range rows {
		cells, height := make([][]string, len(row)), 0
		for i, text := range row {
			if y == 0 {
				text = v.theme.strong.Render(text)
			}
			cells[i] = lines(text, widths[i])
			height = max(height, len(cells[i]))
		}
		for n := range height {
			line := strings.Repeat(" ", indent)
			for i, cell := range cells {
				text := ""
				if n < len(cell) {
					text = cell[n]
				}
				line += pad(text, widths[i]+apart)
			}
			v.line(strings.TrimRight(line, " "))
		}
	}
}
