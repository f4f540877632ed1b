package httpmini_test

import (
	"testing"
	"time"

	"fd3/httpmini"
)

// requestWith is a parsed request with these field lines.
func requestWith(t testing.TB, method string, lines ...string) *httpmini.Request {
	t.Helper()
	target := "/"
	if method == "CONNECT" {
		target = "a:80"
	}
	b := method + " " + target + " HTTP/1.1\r\nHost: a\r\n"
	for _, line := range lines {
		b += line + "\r\n"
	}
	r := new(httpmini.Request)
	if _, err := r.Parse([]byte(b+"\r\n"), nil); err != nil {
		t.Fatalf("%q: %v", b, err)
	}
	return r
}

const (
	secondBefore = "Sun, 06 Nov 1994 08:49:36 GMT"
	thatSecond   = "Sun, 06 Nov 1994 08:49:37 GMT"
	secondAfter  = "Sun, 06 Nov 1994 08:49:38 GMT"
)

func TestPrecondition(t *testing.T) {
	modified := time.Date(1994, time.November, 6, 8, 49, 37, 999999999, time.UTC)
	var (
		strong = httpmini.Validators{ETag: `"a,b"`, Modified: modified}
		weak   = httpmini.Validators{ETag: `W/"a,b"`, Modified: modified}
		bare   = httpmini.Validators{}
	)
	type lines []string
	for name, tt := range map[string]struct {
		method string
		v      httpmini.Validators
		lines  lines
		want   int
	}{
		"RFC 9110 13.2.2 no condition": {"GET", strong, nil, 0},

		"RFC 9110 13.1.1 If-Match":                                  {"GET", strong, lines{`If-Match: "a,b"`}, 0},
		"RFC 9110 13.1.1 If-Match, another":                         {"GET", strong, lines{`If-Match: "c"`}, 412},
		"RFC 9110 13.1.1 If-Match, another, PUT":                    {"PUT", strong, lines{`If-Match: "c"`}, 412},
		"RFC 9110 13.1.1 If-Match in a list":                        {"PUT", strong, lines{`If-Match: "c" , "a,b","d"`}, 0},
		"RFC 9110 13.1.1 If-Match is *":                             {"PUT", strong, lines{`If-Match: *`}, 0},
		"RFC 9110 13.1.1 If-Match is * without an ETag":             {"PUT", bare, lines{`If-Match: *`}, 0},
		"RFC 9110 13.1.1 If-Match without an ETag":                  {"PUT", bare, lines{`If-Match: "a,b"`}, 412},
		"RFC 9110 13.1.1 If-Match without a tag":                    {"PUT", strong, lines{`If-Match:`}, 412},
		"RFC 9110 8.8.3.2 If-Match is strong: tag is weak":          {"PUT", strong, lines{`If-Match: W/"a,b"`}, 412},
		"RFC 9110 8.8.3.2 If-Match is strong: ETag is weak":         {"PUT", weak, lines{`If-Match: "a,b"`}, 412},
		"RFC 9110 8.8.3.2 If-Match is strong: both are weak":        {"PUT", weak, lines{`If-Match: W/"a,b"`}, 412},
		"RFC 9110 5.3 If-Match on two lines":                        {"PUT", strong, lines{`If-Match: "c"`, `if-match: "a,b"`}, 0},
		"RFC 9110 5.6.1 empty elements":                             {"PUT", strong, lines{`If-Match: ,, ,"c",	,"a,b",`}, 0},
		"RFC 9110 8.8.3 a tag is cut at no comma":                   {"PUT", strong, lines{`If-Match: "x"a,b"`}, 412},
		"RFC 9110 8.8.3 a tag has quotes":                           {"PUT", strong, lines{`If-Match: a,b`}, 412},
		"RFC 9110 8.8.3 a tag has two quotes":                       {"PUT", strong, lines{`If-Match: "a,b`}, 412},
		"RFC 9110 8.8.3 something after a tag":                      {"PUT", strong, lines{`If-Match: "a,b"c`}, 412},
		"RFC 9110 8.8.3 two tags without a comma":                   {"PUT", strong, lines{`If-Match: "c" "a,b"`}, 412},
		"RFC 9110 8.8.3 what is malformed ends a line":              {"PUT", strong, lines{`If-Match: c, "a,b"`}, 412},
		"RFC 9110 8.8.3 what is malformed ends a line, not another": {"PUT", strong, lines{`If-Match: c`, `If-Match: "a,b"`}, 0},
		"RFC 9110 8.8.3 no space in a tag":                          {"PUT", strong, lines{`If-Match: "a b", "a,b"`}, 412},
		"RFC 9110 8.8.3 no backslash escapes":                       {"PUT", strong, lines{`If-Match: "\", "a,b"`}, 0},
		"RFC 9110 8.8.3 the weak mark is a capital":                 {"GET", weak, lines{`If-None-Match: w/"a,b"`}, 0},
		"RFC 9110 13.1.1 * is no element of a list":                 {"PUT", strong, lines{`If-Match: "c", *`}, 412},

		"RFC 9110 13.1.4 If-Unmodified-Since":                      {"PUT", strong, lines{"If-Unmodified-Since: " + thatSecond}, 0},
		"RFC 9110 13.1.4 If-Unmodified-Since, later":               {"PUT", strong, lines{"If-Unmodified-Since: " + secondAfter}, 0},
		"RFC 9110 13.1.4 If-Unmodified-Since, earlier":             {"PUT", strong, lines{"If-Unmodified-Since: " + secondBefore}, 412},
		"RFC 9110 13.1.4 If-Unmodified-Since, earlier, GET":        {"GET", strong, lines{"If-Unmodified-Since: " + secondBefore}, 412},
		"RFC 9110 13.1.4 If-Unmodified-Since is no date":           {"PUT", strong, lines{"If-Unmodified-Since: yesterday"}, 0},
		"RFC 9110 13.1.4 If-Unmodified-Since is a list":            {"PUT", strong, lines{"If-Unmodified-Since: " + secondBefore + ", " + secondBefore}, 0},
		"RFC 9110 13.1.4 If-Unmodified-Since on two lines":         {"PUT", strong, lines{"If-Unmodified-Since: " + secondBefore, "If-Unmodified-Since: " + secondBefore}, 0},
		"RFC 9110 13.1.4 If-Unmodified-Since without Modified":     {"PUT", bare, lines{"If-Unmodified-Since: " + secondBefore}, 0},
		"RFC 9110 13.1.4 If-Match there: no If-Unmodified-Since":   {"PUT", strong, lines{"If-Unmodified-Since: " + secondBefore, `If-Match: "a,b"`}, 0},
		"RFC 9110 13.1.4 If-Match fails, whatever the date says":   {"PUT", strong, lines{"If-Unmodified-Since: " + secondAfter, `If-Match: "c"`}, 412},
		"RFC 9110 5.6.7 If-Unmodified-Since in RFC 850":            {"PUT", strong, lines{"If-Unmodified-Since: Sunday, 06-Nov-94 08:49:36 GMT"}, 412},
		"RFC 9110 5.6.7 If-Unmodified-Since in asctime":            {"PUT", strong, lines{"If-Unmodified-Since: Sun Nov  6 08:49:36 1994"}, 412},
		"RFC 9110 13.1.2 If-None-Match":                            {"GET", strong, lines{`If-None-Match: "a,b"`}, 304},
		"RFC 9110 13.1.2 If-None-Match, HEAD":                      {"HEAD", strong, lines{`If-None-Match: "a,b"`}, 304},
		"RFC 9110 13.1.2 If-None-Match, PUT":                       {"PUT", strong, lines{`If-None-Match: "a,b"`}, 412},
		"RFC 9110 13.1.2 If-None-Match, another":                   {"GET", strong, lines{`If-None-Match: "c"`}, 0},
		"RFC 9110 13.1.2 If-None-Match in a list":                  {"GET", strong, lines{`If-None-Match: "c", W/"d" , "a,b"`}, 304},
		"RFC 9110 13.1.2 If-None-Match is *":                       {"GET", strong, lines{`If-None-Match: *`}, 304},
		"RFC 9110 13.1.2 If-None-Match is *, PUT":                  {"PUT", bare, lines{`If-None-Match: *`}, 412},
		"RFC 9110 13.1.2 If-None-Match without an ETag":            {"GET", bare, lines{`If-None-Match: "a,b"`}, 0},
		"RFC 9110 8.8.3.2 If-None-Match is weak: tag is weak":      {"GET", strong, lines{`If-None-Match: W/"a,b"`}, 304},
		"RFC 9110 8.8.3.2 If-None-Match is weak: ETag is weak":     {"GET", weak, lines{`If-None-Match: "a,b"`}, 304},
		"RFC 9110 8.8.3.2 If-None-Match is weak: both are weak":    {"GET", weak, lines{`If-None-Match: W/"a,b"`}, 304},
		"RFC 9110 5.3 If-None-Match on two lines":                  {"GET", strong, lines{`If-None-Match: "c"`, `If-None-Match: "a,b"`}, 304},
		"RFC 9110 8.8.3 If-None-Match without quotes":              {"GET", strong, lines{`If-None-Match: a,b`}, 0},
		"RFC 9110 13.1.3 If-Modified-Since":                        {"GET", strong, lines{"If-Modified-Since: " + thatSecond}, 304},
		"RFC 9110 13.1.3 If-Modified-Since, HEAD":                  {"HEAD", strong, lines{"If-Modified-Since: " + thatSecond}, 304},
		"RFC 9110 13.1.3 If-Modified-Since, later":                 {"GET", strong, lines{"If-Modified-Since: " + secondAfter}, 304},
		"RFC 9110 13.1.3 If-Modified-Since, earlier":               {"GET", strong, lines{"If-Modified-Since: " + secondBefore}, 0},
		"RFC 9110 13.1.3 If-Modified-Since is no date":             {"GET", strong, lines{"If-Modified-Since: 9999999999"}, 0},
		"RFC 9110 13.1.3 If-Modified-Since has two members":        {"GET", strong, lines{"If-Modified-Since: " + thatSecond + ", " + thatSecond}, 0},
		"RFC 9110 13.1.3 If-Modified-Since on two lines":           {"GET", strong, lines{"If-Modified-Since: " + thatSecond, "If-Modified-Since: " + thatSecond}, 0},
		"RFC 9110 13.1.3 If-Modified-Since, PUT":                   {"PUT", strong, lines{"If-Modified-Since: " + thatSecond}, 0},
		"RFC 9110 13.1.3 If-Modified-Since without Modified":       {"GET", bare, lines{"If-Modified-Since: " + thatSecond}, 0},
		"RFC 9110 13.1.3 If-None-Match there: no If-Modified":      {"GET", strong, lines{"If-Modified-Since: " + thatSecond, `If-None-Match: "c"`}, 0},
		"RFC 9110 13.1.3 also an If-None-Match without a tag":      {"GET", strong, lines{"If-Modified-Since: " + thatSecond, `If-None-Match:`}, 0},
		"RFC 9110 13.2.2 If-Match before If-None-Match":            {"GET", strong, lines{`If-None-Match: "a,b"`, `If-Match: "c"`}, 412},
		"RFC 9110 13.2.2 If-Match holds, then If-None-Match":       {"GET", strong, lines{`If-None-Match: "a,b"`, `If-Match: "a,b"`}, 304},
		"RFC 9110 13.2.2 If-Unmodified-Since before If-None-Match": {"GET", strong, lines{`If-None-Match: "a,b"`, "If-Unmodified-Since: " + secondBefore}, 412},
		"RFC 9110 13.2.2 If-Match holds, then If-Modified-Since":   {"GET", strong, lines{`If-Match: "a,b"`, "If-Modified-Since: " + thatSecond}, 304},
		"RFC 9110 13.2.1 OPTIONS has no conditions":                {"OPTIONS", strong, lines{`If-Match: "c"`}, 0},
		"RFC 9110 13.2.1 TRACE has no conditions":                  {"TRACE", strong, lines{`If-None-Match: "a,b"`}, 0},
		"RFC 9110 13.2.1 CONNECT has no conditions":                {"CONNECT", strong, lines{`If-None-Match: *`}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := requestWith(t, tt.method, tt.lines...).Precondition(tt.v); got != tt.want {
				t.Errorf("%s %q: %d, want %d", tt.method, tt.lines, got, tt.want)
			}
		})
	}
}

