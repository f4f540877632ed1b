package page

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"fd3/httpmini"
)

// hostile is what might break out of a page, or order a terminal about.
var hostile = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)' x='`,
	"`${alert(1)}`",
	`</style><style>*{display:none}</style>`,
	`</title></code></pre><svg/onload=alert(1)>`,
	`javascript:alert(1)`,
	`//evil.example/`,
	`data:text/html,<script>alert(1)</script>`,
	`{{.PID}}<!--`,
	`]]>&lt;&#60;`,
	"\x1b]0;owned\x07\x1b[31m\x9b31m",
	"\u009b31m \u202egpj.exe \u2028 \ufeff \u00ad",
	"line\r\nSet-Cookie: a=b\nline\x00\x7f\xff\xc3",
	strings.Repeat("a", 300),
	strings.Repeat("a b ", 200) + strings.Repeat("\x01", 100) + strings.Repeat("漢", 100),
}

// pages are all pages with s in every place where a text from outside can be.
func pages(s string, html bool) map[string][]byte {
	all := map[string][]byte{}
	add := func(name string, f func(bool) (string, []byte)) {
		contentType, body := f(html)
		want := "text/plain; charset=utf-8"
		if html {
			want = "text/html; charset=utf-8"
		}
		if contentType != want {
			panic(contentType)
		}
		all[name] = body
	}
	add("error", func(html bool) (string, []byte) { return Error(404, s, s, html) })
	add("fault", Fault{Status: 400, Why: s, Hint: s, Bytes: []byte("GET " + s + "\r\nCookie: " + s), Offset: 4 + len(s)/2}.Page)
	add("cut", Fault{Status: 408, Why: s, Bytes: []byte(s), Offset: len(s)}.Page)
	add("moved", func(html bool) (string, []byte) {
		return Moved(301, string(httpmini.EscapePath(nil, []byte("/"+s+"/"))), html)
	})
	add("listing", func(html bool) (string, []byte) {
		at := time.Date(2026, 11, 21, 15, 2, 3, 0, time.UTC)
		return listing("/"+s+"/", []Entry{{s, true, 0, at}, {s, false, 1 << 40, at}, {s + s, false, 0, time.Time{}}}, true, html)
	})
	v := visit("POST /" + "?x HTTP/1.1\r\nHost: a\r\nX: y\r\nCookie: k\r\nContent-Length: " + fmt.Sprint(len(s)) + "\r\n\r\n" + s)
	fill(reflect.ValueOf(&v).Elem(), s)
	add("visit", v.Page)
	v = visit("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	v.Request = []byte(s) // the tokens are those of other bytes
	v.Unix, v.Received = true, []int{1, 1 << 20, -3}
	fill(reflect.ValueOf(&v).Elem(), s)
	add("unix", v.Page)
	return all
}

// visit is a visit with this request, and one fact and one call.
func visit(request string) Visit {
	tokens := parse(request)
	return Visit{
		Method: "GET", Request: []byte(request), Tokens: tokens, Received: []int{20, len(request) - 20},
		FD: 7, PID: 4242, TID: 4245, Connection: 12, Number: 3, Loop: "epoll",
		Local: "127.0.0.1:8080", Peer: "127.0.0.1:54321",
		Facts: []Fact{{"tcpi_rtt", "18 µs", "a round trip", "TCP_INFO"}},
		Calls: []Call{{`recvfrom(7, "GET / "..., 32768, 0, NULL, NULL) = 78`, 2140 * time.Nanosecond}},
	}
}

// fill sets every string in v to s.
func fill(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), s)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), s)
		}
	}
}

// elements are the elements of a page that is well-formed as XML too, each with
// its attributes. Text runs are left out.
func elements(t *testing.T, name string, page []byte) (all []xml.StartElement) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(page)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, page)
		}
		switch token := token.(type) {
		case xml.StartElement:
			all = append(all, token.Copy())
		case xml.Comment:
			t.Errorf("%s: a comment", name)
		case xml.Directive:
			if string(token) != "DOCTYPE html" {
				t.Errorf("%s: <!%s>", name, token)
			}
		}
	}
}

var allowed = regexp.MustCompile(`^(html|head|meta|link|style|title|body|main|header|footer|section|aside|div|p|h1|h2|h3|dl|dt|dd|ol|li|figure|figcaption|table|thead|tbody|tr|th|td|a|b|small|span|code|mark|data|time|wbr)$`)

