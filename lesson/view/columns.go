package view

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A List is words below a heading.
type List struct {
	Heading string
	Words   []string
}

// Columns writes lists, each in as many columns as fit, to be read downwards.
func Columns(w io.Writer, l Look, lists ...List) error {
	const indent, gap = 2, 2
	var out strings.Builder
	for i, list := range lists {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(newTheme(l).heading.Render(list.Heading) + "\n")
		widest := 0
		for _, word := range list.Words {
			widest = max(widest, utf8.RuneCountInString(word))
		}
		columns := max((l.Width-indent+gap)/(widest+gap), 1)
		rows := (len(list.Words) + columns - 1) / columns
		for row := range rows {
			line := strings.Repeat(" ", indent)
			for i := row; i < len(list.Words); i += rows {
				line += fmt.Sprintf("%-*s", widest+gap, list.Words[i])
			}
			out.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}
