package page

import (
	"fmt"
	"strings"
)

// width is how many columns the text pages take at most.
const width = 80

// columns is how many columns a terminal may take for a text. Wide characters
// begin with the Hangul Jamo; counting too many does no harm here.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 {
			n++
		}
	}
	return n
}

// fold breaks the lines that are too long. A paragraph is one line in a
// template; its indentation goes on.
func fold(text string) string {
	var b strings.Builder
	for line := range strings.Lines(together.Replace(text)) {
		line = strings.TrimRight(line, " \n")
		body := strings.TrimLeft(line, " ")
		indent := len(line) - len(body)
		for row := range strings.SplitSeq(line[:indent]+hang(indent, body), "\n") {
			b.WriteString(strings.TrimRight(row, " "))
			b.WriteByte('\n')
		}
	}
	return apart.Replace(b.String())
}

// A number stays with the word before it, as in RFC 9112 section 5.1.
var (
	together = strings.NewReplacer("RFC ", "RFC\u00a0", "section ", "section\u00a0")
	apart    = strings.NewReplacer("\u00a0", " ")
)

// command breaks a shell command between its words, as a shell reads on.
func command(indent int, s string) string {
	var b strings.Builder
	used := indent
	quoted, escaped := false, false
	word := ""
	put := func() {
		if used+1+len(word)+len(` \`) > width && used > indent {
			b.WriteString(` \`)
			used = newLine(&b, indent+2)
		} else if used > indent {
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += len(word)
		word = ""
	}
	for _, r := range s {
		if r == '\'' && !escaped {
			quoted = !quoted
		}
		escaped = r == '\\' && !quoted && !escaped
		if r == ' ' && !quoted {
			put()
			continue
		}
		word += string(r)
	}
	put()
	return b.String()
}

// hang breaks a text that starts in the given column. Its further lines start
// there too. A word that fits no line is broken anywhere.
func hang(indent int, s string) string {
	var b strings.Builder
	used := indent
	for i, word := range strings.Split(s, " ") {
		need := columns(word)
		if i > 0 {
			if used+1+need <= width {
				b.WriteByte(' ')
				used++
			} else if used > indent {
				used = newLine(&b, indent)
			}
		}
		for used+need > width {
			part := prefix(word, width-used)
			b.WriteString(part)
			word = word[len(part):]
			need -= columns(part)
			used = newLine(&b, indent)
		}
		b.WriteString(word)
		used += need
	}
	return b.String()
}

func newLine(b *strings.Builder, indent int) int {
	b.WriteByte('\n')
	b.WriteString(strings.Repeat(" ", indent))
	return indent
}

// prefix is what of s takes at most n columns.
func prefix(s string, n int) string {
	for i, r := range s {
		if n -= columns(string(r)); n < 0 {
			return s[:i]
		}
	}
	return s
}

// gutter is how wide the offsets left of bytes are.
const gutter = 8

// rows draws a line of a message: its offset, its bytes, and a note where a
// receive begins. Under the byte at mark stands an arrow with the label.
func rows(l line, received []int, mark int, label string) string {
	var b strings.Builder
	used := width // no row is open
	arrow := -1   // the column of the arrow that comes under the open row
	end := func() {
		if arrow >= 0 {
			text := "^ " + label
			if arrow+len(text) > width {
				text = label + " ^"
				arrow -= len(text) - 1
			}
			fmt.Fprintf(&b, "\n%s%s", strings.Repeat(" ", arrow), text)
			arrow = -1
		}
	}
	open := func(at int) {
		end()
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%*d  ", gutter-2, at)
		used = gutter
	}
	for _, p := range l.Pieces {
		at := p.Start
		if p.Receive > 0 {
			end()
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%*s-- receive %d: %s --", gutter, "", p.Receive, count(received[p.Receive-1], "byte"))
			used = width
		}
		text := p.Text
		for first := true; text != "" || first; first = false {
			one := octetPrefix(text)
			if used+max(len(one), 1) > width {
				open(at)
			}
			if at == mark {
				arrow = used
			}
			b.WriteString(one)
			used += len(one)
			text = text[len(one):]
			at++
		}
	}
	end()
	return b.String()
}

// octetPrefix is the first octet of a text that octets made.
func octetPrefix(s string) string {
	switch {
	case s == "":
		return ""
	case s[0] != '\\':
		return s[:1]
	case s[1] == 'x':
		return s[:4]
	}
	return s[:2]
}

// callouts names the pieces of a line from below, each where it starts. It is
// empty for a line that takes more than one row.
func callouts(l line) string {
	type callout struct {
		column int
		name   string
	}
	var all []callout
	seen := map[string]bool{}
	column := gutter
	for _, p := range l.Pieces {
		if p.Receive > 0 && p.Start > l.Offset {
			return ""
		}
		if p.First && !seen[p.Name] {
			seen[p.Name] = true
			all = append(all, callout{column, p.Name})
		}
		column += len(p.Text)
	}
	if column > width || len(all) == 0 {
		return ""
	}
	var b strings.Builder
	for last := len(all) - 1; last >= 0; last-- {
		row := ""
		for _, c := range all[:last] {
			row += fmt.Sprintf("%*s", c.column-len(row)+1, "|")
		}
		c := all[last]
		if c.column+len(c.name) > width {
			return ""
		}
		b.WriteString(row + strings.Repeat(" ", c.column-len(row)) + c.name)
		if last > 0 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