// Whatever the texts are, no element, attribute or link comes from them.
func TestHTMLHoldsNothingFromOutside(t *testing.T) {
	for _, s := range append(hostile, "plain") {
		for name, page := range pages(s, true) {
			name := fmt.Sprintf("%s with %.20q", name, s)
			for _, e := range elements(t, name, page) {
				if !allowed.MatchString(e.Name.Local) {
					t.Errorf("%s: an element %s", name, e.Name.Local)
				}
				for _, a := range e.Attr {
					switch a.Name.Local {
					case "href":
						if e.Name.Local == "link" && strings.HasPrefix(a.Value, "data:image/png;base64,") {
							continue
						}
						u, err := url.Parse(a.Value)
						if e.Name.Local != "a" || err != nil || u.Scheme != "" || u.Host != "" || u.RawQuery != "" || u.Fragment != "" {
							t.Errorf("%s: <%s href=%q>", name, e.Name.Local, a.Value)
						}
					case "rel":
						if a.Value != "icon" {
							t.Errorf("%s: rel=%q", name, a.Value)
						}
					case "class":
						if !regexp.MustCompile(`^[a-z -]*$`).MatchString(a.Value) {
							t.Errorf("%s: class=%q", name, a.Value)
						}
					case "lang", "charset", "name", "content", "id", "role", "scope", "title", "value", "datetime", "aria-labelledby", "aria-label":
					default:
						t.Errorf("%s: <%s %s=%q>", name, e.Name.Local, a.Name.Local, a.Value)
					}
				}
			}
			if strings.Contains(string(page), "ZgotmplZ") {
				t.Errorf("%s: html/template refused a value", name)
			}
			if i := strings.IndexFunc(string(page), unprintable); i >= 0 {
				t.Errorf("%s: %q", name, page[i:min(i+20, len(page))])
			}
		}
	}
}

// unprintable is a rune that a page may not hold, beside the ends of its lines.
func unprintable(r rune) bool {
	return r != '\n' && (r == unicode.ReplacementChar || !unicode.IsPrint(r))
}

func TestTextIsHarmlessAndNarrow(t *testing.T) {
	for _, s := range append(hostile, "plain") {
		for name, page := range pages(s, false) {
			name := fmt.Sprintf("%s with %.20q", name, s)
			if i := strings.IndexFunc(string(page), unprintable); i >= 0 {
				t.Errorf("%s: %q", name, page[i:min(i+20, len(page))])
			}
			if !strings.HasSuffix(string(page), "\n") || strings.HasSuffix(string(page), "\n\n") {
				t.Errorf("%s: ends in %q", name, page[len(page)-2:])
			}
			for line := range strings.Lines(string(page)) {
				line = strings.TrimSuffix(line, "\n")
				if columns(line) > width {
					t.Errorf("%s: %d columns: %q", name, columns(line), line)
				}
				if strings.HasSuffix(line, " ") {
					t.Errorf("%s: ends in a blank: %q", name, line)
				}
			}
			if strings.Contains(string(page), "Set-Cookie: a=b\n") {
				t.Errorf("%s: a line end came from outside", name)
			}
		}
	}
}

// No id comes twice, every label is there, and headings go down by one.
func TestHTMLIsAccessible(t *testing.T) {
	for name, page := range pages("plain", true) {
		ids, level, labels := map[string]bool{}, 0, []string{}
		seen := map[string]int{}
		for _, e := range elements(t, name, page) {
			seen[e.Name.Local]++
			if h := e.Name.Local; len(h) == 2 && h[0] == 'h' && h[1] <= '6' {
				if next := int(h[1] - '0'); next > level+1 {
					t.Errorf("%s: h%d under h%d", name, next, level)
				}
				level = int(h[1] - '0')
			}
			for _, a := range e.Attr {
				switch a.Name.Local {
				case "id":
					if ids[a.Value] {
						t.Errorf("%s: id %s twice", name, a.Value)
					}
					ids[a.Value] = true
				case "aria-labelledby":
					labels = append(labels, a.Value)
				}
			}
		}
		for _, l := range labels {
			if !ids[l] {
				t.Errorf("%s: nothing has the id %s", name, l)
			}
		}
		for _, once := range []string{"title", "main", "h1", "style"} {
			if seen[once] != 1 {
				t.Errorf("%s: %d × %s", name, seen[once], once)
			}
		}
		if !strings.HasPrefix(string(page), "<!DOCTYPE html>\n<html lang=\"en\">") {
			t.Errorf("%s begins %.40q", name, page)
		}
	}
}

func TestPolicy(t *testing.T) {
	for name, page := range pages("plain", true) {
		_, rest, _ := strings.Cut(string(page), "<style>")
		sheet, _, _ := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(sheet))
		if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(csp(), "style-src "+hash+";") {
			t.Errorf("%s: its style has the hash %s, and the policy is %s", name, hash, csp())
		}
		if loads := regexp.MustCompile(`(?i)url\(|@import|image-set|src=|//`).FindString(sheet); loads != "" {
			t.Errorf("%s: the style has %s", name, loads)
		}
		for _, no := range []string{"<script", " style=", " src=", "<form", "<iframe", "http-equiv"} {
			if strings.Contains(string(page), no) {
				t.Errorf("%s has %s", name, no)
			}
		}
	}
	for _, d := range []string{"default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains("; "+csp()+";", "; "+d+";") {
			t.Errorf("no %s in %s", d, csp())
		}
	}
}