// The choice of what to send costs no memory for usual requests.
func TestSelectionAllocatesNothing(t *testing.T) {
	v := httpmini.Validators{ETag: `"5f-1234"`, Modified: then}
	r := requestWith(t, "GET", `If-Match: "5f-1234"`, `If-None-Match: "1", W/"2"`, "If-Modified-Since: "+thatSecond,
		"Range: bytes=0-4, -5, 10-", `If-Range: "5f-1234"`, "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	dates := requestWith(t, "GET", "If-Unmodified-Since: "+thatSecond, "If-Modified-Since: Sunday, 06-Nov-94 08:49:36 GMT",
		"Range: bytes=0-4", "If-Range: "+thatSecond)
	path := []byte("/dir/a%20file.html")
	out := make([]byte, 0, 4096)
	ranges := make([]httpmini.Range, 0, httpmini.MaxRanges)
	for name, f := range map[string]func(){
		"precondition":          func() { r.Precondition(v) },
		"precondition by dates": func() { dates.Precondition(v) },
		"ranges":                func() { r.Ranges(1000, v, time.Time{}, ranges) },
		"ranges by date":        func() { dates.Ranges(1000, v, then.Add(time.Hour), ranges) },
		"parts":                 func() { httpmini.PartsLength("0123456789abcdef", "text/html", ranges[:2], 1000) },
		"part":                  func() { httpmini.AppendPartHead(out, "0123456789abcdef", "text/html", ranges[:1][0], 1000) },
		"path":                  func() { httpmini.AppendPath(out, path) },
		"escape":                func() { httpmini.EscapePath(out, path) },
		"media type":            func() { httpmini.MediaType("dir/INDEX.HTML") },
		"prefers HTML":          func() { r.PrefersHTML(false) },
		"registered":            func() { httpmini.Registered(r.Method) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
