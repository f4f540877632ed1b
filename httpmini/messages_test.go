package httpmini_test

import (
	"fmt"
	"strings"
	"testing"

	"fd3/httpmini"
)

// goodRequests are whole heads that have to parse. Each rule that can be kept
// in more than one way is kept in each.
var goodRequests = map[string]string{
	"RFC 9112 3 plain":                          "GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n",
	"RFC 9112 2.2 leading empty line":           "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"RFC 9112 3 no fields in 1.0":               "GET / HTTP/1.0\r\n\r\n",
	"RFC 9112 3.1 any token is a method":        "b!#$%&'*+-.^_`|~9 / HTTP/1.1\r\nHost: a\r\n\r\n",
	"RFC 9112 3.2 empty Host":                   "GET / HTTP/1.1\r\nHost:\r\n\r\n",
	"RFC 9112 3.2 Host is an IPv6 address":      "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
	"RFC 9112 3.2.1 path and query":             "GET /a/b%20c?x=1&y[]=%3C HTTP/1.1\r\nHost: a\r\n\r\n",
	"RFC 9112 3.2.2 absolute-form":              "GET http://example.org:80/p?q HTTP/1.1\r\nHost: other\r\n\r\n",
	"RFC 9112 3.2.2 absolute-form, no path":     "GET http://example.org?q HTTP/1.1\r\nHost: other\r\n\r\n",
	"RFC 9112 3.2.3 authority-form":             "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
	"RFC 9112 3.2.4 asterisk-form":              "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"RFC 9110 6.2 a later minor version":        "GET / HTTP/1.7\r\nHost: a\r\n\r\n",
	"RFC 9112 5.1 whitespace around a value":    "GET / HTTP/1.1\r\nHost: \t a \t\r\nA:b\r\nB: \t \r\nC:\r\n\r\n",
	"RFC 9110 5.5 obs-text and tabs":            "GET / HTTP/1.1\r\nHost: a\r\nX: gr\xfc\xdfe\tx\r\n\r\n",
	"RFC 9112 6.2 Content-Length":               "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
	"RFC 9112 6.3 the same length twice":        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 5, 05\r\n\r\n",
	"RFC 9110 8.6 the longest length":           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n",
	"RFC 9110 5.6.1.2 empty codings":            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked, ,\r\n\r\n",
	"RFC 9112 6.1 chunked":                      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
	"RFC 9112 9.3 close":                        "GET / HTTP/1.1\r\nHost: a\r\nConnection: te, CLOSE\r\n\r\n",
	"RFC 9112 9.3 keep-alive in 1.0":            "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
	"RFC 9112 9.3 close beats keep-alive":       "GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: ,close,\r\n\r\n",
	"RFC 9110 5.6.1 keep-alive is a whole word": "GET / HTTP/1.0\r\nConnection: keep-alives\r\n\r\n",
	"wrk":     "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
	"curl":    "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n\r\n",
	"browser": browser,
}

const browser = "GET /static/app.js?v=3 HTTP/1.1\r\n" +
	"Host: localhost:8080\r\n" +
	"Connection: keep-alive\r\n" +
	"Cache-Control: max-age=0\r\n" +
	"sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\"\r\n" +
	"sec-ch-ua-mobile: ?0\r\n" +
	"sec-ch-ua-platform: \"Linux\"\r\n" +
	"Upgrade-Insecure-Requests: 1\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
	"Sec-Fetch-Site: same-origin\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-GB,en;q=0.9\r\n" +
	"\r\n"

var goodResponses = map[string]string{
	"RFC 9112 4 plain":                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
	"RFC 9112 4 no reason":                "HTTP/1.1 200 \r\n\r\n",
	"RFC 9112 4 reason of several words":  "HTTP/1.0 404 Not Found at all\r\nContent-Type: text/html\r\n\r\n",
	"RFC 9112 4 obs-text in a reason":     "HTTP/1.1 500 V\xe4rre\r\n\r\n",
	"RFC 9112 6.3 chunked":                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"RFC 9112 6.3 a coding under chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
	"RFC 9112 6.3 a coding until close":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
	"RFC 9112 9.3 close":                  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
}

// checkTokens holds that tokens cover b without a gap, up to end.
func checkTokens(t *testing.T, tokens []httpmini.Token, end int) {
	t.Helper()
	at := 0
	for _, k := range tokens {
		if k.Start != at || k.End <= k.Start || k.Kind.String() == "unknown" {
			t.Fatalf("token %v after offset %d in %v", k, at, tokens)
		}
		at = k.End
	}
	if at != end {
		t.Fatalf("tokens cover %d bytes, want %d: %v", at, end, tokens)
	}
}

// spell writes a message with the kind of each token: kind"bytes".
func spell(b []byte, tokens []httpmini.Token) string {
	var out strings.Builder
	for _, k := range tokens {
		fmt.Fprintf(&out, "%s %q\n", k.Kind, b[k.Start:k.End])
	}
	return out.String()
}