func TestFields(t *testing.T) {
	names := func(fields []httpmini.FieldLine) (s string) {
		for _, f := range fields {
			s += f.Name + ": " + f.Value + "\n"
		}
		return s
	}
	want := "Content-Security-Policy: " + csp() + "\nX-Content-Type-Options: nosniff\nReferrer-Policy: no-referrer\n"
	if got := names(Fields()); got != want {
		t.Error(got)
	}
	if got := names(VisitFields()); got != want+"Cache-Control: no-store\n" {
		t.Error(got)
	}
	// An append to what a caller was given changes nobody else's.
	_ = append(Fields(), httpmini.FieldLine{Name: "X"})
	_ = append(VisitFields(), httpmini.FieldLine{Name: "X"})
	if got := names(VisitFields()); got != want+"Cache-Control: no-store\n" {
		t.Error(got)
	}
	if n := testing.AllocsPerRun(10, func() { Fields(); VisitFields() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// text is the text version, with its lines joined to find sentences in it.
func text(f func(bool) (string, []byte)) string {
	_, body := f(false)
	return strings.Join(strings.Fields(string(body)), " ")
}

// Each status that the server answers with has its sentence.
func TestStatuses(t *testing.T) {
	for code, meaning := range meanings() {
		var status int
		fmt.Sscan(code, &status)
		reason := httpmini.StatusText(status)
		got := text(func(html bool) (string, []byte) { return Error(status, "so it is", "do that", html) })
		if want := code + " " + reason + " So it is. Do that. " + code + ": " + meaning; reason == "" || got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if !regexp.MustCompile(`\(RFC \d{4} section [\d.]+\)\.$`).MatchString(meaning) {
			t.Errorf("%s cites nothing: %s", code, meaning)
		}
	}
	for _, status := range []int{400, 403, 404, 405, 408, 413, 414, 416, 417, 421, 431, 500, 501, 503, 505} {
		if meanings()[fmt.Sprint(status)] == "" {
			t.Errorf("%d has no sentence", status)
		}
	}
	for _, status := range []int{0, -1, 299, 599} {
		if got := text(func(html bool) (string, []byte) { return Error(status, "why", "", html) }); !strings.HasSuffix(got, "Why.") {
			t.Errorf("%d: %q", status, got)
		}
	}
}

// Each kind of token has its sentence in the legend and its rule in the style.
func TestKinds(t *testing.T) {
	known := map[string]bool{}
	for k := httpmini.Kind(1); k.String() != "unknown"; k++ {
		known[k.String()] = true
		if k == httpmini.StatusCode || k == httpmini.Reason {
			continue // of a response
		}
		if kinds()[k.String()] == "" {
			t.Errorf("no sentence for %v", k)
		}
		if !strings.Contains(style(), "."+class(k)+" > span") || !strings.Contains(style(), ".legend ."+class(k)) {
			t.Errorf("no style for %s", class(k))
		}
	}
	for name := range kinds() {
		if !known[name] {
			t.Errorf("no token is a %s", name)
		}
	}
}

// The words are calm, and what words.tmpl holds is said by both versions.
func TestWords(t *testing.T) {
	entries, err := files.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		prose := regexp.MustCompile(`<!DOCTYPE|\{\{.*?\}\}`).ReplaceAllString(read(e.Name()), "")
		if strings.Contains(prose, "!") && path.Ext(e.Name()) != ".css" {
			t.Errorf("%s has an exclamation mark", e.Name())
		}
	}
	for _, m := range regexp.MustCompile(`\{\{define "(\w+)"\}\}`).FindAllStringSubmatch(read("words.tmpl"), -1) {
		for _, file := range []string{".html", ".txt"} {
			uses := 0
			for _, e := range entries {
				if path.Ext(e.Name()) == file {
					uses += strings.Count(read(e.Name()), `{{template "`+m[1]+`"`)
				}
			}
			if uses == 0 {
				t.Errorf("no %s page says %q", file, m[1])
			}
		}
	}
}

// Colours of text stand out from what is behind them by 4.5 to 1 at least, in
// light and in dark (WCAG 2.2 section 1.4.3).
func TestContrast(t *testing.T) {
	light, dark, _ := strings.Cut(style(), "@media (prefers-color-scheme: dark)")
	dark, _, _ = strings.Cut(dark, "* { box-sizing")
	for scheme, sheet := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--(\w+): (#[0-9a-f]{6});`).FindAllStringSubmatch(sheet, -1) {
			colours[m[1]] = m[2]
		}
		if len(colours) != 13 {
			t.Fatalf("%s: %d colours", scheme, len(colours))
		}
		for name, colour := range colours {
			for _, behind := range []string{"paper", "panel"} {
				if name == "paper" || name == "panel" || name == "line" {
					continue
				}
				if c := contrast(t, colour, colours[behind]); c < 4.5 {
					t.Errorf("%s: %s on %s: %.2f", scheme, name, behind, c)
				}
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + .05) / (min(la, lb) + .05)
}

func luminance(t *testing.T, colour string) float64 {
	var rgb [3]uint8
	if _, err := fmt.Sscanf(colour, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatal(err)
	}
	l := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		c := float64(rgb[i]) / 255
		l += weight * c * c // near enough to the sRGB curve
	}
	return l
}
