package httpmini_test

import (
	"errors"
	"strings"
	"testing"

	"fd3/httpmini"
)

func TestResponseTokens(t *testing.T) {
	b := []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
	var r httpmini.Response
	var tokens []httpmini.Token
	n, err := r.Parse(b, &tokens)
	if err != nil {
		t.Fatal(err)
	}
	content := r.Content("GET")
	end, err := content.Span(b, n, &tokens)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, tokens, end)
	want := `version "HTTP/1.1"
space " "
status code "404"
space " "
reason "Not Found"
CRLF "\r\n"
field name "Content-Length"
colon ":"
optional whitespace " "
field value "2"
CRLF "\r\n"
empty line "\r\n"
body "no"
`
	if got := spell(b, tokens); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestResponseValues(t *testing.T) {
	type values struct {
		Status  int
		Length  int64
		Chunked bool
	}
	for name, want := range map[string]values{
		"RFC 9112 4 plain":                    {200, 2, false},
		"RFC 9112 4 no reason":                {200, -1, false},
		"RFC 9112 4 reason of several words":  {404, -1, false},
		"RFC 9112 6.3 chunked":                {200, -1, true},
		"RFC 9112 6.3 a coding under chunked": {200, -1, true},
		"RFC 9112 6.3 a coding until close":   {200, -1, false},
		"RFC 9112 9.3 close":                  {200, -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			var r httpmini.Response
			b := goodResponses[name]
			if n, err := r.Parse([]byte(b), nil); n != len(b) || err != nil {
				t.Fatalf("%q: %d, %v", b, n, err)
			}
			if got := (values{r.Status, r.ContentLength, r.Chunked}); got != want {
				t.Errorf("%q:\ngot  %+v\nwant %+v", b, got, want)
			}
		})
	}
}

func TestResponseBodyLength(t *testing.T) {
	for _, tt := range []struct {
		name, method, b string
		want            int64
	}{
		{"RFC 9112 6.3 item 1 HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 0},
		{"RFC 9112 6.3 item 1 204", "GET", "HTTP/1.1 204 \r\n\r\n", 0},
		{"RFC 9112 6.3 item 1 304", "GET", "HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n", 0},
		{"RFC 9112 6.3 item 1 100", "GET", "HTTP/1.1 100 \r\n\r\n", 0},
		{"RFC 9112 6.3 item 2 CONNECT", "CONNECT", "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n", 0},
		{"RFC 9112 6.3 item 2 CONNECT refused", "CONNECT", "HTTP/1.1 400 \r\nContent-Length: 5\r\n\r\n", 5},
		{"RFC 9112 6.3 item 4 chunked", "GET", "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n", -1},
		{"RFC 9112 6.3 item 6 length", "GET", "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n", 5},
		{"RFC 9112 6.3 item 8 until close", "GET", "HTTP/1.1 200 \r\n\r\n", -1},
		{"RFC 9110 15 a code that means nothing", "GET", "HTTP/1.1 099 \r\nContent-Length: 5\r\n\r\n", 5},
	} {
		var r httpmini.Response
		if _, err := r.Parse([]byte(tt.b), nil); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := r.BodyLength(tt.method); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestResponseRefused(t *testing.T) {
	for name, tt := range map[string]struct{ b, why string }{
		"RFC 9112 2.2 leading empty line":     {"^\r\nHTTP/1.1 200 OK\r\n\r\n", "CR stands in the version"},
		"RFC 9112 2.2 bare LF":                {"HTTP/1.1 200 OK^\n", "bare LF"},
		"RFC 9112 2.2 bare CR":                {"HTTP/1.1 200 OK^\rX", "bare CR"},
		"RFC 9112 2.3 other major":            {"HTTP/^2 200\r\n", "HTTP/2"},
		"RFC 9112 2.3 other protocol":         {"^ICY 200 OK\r\n", "HTTP/"},
		"RFC 9112 4 no space":                 {"HTTP/1.1 200^\r\n\r\n", "even if nothing"},
		"RFC 9112 4 two spaces":               {"HTTP/1.1 ^ 200 OK\r\n", "three digits"},
		"RFC 9112 4 two digits":               {"HTTP/1.1 20^ OK\r\n", "three digits"},
		"RFC 9112 4 four digits":              {"HTTP/1.1 200^0 OK\r\n", "one space"},
		"RFC 9112 4 control byte in a reason": {"HTTP/1.1 200 O^\x01K\r\n", "control byte"},
		"RFC 9112 4 long reason":              {"HTTP/1.1 200 " + strings.Repeat("a", httpmini.MaxReason) + "^a\r\n", "reason is longer"},
		"RFC 9112 5.1 space before the colon": {"HTTP/1.1 200 OK\r\nX^ : a\r\n", "its colon"},
		"RFC 9112 5.2 obs-fold":               {"HTTP/1.1 200 OK\r\nX: a\r\n^ b\r\n", "obs-fold"},
		"RFC 9112 6.1 coding in 1.0":          {"HTTP/1.0 200 OK\r\n^Transfer-Encoding: chunked\r\n", "HTTP/1.0"},
		"RFC 9112 6.1 chunked twice":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, ^chunked\r\n", "come once"},
		"RFC 9112 6.3 lengths differ":         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: ^6\r\n", "5 before"},
		"RFC 9112 6.3 both lengths":           {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n^Transfer-Encoding: chunked\r\n", "smuggling"},
	} {
		t.Run(name, func(t *testing.T) {
			before, after, _ := strings.Cut(tt.b, "^")
			var r httpmini.Response
			n, err := r.Parse([]byte(before+after), nil)
			var e *httpmini.BadError
			if !errors.As(err, &e) || n != 0 {
				t.Fatalf("%q: %d, %v, want a BadError", tt.b, n, err)
			}
			if e.Status != 0 || e.Offset != len(before) || !strings.Contains(e.Why, tt.why) {
				t.Errorf("%q: status %d, %v, want %q at %d", tt.b, e.Status, err, tt.why, len(before))
			}
		})
	}
}
