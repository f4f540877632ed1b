package view

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"html/template"
	"io"
	"strings"
	"testing"
	"time"

	"fd3/lesson"
)

// evil is what another program may have chosen as its name, or a path.
const evil = "<script>alert(1)</script> `x` ``y`` [a](javascript:b) | \"&amp;\x1b[2J\n# no heading"

// handoutEvents are a lesson with something evil wherever a value can stand.
func handoutEvents() []lesson.Event {
	return []lesson.Event{
		{Kind: lesson.KindLesson, Step: "listen", Title: "listen: " + evil, Text: "What is *pending*?"},
		{Kind: lesson.KindText, Section: "question", Text: "The **question**.\n\n    listen(fd, 5);"},
		{Kind: lesson.KindText, Section: "predict", Title: "a call <b>", Text: "What happens?"},
		{Kind: lesson.KindChoice, Name: "waits", Text: "It waits."},
		{Kind: lesson.KindChoice, Name: "returns", Text: "It `returns`."},
		{Kind: lesson.KindText, Section: "experiment", Text: "Look."},
		{Kind: lesson.KindText, Section: "step", Text: "First."},
		{Kind: lesson.KindEnter, Process: "server", PID: 42, Strace: "accept4(3, "},
		{Kind: lesson.KindEvidence, Fact: evil, Value: evil, Source: evil, Command: evil, Text: "A *note*.", Have: 2, Full: 5},
		{Kind: lesson.KindReturn, Process: "server", PID: 42, Strace: "accept4(3, \"" + evil + "\") = -1", Errno: 4, Took: "4 µs"},
		{Kind: lesson.KindEnter, Process: "server", PID: 42, Strace: "write(4, \"\", 0) = ?", Result: "?"},
		{Kind: lesson.KindBytes, Title: evil, Data: []byte(strings.Repeat("x", 100)), Spans: []lesson.Span{{Name: evil, Value: evil, Start: 0, End: 100}}},
		{Kind: lesson.KindBytes, Title: "a message", Data: []byte("GET\r\n" + strings.Repeat("y", 100))},
		{Kind: lesson.KindVerdict, Name: "returns", Title: "It `returns`.", Text: "The verdict."},
		{Kind: lesson.KindText, Section: "blank", Text: "What does <it> say?"},
		{Kind: lesson.KindText, Section: "exercise", Text: "Do it."},
		{Kind: lesson.KindText, Section: "explain", Title: "a call", Text: "Because."},
		{Kind: lesson.KindText, Section: "recap", Text: "- one\n- two"},
		{Kind: lesson.KindText, Section: "answer", Text: "**It waits.**\n\nIt need not."},
		{Kind: lesson.KindText, Section: "hint", Text: "The first hint."},
		{Kind: lesson.KindText, Section: "hint", Text: "The second hint."},
	}
}

