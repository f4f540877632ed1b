package page

import (
	"strings"
	"testing"

	"fd3/httpmini"
)

// The page of a request that the parser refuses points at the byte.
func TestFaultPointsAtTheByte(t *testing.T) {
	request := "GET / HTTP/1.1\r\nHost : a\r\nCookie: secret\r\n\r\n"
	var r httpmini.Request
	_, err := r.Parse([]byte(request), nil)
	bad, ok := err.(*httpmini.BadError)
	if !ok {
		t.Fatal(err)
	}
	f := Fault{Status: bad.Status, Why: bad.Why, Bytes: []byte(request), Offset: bad.Offset}
	_, body := f.Page(false)
	for _, want := range []string{
		"400 Bad Request\n\nWhitespace stands between a field name and its colon",
		"\n     0  GET / HTTP/1.1\\r\\n\n    16  Host : a\\r\\n\n            ^ byte 20\n",
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if strings.Contains(string(body), "Cookie") {
		t.Errorf("more than is near is shown:\n%s", body)
	}
	if _, body := f.Page(true); !strings.Contains(string(body), "<code>Host<mark> </mark>: a\\r\\n</code>") {
		t.Errorf("%s", body)
	}
}

// Wherever the fault is, the excerpt is short, holds it, and shows no secret.
func TestFaultAnywhere(t *testing.T) {
	bytes := []byte("GET /" + strings.Repeat("\x01", 200) + " HTTP/1.1\r\nCookie: a=s3cr3t; " + strings.Repeat("s3cr3t", 50) + "\r\nHost: a\r\n\r\n")
	for offset := -1; offset <= len(bytes)+2; offset++ {
		f := Fault{Status: 400, Why: "why", Bytes: bytes, Offset: offset}
		_, text := f.Page(false)
		_, html := f.Page(true)
		if strings.Contains(string(text), "s3") || strings.Contains(string(html), "s3") {
			t.Fatalf("%d: a secret is shown:\n%s", offset, text)
		}
		if lines := strings.Count(string(text), "\n"); lines > 24 {
			t.Errorf("%d: %d lines", offset, lines)
		}
		switch {
		case offset < 0:
			if strings.Contains(string(text), "^") {
				t.Errorf("%d: %s", offset, text)
			}
		case offset < len(bytes):
			if strings.Count(string(text), "^ byte ")+strings.Count(string(text), " ^\n") != 1 || strings.Count(string(html), "<mark>") != 1 {
				t.Errorf("%d: it is not marked:\n%s", offset, text)
			}
		default:
			if strings.Count(string(text), "the bytes end here") != 1 || strings.Count(string(html), "the bytes end here") != 1 {
				t.Errorf("%d: %s", offset, text)
			}
		}
	}
}

func TestMoved(t *testing.T) {
	_, body := Moved(301, "/a%20b/?x=1&y=2", true)
	if !strings.Contains(string(body), `<a href="/a%20b/?x=1&amp;y=2">/a%20b/?x=1&amp;y=2</a>`) {
		t.Errorf("%s", body)
	}
	_, body = Moved(301, "/a%20b/?x=1&y=2", false)
	if !strings.Contains(string(body), "\nGo to /a%20b/?x=1&y=2\n") {
		t.Errorf("%s", body)
	}
}

func BenchmarkError(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Error(404, "there is no such file here", "", true)
	}
}
