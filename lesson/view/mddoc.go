package view

import (
	"fmt"
	"io"
	"strings"

	"fd3/lesson"
)

// NewMarkdown returns a Document in Markdown (CommonMark).
func NewMarkdown(w io.Writer, h Head) *Document { return newDocument(&markdownSheet{w: w}, h) }

type markdownSheet struct {
	w   io.Writer
	err error // the first of w
}

func (m *markdownSheet) printf(format string, args ...any) {
	if m.err == nil {
		_, m.err = fmt.Fprintf(m.w, format, args...)
	}
}

func (m *markdownSheet) begin(h Head, machine []lesson.Event) {
	m.printf("# %s\n\nMade on %s, by asking this kernel:\n\n", literal(h.Title), h.Made.Format(dateFormat))
	for _, e := range machine {
		m.fact(e)
	}
	if len(h.Contents) > 1 {
		m.printf("\n")
		for i, entry := range h.Contents {
			m.printf("%d. %s\n", i+1, literal(entry.Title))
		}
	}
}

// dateFormat is that of a handout.
const dateFormat = "2 January 2006, 15:04 MST"

func (m *markdownSheet) lesson(_, title, asks string) {
	m.heading(2, title)
	m.prose(asks)
}

func (m *markdownSheet) heading(level int, words string) {
	m.printf("\n%s %s\n", strings.Repeat("#", level), literal(words))
}

func (m *markdownSheet) prose(markdown string) { m.printf("\n%s\n", markdown) }

func (m *markdownSheet) aside(words string) { m.printf("\n%s\n", literal(words)) }

func (m *markdownSheet) choices(all []lesson.Event) {
	m.printf("\n")
	for i, e := range all {
		m.printf("%d. %s\n", i+1, indented(e.Text, 3))
	}
}

func (m *markdownSheet) answer(markdown string) {
	m.printf("\n> %s\n", strings.Join(strings.Fields(markdown), " "))
}

func (m *markdownSheet) whole(heading, markdown string) {
	if heading != "" {
		m.heading(4, heading)
	}
	m.prose(markdown)
}

func (m *markdownSheet) blank(words string) {
	m.printf("\n%s %s\n", literal(words), strings.Repeat(`\_`, 40))
}

func (m *markdownSheet) calls(all []lesson.Event) {
	var lines []string
	for _, e := range all {
		lines = append(lines, strings.TrimRight(who(e)+": "+made(e), " "))
	}
	m.block(strings.Join(lines, "\n"))
}

// block writes a code block.
func (m *markdownSheet) block(text string) {
	fence := strings.Repeat("`", max(longestRun(text, '`')+1, 3))
	m.printf("\n%stext\n%s\n%s\n", fence, text, fence)
}

// who returns the process of a call.
func who(e lesson.Event) string { return strings.TrimSpace(fmt.Sprintf("%s %d", e.Process, e.PID)) }

// made returns a call as strace prints it, with its time and its note. A call that the
// process did not survive has the result "?".
func made(e lesson.Event) string {
	switch {
	case e.Kind == lesson.KindEnter && e.Result != "":
		return oneLine(e.Strace) + "  (it never returned)"
	case e.Kind == lesson.KindEnter:
		return oneLine(e.Strace) + "...  (it waits)"
	}
	note := e.Took
	if rest := strings.TrimPrefix(strings.TrimPrefix(e.Text, e.Took), ", "); rest != "" {
		note = strings.TrimPrefix(note+", ", ", ") + plainText(rest)
	}
	if note == "" {
		return oneLine(e.Strace)
	}
	return oneLine(e.Strace) + "  (" + note + ")"
}

func (m *markdownSheet) facts(all []lesson.Event) {
	m.printf("\n")
	for _, e := range all {
		m.fact(e)
	}
}

func (m *markdownSheet) fact(e lesson.Event) {
	m.printf("- **%s**: %s", literal(e.Fact), code(e.Value))
	if e.Source != "" {
		m.printf("\n  (read from %s", code(e.Source))
		if e.Command != "" {
			m.printf("; the same: %s", code(e.Command))
		}
		m.printf(")")
	}
	m.printf("\n")
	if e.Text != "" {
		m.printf("\n  %s\n", indented(e.Text, 2))
	}
}

func (m *markdownSheet) bytes(e lesson.Event) {
	m.printf("\nThe bytes: %s\n\n", literal(e.Title))
	for _, s := range e.Spans {
		m.printf("- %d: %s %s %s\n", s.Start, code(hexOf(e.Data[s.Start:s.End], maxHex, "...")), literal(s.Name), code(s.Value))
	}
	if e.Text != "" {
		m.prose(e.Text)
	}
}

// maxHex is how many bytes of one token a document shows.
const maxHex = 32

func (m *markdownSheet) end() error { return m.err }

// literal returns Markdown that shows a text as it is.
func literal(s string) string {
	var out strings.Builder
	for _, r := range oneLine(s) {
		if strings.ContainsRune("\\`*_[]<>#&|~!", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// code returns a code span, between more backticks than are in it.
func code(s string) string {
	if s = oneLine(s); s == "" {
		return ""
	}
	ticks := strings.Repeat("`", longestRun(s, '`')+1)
	if s[0] == '`' || s[len(s)-1] == '`' {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

func longestRun(s string, of rune) int {
	longest, run := 0, 0
	for _, r := range s {
		if run++; r != of {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// indented puts the lines after the first below an item of a list.
func indented(s string, columns int) string {
	return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n"+strings.Repeat(" ", columns))
}
