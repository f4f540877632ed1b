package httpmini_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fd3/httpmini"
)

var then = time.Date(1994, time.November, 6, 9, 49, 37, 0, time.FixedZone("CET", 3600))

func TestAppendResponse(t *testing.T) {
	const date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	for _, tt := range []struct {
		name string
		m    httpmini.Message
		want string
	}{
		{"RFC 9112 4 everything",
			httpmini.Message{Status: 200, Date: then, ContentType: "text/plain", Body: []byte("hi\n"), Connection: "close",
				Fields: []httpmini.FieldLine{{Name: "Server", Value: "fd3"}}},
			"HTTP/1.1 200 OK\r\n" + date + "Content-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\nServer: fd3\r\n\r\nhi\n"},
		{"RFC 9112 4 nothing", httpmini.Message{Status: 404}, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
		{"RFC 9112 4 no reason keeps its space", httpmini.Message{Status: 299}, "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"},
		{"RFC 9110 15 no such code", httpmini.Message{Status: 42}, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"},
		{"RFC 9110 9.3.2 HEAD", httpmini.Message{Status: 200, Body: []byte("hi\n"), Head: true}, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"},
		{"RFC 9110 8.6 body sent apart", httpmini.Message{Status: 200, Length: 1 << 40}, "HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n"},
		{"RFC 9110 15.2.1 100", httpmini.Message{Status: 100, Body: []byte("x")}, "HTTP/1.1 100 Continue\r\n\r\n"},
		{"RFC 9110 15.3.5 204", httpmini.Message{Status: 204, Body: []byte("x")}, "HTTP/1.1 204 No Content\r\n\r\n"},
		{"RFC 9110 15.3.6 205", httpmini.Message{Status: 205, Body: []byte("x")}, "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"},
		{"RFC 9110 15.4.5 304", httpmini.Message{Status: 304, Date: then, Body: []byte("x")}, "HTTP/1.1 304 Not Modified\r\n" + date + "\r\n"},
		{"RFC 9110 5.5 no response splitting",
			httpmini.Message{Status: 302, Fields: []httpmini.FieldLine{{Name: "Loca\r\ntion:", Value: "/\r\nSet-Cookie: a\x00"}}},
			"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLoca--tion-: /  Set-Cookie: a \r\n\r\n"},
	} {
		if got := string(httpmini.AppendResponse([]byte("before"), tt.m)); got != "before"+tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
		var r httpmini.Response
		if _, err := r.Parse([]byte(tt.want), nil); err != nil {
			t.Errorf("%s: our own parser says: %v", tt.name, err)
		}
	}
}

func TestAppendRequest(t *testing.T) {
	for _, tt := range []struct {
		name, method, target, host string
		extra                      []httpmini.FieldLine
		want                       string
	}{
		{"plain", "GET", "/", "localhost:8080", nil,
			"GET / HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: fd3\r\nAccept: */*\r\n\r\n"},
		{"close", "GET", "", "a", []httpmini.FieldLine{{Name: "Connection", Value: "close"}},
			"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: fd3\r\nAccept: */*\r\nConnection: close\r\n\r\n"},
		{"RFC 3986 2.1 escapes", "GET", "/ä b%20c#d?e", "a", nil,
			"GET /%C3%A4%20b%20c%23d?e HTTP/1.1\r\nHost: a\r\nUser-Agent: fd3\r\nAccept: */*\r\n\r\n"},
		{"RFC 9112 11.1 no request splitting", "GET /\r\n", "/ HTTP/1.1\r\nX: y", "a\r\nb", nil,
			"GET---- /%20HTTP/1.1%0D%0AX:%20y HTTP/1.1\r\nHost: a  b\r\nUser-Agent: fd3\r\nAccept: */*\r\n\r\n"},
	} {
		got := string(httpmini.AppendRequest(nil, tt.method, tt.target, tt.host, tt.extra...))
		if got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestAppendDate(t *testing.T) {
	if got := string(httpmini.AppendDate(nil, then)); got != then.UTC().Format(http.TimeFormat) {
		t.Error(got)
	}
}

// What we write, net/http can read.
func TestAppendResponseAgainstNetHTTP(t *testing.T) {
	b := httpmini.AppendResponse(nil, httpmini.Message{Status: 200, Date: then, ContentType: "text/html; charset=utf-8", Body: []byte("<p>hi"), Connection: "close"})
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "<p>hi" || resp.ContentLength != 5 || !resp.Close {
		t.Errorf("%q, %v, %+v", body, err, resp)
	}
}

// Our reasons are net/http's, but for those that have had new names since.
func TestStatusText(t *testing.T) {
	newer := map[int]string{413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}
	for code := -1; code < 1000; code++ {
		got, want := httpmini.StatusText(code), http.StatusText(code)
		if code == 418 {
			want = "" // (Unused): RFC 9110 section 15.5.19
		}
		if s, ok := newer[code]; ok {
			want = s
		}
		if got != want {
			t.Errorf("%d: %q, want %q", code, got, want)
		}
		if strings.ContainsAny(got, "\r\n") {
			t.Errorf("%d: %q", code, got)
		}
	}
}
