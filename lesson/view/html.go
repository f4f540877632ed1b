package view

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"regexp"
	"strconv"
	"sync"

	"github.com/yuin/goldmark"

	"fd3/lesson"
	"fd3/lesson/drawing"
)

// NewHTML returns a Document that is one HTML page. The page loads nothing and runs
// nothing, and its policy (CSP) forbids both.
func NewHTML(w io.Writer, h Head) *Document { return newDocument(&htmlSheet{w: w}, h) }

type htmlSheet struct {
	w   io.Writer
	err error // the first of w
}

var (
	//go:embed handout.html
	handoutHTML string
	//go:embed handout.css
	handoutCSS string

	// handout is read when the first page is made: a command that makes none is to be quick.
	handout = sync.OnceValue(func() *template.Template {
		return template.Must(template.New("handout").Funcs(template.FuncMap{
			"markdown": toHTML,
			"inline":   toInline,
			"breaks":   breaks,
			"who":      who,
			"made":     made,
			"hex":      func(e lesson.Event, s lesson.Span) string { return hexOf(e.Data[s.Start:s.End], maxHex, "…") },
		}).Parse(handoutHTML))
	})
)

func (h *htmlSheet) write(name string, data any) {
	if h.err == nil {
		h.err = handout().ExecuteTemplate(h.w, name, data)
	}
}

func (h *htmlSheet) begin(head Head, machine []lesson.Event) {
	styles := hashed(handoutCSS) + " " + hashed(drawing.Style)
	h.write("begin", struct {
		Title, Date, Styles string
		Style               template.CSS
		Machine             []lesson.Event
		Contents            []Entry
	}{
		head.Title, head.Made.Format(dateFormat), styles,
		template.CSS(handoutCSS), machine, head.Contents,
	})
}

// hashed is a style sheet as the policy of a page names it.
func hashed(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (h *htmlSheet) lesson(id, title, asks string) {
	h.write("lesson", struct{ ID, Title, Asks string }{id, title, asks})
}

func (h *htmlSheet) heading(level int, words string) {
	h.write("heading"+strconv.Itoa(level), words)
}

func (h *htmlSheet) prose(markdown string)      { h.write("prose", markdown) }
func (h *htmlSheet) aside(words string)         { h.write("aside", words) }
func (h *htmlSheet) choices(all []lesson.Event) { h.write("choices", all) }
func (h *htmlSheet) answer(markdown string)     { h.write("answer", markdown) }
func (h *htmlSheet) whole(heading, markdown string) {
	h.write("whole", struct{ Heading, Text string }{heading, markdown})
}
func (h *htmlSheet) blank(words string)       { h.write("blank", words) }
func (h *htmlSheet) calls(all []lesson.Event) { h.write("calls", all) }
func (h *htmlSheet) facts(all []lesson.Event) { h.write("facts", all) }
func (h *htmlSheet) bytes(e lesson.Event)     { h.write("bytes", e) }

func (h *htmlSheet) end() error {
	h.write("end", nil)
	return h.err
}

var lineBreaks = regexp.MustCompile(`[/._]+`)

// breaks renders a text that may go on in the next line after each of these signs, as
// paths and names of settings do.
func breaks(s string) template.HTML {
	return template.HTML(lineBreaks.ReplaceAllString(template.HTMLEscapeString(s), "$0<wbr>"))
}

// toHTML renders Markdown. HTML in it is left out, and so is a link that runs
// something: those are goldmark's defaults.
func toHTML(markdown string) (template.HTML, error) {
	var out bytes.Buffer
	err := goldmark.Convert([]byte(markdown), &out)
	return template.HTML(out.String()), err
}

// toInline renders one paragraph of Markdown without being one.
func toInline(markdown string) (template.HTML, error) {
	text, err := toHTML(markdown)
	inside := bytes.TrimSpace([]byte(text))
	inside = bytes.TrimSuffix(bytes.TrimPrefix(inside, []byte("<p>")), []byte("</p>"))
	return template.HTML(inside), err
}
