package httpmini_test

import (
	"bufio"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fd3/httpmini"
)

// Where net/http accepts a request too, both read the same out of it.
func TestRequestAgainstNetHTTP(t *testing.T) {
	strange := map[string]string{
		"RFC 9112 2.2 leading empty line":    "net/http passes over none",
		"RFC 9112 6.3 the same length twice": "net/http compares the text, so 5 and 05 differ",
	}
	for name, b := range goodRequests {
		t.Run(name, func(t *testing.T) {
			std, err := http.ReadRequest(bufio.NewReader(strings.NewReader(b)))
			if why, ok := strange[name]; ok {
				if err == nil {
					t.Errorf("net/http accepts it now, though %s", why)
				}
				return
			}
			if err != nil {
				t.Fatalf("net/http: %v", err)
			}
			var r httpmini.Request
			if _, err := r.Parse([]byte(b), nil); err != nil {
				t.Fatal(err)
			}
			if string(r.Method) != std.Method || string(r.Target) != std.RequestURI || string(r.Host) != std.Host || string(r.Version) != std.Proto {
				t.Errorf("%q %q %q %q, net/http %q %q %q %q", r.Method, r.Target, r.Host, r.Version, std.Method, std.RequestURI, std.Host, std.Proto)
			}
			if r.ContentLength != std.ContentLength || r.Chunked != (len(std.TransferEncoding) == 1) || r.KeepAlive == std.Close {
				t.Errorf("length %d chunked %v keep-alive %v, net/http %d %v %v", r.ContentLength, r.Chunked, r.KeepAlive, std.ContentLength, std.TransferEncoding, !std.Close)
			}
			if r.Form == httpmini.OriginForm && (string(r.Path) != std.URL.EscapedPath() || string(r.Query) != std.URL.RawQuery) {
				t.Errorf("%q ? %q, net/http %q ? %q", r.Path, r.Query, std.URL.EscapedPath(), std.URL.RawQuery)
			}
			for _, f := range r.Fields {
				key := http.CanonicalHeaderKey(string(f.Name))
				if key != "Host" && key != "Transfer-Encoding" && key != "Content-Length" && !slices.Contains(std.Header[key], string(f.Value)) {
					t.Errorf("%s: %q, net/http %q", f.Name, f.Value, std.Header[key])
				}
			}
		})
	}
}