func document(t *testing.T, form func(io.Writer, Head) *Document) string {
	t.Helper()
	var out bytes.Buffer
	d := form(&out, Head{Title: evil, Made: time.Unix(0, 0).UTC(), Machine: []lesson.Evidence{{Fact: "kernel", Value: evil, Source: "uname(2)"}},
		Contents: []Entry{{"listen", "listen: " + evil}, {"accept", "accept"}}})
	for _, e := range handoutEvents() {
		if err := d.Show(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// inOrder tells the first of the words that does not come after the one before it.
func inOrder(text string, words ...string) string {
	for _, w := range words {
		i := strings.Index(text, w)
		if i < 0 {
			return w
		}
		text = text[i+len(w):]
	}
	return ""
}

var parts = []string{"1 January 1970", "kernel", "The question", "What do you think? A call", "It waits.", "The experiment", "accept4(3, ...  (it waits)", ", 0) = ?  (it never returned)", "The bytes", "The bytes: a message", "GET\\r\\nyyy", "The answer", "The verdict.", "What does", "it", "say?", "Your turn", "Why: a call", "To keep", "To the other answers", "It waits.", "It need not.", "Hints", "Hint 1", "The first hint.", "Hint 2", "The second hint."}

func TestMarkdownDocument(t *testing.T) {
	text := document(t, NewMarkdown)
	if missing := inOrder(text, parts...); missing != "" {
		t.Errorf("%q is not there, or not where it belongs:\n%s", missing, text)
	}
	// Rendered, the values are as they were: no markup of theirs.
	html, err := toHTML(text)
	if err != nil {
		t.Fatal(err)
	}
	tags := elements(t, "<body>"+string(html)+"</body>")
	if tags["script"]+tags["a"] > 0 || tags["h1"] != 1 || tags["h2"] != 1 || tags["em"] != 2 {
		t.Errorf("%v in\n%s", tags, html)
	}
	if strings.Contains(string(html), "raw HTML omitted") || strings.ContainsRune(text, 0x1b) {
		t.Errorf("a value is read as HTML, or as an order to a terminal:\n%s", text)
	}
}

func TestHTMLDocument(t *testing.T) {
	text := document(t, NewHTML)
	if missing := inOrder(text, parts...); missing != "" {
		t.Errorf("%q is not there, or not where it belongs:\n%s", missing, text)
	}
	tags := elements(t, text)
	if tags["script"] > 0 || tags["link"]+tags["img"] > 0 || tags["a"] != 2 || tags["h1"] != 1 || tags["h2"] != 1 || tags["meter"] != 1 || tags["table"] != 3 || tags["section"] != 3 {
		t.Errorf("%v", tags)
	}
	for _, never := range []string{"<script", "javascript:", "http:", "https:", "url(", "@import", "\x1b", "ZgotmplZ"} {
		if strings.Contains(strings.ReplaceAll(text, "](javascript:b)", ""), never) {
			t.Errorf("%q in the page", never)
		}
	}
	for _, want := range []string{"default-src 'none'", `lang="en"`, "@media print", "prefers-color-scheme: dark"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
}

// A narrow column breaks a path between its words, not within one.
func TestLineBreaks(t *testing.T) {
	if got, want := breaks("sysctl net.core <b>/proc/a_b"), template.HTML("sysctl net.<wbr>core &lt;b&gt;/<wbr>proc/<wbr>a_<wbr>b"); got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

// elements counts the elements of a page, and fails if they are not well nested.
func elements(t *testing.T, text string) map[string]int {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	count := make(map[string]int)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return count
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if e, ok := token.(xml.StartElement); ok {
			count[e.Name.Local]++
		}
	}
}

// The style is the one that the policy allows.
func TestHTMLStyleIsAllowed(t *testing.T) {
	text := document(t, NewHTML)
	_, style, _ := strings.Cut(text, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	if style != handoutCSS {
		t.Error("the template has changed the style, so its hash is wrong")
	}
}

func TestDocumentKeepsTheFirstError(t *testing.T) {
	for _, form := range []func(io.Writer, Head) *Document{NewMarkdown, NewHTML} {
		if err := form(closedPipe{}, Head{}).End(); err == nil {
			t.Error("a writer that fails goes unnoticed")
		}
	}
}

func TestCodeSpans(t *testing.T) {
	for in, want := range map[string]string{"": "", "a": "`a`", "a`b": "``a`b``", "`": "`` ` ``", "a\nb": "`a b`"} {
		if got := code(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}

func TestLessonsAreListed(t *testing.T) {
	var out bytes.Buffer
	show := Lessons(&out, Look{Width: 80})
	ids := []string{"fd", "listen"}
	show(lesson.Event{Kind: lesson.KindLesson, Step: "fd", Title: "fd: a number", Text: "What is a descriptor?", Value: "finished", Life: ids})
	show(lesson.Event{Kind: lesson.KindLesson, Step: "listen", Title: "listen: who waits", Text: "What is `pending`?", Life: ids})
	want := " 1  fd         a number  (finished)\n               What is a descriptor?\n\n 2  listen     who waits\n               What is `pending`?\n"
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}

// A Cast is a line of JSON for the header and one for each event. A character that
// comes in two writes stays one.
func TestCast(t *testing.T) {
	var out bytes.Buffer
	c, err := NewCast(&out, 80, 24, "title", "xterm")
	if err != nil {
		t.Fatal(err)
	}
	arrow := []byte("→")
	for _, p := range [][]byte{[]byte("a\r\n"), arrow[:1], arrow[1:2], append(arrow[2:3:3], "b\x1b[1m\xff"...)} {
		if n, err := c.Write(p); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := errors.Join(c.Mark("listen: step"), c.Resize(100, 30)); err != nil || c.Marks() != 1 {
		t.Fatal(err, c.Marks())
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	var header castHeader
	if err := json.Unmarshal([]byte(lines[0]), &header); err != nil || header.Version != 2 || header.Width != 80 || header.Height != 24 || header.Timestamp == 0 || header.Env["TERM"] != "xterm" {
		t.Errorf("%v in %s", err, lines[0])
	}
	want := [][2]string{{"o", "a\r\n"}, {"o", "→b\x1b[1m\ufffd"}, {"m", "listen: step"}, {"r", "100x30"}}
	if len(lines) != len(want)+1 {
		t.Fatalf("%q", lines)
	}
	last := 0.0
	for i, line := range lines[1:] {
		var event [3]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		at := event[0].(float64)
		if at < last || event[1] != want[i][0] || event[2] != want[i][1] {
			t.Errorf("%s, not %q", line, want[i])
		}
		last = at
	}
}
