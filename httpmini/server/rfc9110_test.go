package server

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// RFC 9110 sections 2 to 12, and 15: what is common to all methods.
var semantics = []rule{
	{name: "9110 2.3 it reads what it writes", run: func(t *testing.T, s *served) {
		for _, target := range []string{
			"/dir", "/dir?", "/dir?a=b&c=/%2F", "/with%20space", "/what%3F", "/what%3f?x", "/%64ir", "//dir", "///dir?x", "/./dir",
			"/bare/../dir", "http://a/dir",
			"/dir?" + strings.Repeat("q", 8000-len("/dir?")), "/" + strings.Repeat("/", 7900) + "dir",
			"/%64%69%72?" + strings.Repeat("q", 7980),
		} {
			r := one(t, s, get(target, "Connection: close"))
			if path, _, _ := strings.Cut(target, "?"); r.status == 414 && len(target)+len("/") > 8000 && len(path) < 100 {
				continue // it does not send what it would not take
			}
			if r.status != 301 {
				t.Errorf("%.100s: %q, not a redirection", target, r.raw)
				continue
			}
			location := r.get("Location")
			if strings.HasPrefix(location, "//") || !strings.Contains(location, "/") {
				t.Errorf("%.100s: Location: %.100s", target, location)
			}
			_, query, _ := strings.Cut(target, "?")
			if _, got, _ := strings.Cut(location, "?"); got != query {
				t.Errorf("%.100s: Location: %.100s loses the query", target, location)
			}
			if r := one(t, s, get(location, "Connection: close")); r.status != 200 || r.body != page2 {
				t.Errorf("%.100s leads to %.100s (%d bytes) and that to %q", target, location, len(location), r.raw)
			}
		}
	}},
	{name: "9110 3.3 each request by itself", talks: []talk{
		ask(get("/none", "Accept: text/html")+get("/none")+get("/hello.txt", "Range: bytes=0-0")+get("/hello.txt")+get("/hello.txt",
			"If-None-Match: *")+get("/hello.txt"),
			is(404).where(mediaType("text/html")), is(404).where(mediaType("text/plain")), is(206), gives(hello), is(304),
			gives(hello)),
	}},
	{name: "9110 4.1 a URI of 8000 octets", talks: []talk{
		ask(get("/hello.txt?"+strings.Repeat("q", 8000-len("/hello.txt?"))), gives(hello)),
		ask(get("http://a/hello.txt?"+strings.Repeat("q", 8000-len("http://a/hello.txt?"))), gives(hello)),
		ask(get("/hello.txt", "Referer: http://a/"+strings.Repeat("r", 8000-len("http://a/"))), gives(hello)),
	}},
	{name: "9110 4.2.1 a URI without a host", talks: refused(400, get("http://"), get("http:///hello.txt"),
		get("http://:80/hello.txt"), get("http://?q"), get("HTTP:///"))},
	{name: "9110 4.2.2 an https URI without a host", talks: refused(400, get("https://"), get("https:///hello.txt"),
		get("https://:443/hello.txt"))},
	{name: "9110 4.2.3 other names of the same file", talks: slices.Concat(
		answered(gives(hello), get("/%68ello.txt"), get("/%68%65%6C%6C%6F%2e%74%78%74"), get("/hello%2Etxt"),
			get("HTTP://A:/hello.txt"), get("/hello.txt?"), get("/hello.txt?a?b")),
		answered(gives("tilde"), get("/~me.txt"), get("/%7Eme.txt"), get("/%7eme.txt")),
		answered(gives("space"), get("/with%20space.txt")), answered(gives("percent"), get("/100%25.txt")), answered(gives("mark"),
			get("/what%3F.txt"), get("/what%3f.txt")),
		answered(gives("umlaut"), get("/gr%C3%BC%C3%9Fe.txt"), get("/gr%c3%bc%c3%9fe.txt")),
		answered(is(404), get("/HELLO.TXT"), get("/Hello.txt"), get("/hello.txt%20"), get("/100%2525.txt"), get("/what?.txt"),
			get("/with+space.txt")))},
	{name: "9110 4.2.4 a user name in the URI", talks: refused(400, get("http://u@a/hello.txt"), get("http://u:p@a/hello.txt"),
		get("http://@a/hello.txt"), get("http://a@b:80/"))},

	{name: "9110 5.1 names in any case", talks: slices.Concat(
		followed(gives(hello), "GET /hello.txt HTTP/1.1\r\nhOST: a\r\ncONTENT-lENGTH: 3\r\n\r\nabc",
			"GET /hello.txt HTTP/1.1\r\nHOST: a\r\nTRANSFER-ENCODING: chunked\r\n\r\n0\r\n\r\n"),
		[]talk{ask(get("/hello.txt", "cOnNeCtIoN: close"), gives(hello)).closing()},
		answered(is(304), withFields("if-none-match: *", "IF-NONE-MATCH: *", "iF-mODIFIED-sINCE: "+modified.Format(imfFormat))...),
		answered(is(412), withFields("if-match: \"x\"", "IF-UNMODIFIED-SINCE: "+modified.Add(-time.Second).Format(imfFormat))...),
		answered(is(206), withFields("range: bytes=0-0", "RANGE: bytes=0-0", "rANGE: bytes=0-0\r\niF-rANGE: $etag")...),
		answeredPerhaps(is(417), withFields("eXPECT: more")...))},
	{name: "9110 5.1 unknown fields are ignored", talks: slices.Concat(
		answered(gives(hello), withFields("X: y", "X-Random: 1", "!#$%&'*+-.^_`|~: y", "Content-Foo: bar", "Origin: http://b",
			"Cookie: a=b; c=d", "Authorization: Basic YTpi", "Upgrade-Insecure-Requests: 1",
			"From: x@a", "Max-Forwards: 0", "Via: 1.1 x", "Forwarded: for=b;host=c", "X-Forwarded-Host: c", "X-Original-URL: /none",
			"X-HTTP-Method-Override: DELETE", "Content-Type: nonsense", "Referer:", "Date: x", "Close: 1")...),
		followed(gives(hello), inChunks("0\r\nX-Random: 1\r\n\r\n")...))},
	{name: "9110 5.2 field lines of one name are one list", talks: slices.Concat(
		answered(is(304), withFields("If-None-Match: \"x\"\r\nIf-None-Match: $etag",
			"If-None-Match: $etag\r\nA: b\r\nif-none-match: \"x\"")...),
		answered(gives(hello), withFields("If-Match: \"x\"\r\nIf-Match: $etag")...),
		[]talk{ask(get("/hello.txt", "Connection: x", "A: b", "Connection: close"), gives(hello)).closing(),
			ask(get("/none", "Accept: image/png", "Accept: text/html"), is(404).where(mediaType("text/html")))})},
	{name: "9110 5.3 nothing happens before the head is whole", unix: true, run: func(t *testing.T, s *served) {
		for _, send := range []string{get("/hello.txt"), get("/none"), get("/hello.txt", "If-None-Match: *"), request("BREW /"),
			request("POST /hello.txt", "Content-Length: 99999999"), get("/hello.txt", "Expect: more"), get("https://a/")} {
			c, err := connect(s.addr)
			must(t, err)
			io.WriteString(c, send[:len(send)-1])
			must(t, c.allRead())
			if c.take(); len(c.in) > 0 {
				t.Errorf("before the last byte of %q: %q", send, c.in)
			}
			io.WriteString(c, send[len(send)-1:])
			if _, err := final(bufio.NewReader(c), question{}); err != nil {
				t.Errorf("%q: %v", send, err)
			}
			c.Close()
		}
	}},
	{name: "9110 5.4 fields too large", talks: refused(431,
		get("/", "X: "+strings.Repeat("y", 9000)), get("/", strings.Repeat("x", 9000)+": y"), get("/", strings.Repeat("X: y\r\n",
			200)+"X: y"),
		get("/", strings.Repeat("X: "+strings.Repeat("y", 4000)+"\r\n", 9)+"X: y"), old("GET /", "X: "+strings.Repeat("y", 9000)),
		get("/", "X: "+strings.Repeat(" ", 9000)+"y"))},
	{name: "9110 5.5 octets above ASCII are opaque", talks: answered(gives(hello), withFields("Cookie: \x80\xff",
		"User-Agent: \xe4\xf6\xfc", "Referer: \xc3\xa4")...)},
	{name: "9110 5.5 CR, LF and NUL in a value", talks: refused(400, withFields("X: a\x00b", "X: \x00", "X:\x00", "X: a\x00",
		"X: a\rb", "X: a\nb: c", "Cookie: a\x00=b")...)},
	{name: "9110 5.5 other controls in a value", talks: refused(400, withFields("X: a\x01b", "X: \x7f", "X: a\x0bb", "X: a\x0cb",
		"X: a\x1b[0m", "X: a\x08")...)},
	{name: "9110 5.6.1.2 empty list elements are ignored", talks: slices.Concat(
		over(withFields("Connection: ,close", "Connection: close,", "Connection: , ,\t,close ,,", "Connection: ,,x,, close")...),
		followed(gives(hello), withFields("Connection: ,", "Connection: ,,")...),
		answered(is(304), withFields("If-None-Match: ,$etag", "If-None-Match: , ,\"x\",,$etag,")...),
		answered(gives(hello), withFields("If-Match: ,,$etag,", "If-Match: \"x\",,$etag")...),
		answered(is(206).with("Content-Range: bytes 1-2/13"), withFields("Range: bytes=,1-2", "Range: bytes=1-2,",
			"Range: bytes= , 1-2 ,, ")...),
		answeredPerhaps(is(417), withFields("Expect: ,more", "Expect: more,,")...),
		followed(gives(hello), get("/hello.txt", "Transfer-Encoding: ,chunked")+"0\r\n\r\n", get("/hello.txt",
			"Transfer-Encoding: chunked ,")+"0\r\n\r\n", get("/hello.txt", "Transfer-Encoding: , chunked, ,")+"0\r\n\r\n"),
		[]talk{ask(get("/hello.txt", "Expect: ,100-continue,", "Content-Length: 3")+"abc", gives(hello)).perhaps(),
			ask(get("/none", "Accept: ,,image/png,,text/html,"), is(404).where(mediaType("text/html")))})},
	{name: "9110 5.6.3 bad whitespace is passed over", talks: slices.Concat(
		followed(gives(hello), inChunks("3 ;a\r\nabc\r\n0\r\n\r\n", "3; a\r\nabc\r\n0\r\n\r\n",
			"3 \t;\ta = b ; c\t=\t\"d\" ;e\r\nabc\r\n0 ;f\r\n\r\n")...),
		refused(501, transferEncodings("gzip ; a = b , chunked")...))},
	{name: "9110 5.6.4 quoted pairs", talks: slices.Concat(
		followed(gives(hello), inChunks("3;a=\"\\\"\"\r\nabc\r\n0\r\n\r\n", "3;a=\"\\\\\";b\r\nabc\r\n0\r\n\r\n",
			"3;a=\"\\a\\\xe4\"\r\nabc\r\n0\r\n\r\n")...),
		answered(is(404).where(mediaType("text/plain")), get("/none", `Accept: a/b;c="\", text/html, \""`), get("/none",
			`Accept: a/b;c="x,text/html,y"`)),
		answered(is(404).where(mediaType("text/html")), get("/none", `Accept: a/b;c="\\", text/html, d/e;f="\\"`)))},
	{name: "9110 5.6.6 parameter names in any case", talks: answered(is(404).where(mediaType("text/plain")), get("/none",
		"Accept: text/html;Q=0"), get("/none", "Accept: text/html;q=0"))},
	{name: "9110 5.6.7 three forms of a date", talks: slices.Concat(
		dated(is(304), modified.Format(imfFormat), modified.Format(rfc850Format), modified.Format(ansiFormat),
			"Sat, 31 Dec 2016 23:59:60 GMT", "Saturday, 31-Dec-16 23:59:60 GMT"),
		dated(is(200), modified.Add(-time.Second).Format(imfFormat), modified.Add(-time.Second).Format(rfc850Format),
			modified.Add(-time.Second).Format(ansiFormat), "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
			"Sun Nov  6 08:49:37 1994"))},
	{name: "9110 5.6.7 two digits of a year", talks: slices.Concat(
		dated(is(304), aroundNow(10), aroundNow(45), aroundNow(49)), dated(is(200), aroundNow(51), aroundNow(55), aroundNow(60)))},

	{name: "9110 6.2 a higher minor version", talks: slices.Concat(
		followed(gives(hello), head("GET /hello.txt HTTP/1.2", "Host: a"), head("GET /hello.txt HTTP/1.5", "Host: a"),
			head("GET /hello.txt HTTP/1.9", "Host: a"), head("GET /hello.txt HTTP/1.2", "Host: a",
				"Transfer-Encoding: chunked")+"0\r\n\r\n"),
		[]talk{ask(head("GET /hello.txt HTTP/1.2", "Host: a", "Expect: more"), is(417)).perhaps()})},
	{name: "9110 6.6.1 Date goes with the clock", waits: true, run: func(t *testing.T, s *served) {
		// A date that was made in advance shows when the second changes.
		c := s.dial(t)
		in := bufio.NewReader(c)
		for first := ""; ; {
			before := time.Now().Truncate(time.Second)
			io.WriteString(c, get("/hello.txt"))
			r, err := final(in, question{})
			if err != nil {
				t.Fatal(err)
			}
			if at := date(r.get("Date")); at.Before(before.Add(-time.Second)) || at.After(time.Now()) {
				t.Fatalf("Date: %s at %v", r.get("Date"), before.UTC())
			}
			if first == "" {
				first = r.get("Date")
			}
			if r.get("Date") != first {
				return
			}
		}
	}},
	{name: "9110 7.4 another scheme", talks: answeredPerhaps(is(421), get("https://a/hello.txt"), get("HTTPS://a/"),
		get("https://a:443"), get("ftp://a/hello.txt"), get("ws://a/"), get("file://a/etc/passwd"), get("httpx://a/"))},
	{name: "9110 7.6.1 connection options in any case", talks: slices.Concat(over(withFields("Connection: Close",
		"Connection: x,CLOSE")...),
		[]talk{ask(old("GET /hello.txt", "Connection: Keep-Alive"), gives(hello).to10())})},
	{name: "9110 7.6.2 Max-Forwards", talks: answered(is(204).with("Allow: GET, HEAD, OPTIONS"), request("OPTIONS *",
		"Max-Forwards: 0"), request("OPTIONS /hello.txt", "Max-Forwards: 5"))},
	{name: "9110 7.8 Upgrade is ignored", talks: slices.Concat(
		answered(gives(hello).without("Upgrade"), withFields("Connection: Upgrade\r\nUpgrade: websocket",
			"Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA", "Upgrade: HTTP/2.0",
			"Connection: Upgrade\r\nUpgrade: TLS/1.0")...),
		[]talk{ask(old("GET /hello.txt", "Connection: Upgrade", "Upgrade: websocket"),
			gives(hello).to10().without("Upgrade")).closing(),
			ask(request("OPTIONS *", "Connection: Upgrade", "Upgrade: TLS/1.2"), is(204).without("Upgrade"))})},

	{name: "9110 8.3 media types of files", talks: []talk{
		ask(get("/hello.txt"), gives(hello).where(mediaType("text/plain"))), ask(get("/"),
			gives(page1).where(mediaType("text/html"))), ask(get("/dir/"), gives(page2).where(mediaType("text/html"))),
		ask(get("/data.gz"), is(200).where(mediaType("application/gzip")).without("Content-Encoding")), ask(get("/noext"),
			is(200).where(mediaType("application/octet-stream"))),
	}},
	{name: "9110 8.6 Content-Length of a file", talks: []talk{
		ask(get("/hello.txt"), gives(hello).with("Content-Length: 13")), ask(get("/empty.txt"),
			gives("").with("Content-Length: 0")), ask(get("/large.bin"), gives(large).with("Content-Length: 307200")),
		ask(old("GET /large.bin"), gives(large).to10().with("Content-Length: 307200")).closing(),
	}},
	{name: "9110 8.6 a length that fits no integer", talks: slices.Concat(
		refused(413, lengths("9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
			"18446744073709551619", "4294967299000000000003", "1"+strings.Repeat("0", 100), "99999999")...),
		followed(gives(hello), lengths("003", strings.Repeat("0", 100)+"3")...))},
	{name: "9110 8.7 Content-Location changes nothing", talks: answered(gives(hello), withFields("Content-Location: /kilo.bin",
		"Content-Location: http://a/none", "Content-Location: \r\nContent-Language: de")...)},

	{name: "9110 10.1.1 expectations in any case", visit: true, talks: []talk{
		ask(request("POST /", "Expect: 100-CONTINUE", "Content-Length: 3")+"abc", is(200)), ask(request("POST /",
			"expect: 100-Continue", "Content-Length: 3")+"abc", is(200)),
		ask(request("POST /", "Expect: 100-continue", "Transfer-Encoding: chunked")+"3\r\nabc\r\n0\r\n\r\n", is(200)),
		ask(request("POST /", "Expect: 100-continue", "Content-Length: 0"), is(200)),
	}},
	{name: "9110 10.1.1 other expectations", talks: answeredPerhaps(is(417), append(withFields("Expect: more", "Expect: 200-ok",
		"Expect: 100-continue, more", "Expect: more, 100-continue", "Expect: 100-continue\r\nExpect: more", "Expect: x=y",
		"Expect: x=\"y,z\";p=q", "Expect: 100-continued"),
		request("POST /hello.txt", "Expect: more", "Content-Length: 3")+"abc", request("OPTIONS *", "Expect: more"))...)},
	{name: "9110 10.1.1 HTTP/1.0 expects nothing", visit: true, talks: []talk{
		ask(old("POST /", "Expect: 100-continue", "Content-Length: 3")+"abc", is(200).to10()).closing(),
		ask(old("POST /", "Expect: 100-continue", "Content-Length: 3", "Connection: keep-alive")+"abc", is(200).to10()),
		ask(old("GET /", "Expect: 100-continue"), is(200).to10()).closing(),
	}},
	{name: "9110 10.1.1 100 at once, and then the answer", visit: true, run: func(t *testing.T, s *served) {
		for _, send := range []string{request("POST /", "Expect: 100-continue", "Content-Length: 3"), request("POST /",
			"Expect: 100-continue", "Transfer-Encoding: chunked")} {
			c := s.dial(t)
			in := bufio.NewReader(c)
			io.WriteString(c, send)
			r, err := readResponse(in, question{})
			if err != nil || r.status != 100 {
				t.Fatalf("%q: %v, %v", send, r, err)
			}
			if err := check(question{expects: true}, r); err != nil {
				t.Error(err)
			}
			content := "abc"
			if strings.Contains(send, "chunked") {
				content = "3\r\nabc\r\n0\r\n\r\n"
			}
			io.WriteString(c, content)
			r, err = final(in, question{})
			if err != nil || r.status != 200 || r.closes() || !strings.Contains(r.body, "abc") {
				t.Fatalf("%q: %v, %v", send, r, err)
			}
			if err := probe(c, in); err != nil {
				t.Error(err)
			}
			c.Close()
		}
	}},
	{name: "9110 10.1.1 the answer at once", run: func(t *testing.T, s *served) {
		// The content never comes. Whether the server still waits for it, it says.
		for send, status := range map[string]int{
			request("POST /hello.txt", "Expect: 100-continue", "Content-Length: 3"):               405,
			request("PUT /new.txt", "Expect: 100-continue", "Transfer-Encoding: chunked"):         405,
			request("POST /hello.txt", "Expect: 100-continue", "Content-Length: 9999999999"):      413,
			request("BREW /hello.txt", "Expect: 100-continue", "Content-Length: 3"):               501,
			get("https://a/hello.txt", "Expect: 100-continue", "Content-Length: 3"):               421,
			get("/hello.txt", "Expect: more", "Content-Length: 3"):                                417,
			get("/none", "Expect: 100-continue", "Content-Length: 3"):                             404,
			get("/dir", "Expect: 100-continue", "Content-Length: 3"):                              301,
			get("/hello.txt", "Expect: 100-continue", "Content-Length: 3", "If-None-Match: *"):    304,
			get("/hello.txt", "Expect: 100-continue", "Content-Length: 3", "If-Match: \"x\""):     412,
			get("/hello.txt", "Expect: 100-continue", "Content-Length: 3", "Range: bytes=50-"):    416,
			get("/hello.txt", "Expect: 100-continue", "Content-Length: 3"):                        200,
			get("/large.bin", "Expect: 100-continue", "Content-Length: 3"):                        200,
			get("/hello.txt", "Expect: 100-continue", "Content-Length: 3", "Range: bytes=0-0"):    206,
			request("OPTIONS *", "Expect: 100-continue", "Content-Length: 3"):                     204,
			get("/hello.txt", "Expect: 100-continue", "Content-Length: 3", "Connection: x"):       200,
			get("/hello.txt", "Expect: 100-continue", "Content-Length: 3", "Connection: close"):   200,
			get("/hello.txt", "Expect: 100-continue", "Transfer-Encoding: gzip, chunked"):         501,
			get("/hello.txt", "Expect: 100-continue", "Content-Length: 3", "Content-Length: 3\t"): 200,
		} {
			c := s.dial(t)
			in := bufio.NewReader(c)
			io.WriteString(c, send)
			r, err := readResponse(in, question{})
			if err != nil {
				t.Fatalf("%q: %v", send, err)
			}
			if r.status == 100 { // it wants to see the content first
				io.WriteString(c, "abc")
				r, err = readResponse(in, question{})
			} else if !r.closes() {
				t.Errorf("%q: it does not say whether the content is still read: %q", send, r.raw)
			}
			if err != nil || r.status != status {
				t.Errorf("%q: %d, not %d; %v", send, r.status, status, err)
			}
			c.Close()
		}
	}},
	{name: "9110 12.4.2 not acceptable", talks: answered(is(404).where(mediaType("text/plain")), get("/none"), get("/none",
		"Accept: text/plain"), get("/none", "Accept: text/html;q=0"), get("/none", "Accept: text/html; q=0.0"),
		get("/none", "Accept: text/html;q=0.000, */*"), get("/none", "Accept: text/plain, text/html;q=0"))},
	{name: "9110 12.5.1 a weight among other parameters", talks: slices.Concat(
		answered(is(404).where(mediaType("text/plain")), get("/none", "Accept: text/html;q=0;level=1"), get("/none",
			"Accept: text/html;charset=utf-8;q=0")),
		answered(is(404).where(mediaType("text/html")), get("/none", "Accept: text/html"), get("/none", "Accept: TEXT/HTML"),
			get("/none", "Accept: application/xml;q=0.9, text/html;q=0.5, */*;q=0.1"), get("/none", "Accept: text/html;q=1.000")))},
	{name: "9110 12.5.1 what Accept says of both types", config: Config{Listing: true}, talks: slices.Concat(
		accepts("text/plain", "text/html;q=0, */*", "text/*;q=0.5, text/html;q=0", "text/html;q=0", "text/plain, */*", "text/html;q=0.5, */*"),
		accepts("text/html", "text/plain;q=0, */*", "text/plain;q=0", "text/plain;q=0.5, */*", "text/*;q=0.5, text/plain;q=0",
			"text/html, text/plain", "application/xhtml+xml, */*;q=0.8"),
		answered(is(404).where(mediaType("text/plain")), get("/none", "Accept: */*"), get("/none", "Accept: image/png")),
		answered(is(200).where(mediaType("text/html")), get("/bare/"), get("/bare/", "Accept: */*"), get("/bare/", "Accept: image/png")))},
	{name: "9110 12.5.1 the visitor's page too", visit: true, talks: slices.Concat(
		answered(is(200).where(mediaType("text/plain")), get("/"), get("/", "Accept: */*"), get("/", "Accept: text/html;q=0, */*")),
		answered(is(200).where(mediaType("text/html")), get("/", "Accept: text/html"), get("/", "Accept: text/plain;q=0, */*")))},
	{name: "9110 12.5.3 no coding", talks: answered(gives(hello).without("Content-Encoding"), withFields("Accept-Encoding: gzip",
		"Accept-Encoding: gzip, deflate, br, zstd", "Accept-Encoding:", "Accept-Encoding: *", "Accept-Encoding: identity;q=0",
		"Accept-Encoding: *;q=0")...)},
	{name: "9110 12.5.5 Vary of what varies", talks: slices.Concat(
		answeredPerhaps(is(404).with("Vary: Accept"), get("/none"), get("/none", "Accept: text/html"), get("/none", "Accept: */*")),
		answeredPerhaps(is(405).with("Vary: Accept"), request("POST /hello.txt"), request("POST /hello.txt", "Accept: text/html")),
		answeredPerhaps(is(501).with("Vary: Accept"), request("BREW /hello.txt"), request("BREW /hello.txt", "Accept: text/html")),
		answeredPerhaps(is(414).with("Vary: Accept"), get("/"+strings.Repeat("a", 9000))),
		answered(gives(hello).without("Vary"), get("/hello.txt"), get("/hello.txt", "Accept: text/html")))},
	{name: "9110 12.5.5 Vary of a listing", config: Config{Listing: true}, talks: []talk{
		ask(get("/bare/", "Accept: text/plain"), is(200).with("Vary: Accept").where(mediaType("text/plain"))), ask(get("/bare/", "Accept: text/html"),
			is(200).with("Vary: Accept").where(mediaType("text/html"))), ask(request("HEAD /bare/"),
			is(200).toHEAD().with("Vary: Accept")),
		ask(get("/bare"), is(301).with("Location: /bare/", "Vary: Accept")),
	}},
	{name: "9110 15.6.6 other major versions", talks: refusedSaying(505, "HTTP/1.1",
		"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "GET / HTTP/0.9\r\n\r\n", "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
		"GET / HTTP/9.9\r\nHost: a\r\n\r\n", "GET / HTTP/0.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
	{name: "9110 15.5.20 not authoritative", talks: answeredPerhaps(is(421).with("Content-Type"), get("https://a/"))},
	{name: "9110 15.6.4 more connections than there is room for", config: Config{MaxConnections: 1}, run: func(t *testing.T, s *served) {
		if s.Server.config.Loop == Iterative {
			return // the others wait in the accept queue
		}
		first := s.dial(t)
		in := bufio.NewReader(first)
		io.WriteString(first, get("/hello.txt"))
		if _, err := final(in, question{}); err != nil {
			t.Fatal(err)
		}
		r := one(t, s, get("/hello.txt"))
		if r.status != 503 || !r.closes() || !r.has("Retry-After") {
			t.Errorf("%q, not a 503 that says when to come again", r.raw)
		}
		if err := probe(first, in); err != nil {
			t.Error(err)
		}
		first.Close()
		for end := time.Now().Add(patience); one(t, s, get("/hello.txt", "Connection: close")).status != 200; {
			if time.Now().After(end) {
				t.Fatal("there is no room again")
			}
		}
	}},
	{name: "9110 17.3 names that lead elsewhere", talks: slices.Concat(
		answered(gives(hello), get("/inside"), get("/dir/../hello.txt"), get("/./hello.txt"), get("//hello.txt"),
			get("/dir//..///hello.txt")),
		answered(is(403, 404), get("/outside"), get("/slash/etc/passwd"), get("/../outside.txt"), get("/dir/../../outside.txt"),
			get("/%2e%2e/outside.txt"), get("/.%2E/outside.txt"), get("/..%2foutside.txt"), get("/%2e%2e%2foutside.txt"),
			get("/dir/..%2f..%2foutside.txt"), get("//../outside.txt"), get("/fifo"), get("/loop"), get("/..\\outside.txt"),
			get("/%5c../outside.txt"), get("/dir%2findex.html"), get("/hello.txt/"), get("/hello.txt/x"),
			get("/"+strings.Repeat("a", 300)),
			get("http://a/../outside.txt"), get("http://a/%2e%2e/outside.txt")),
		answered(is(404), get("/.hidden"), get("/.git/config"), get("/%2ehidden"), get("/%2Egit/config"), get("/dir/../.hidden"),
			get("/.git"), get("/.git/")),
		answeredPerhaps(is(400, 404), get("/hello.txt%00"), get("/hello.txt%00.html"), get("/%00")))},
	{name: "9110 17.3 what may not be read", run: func(t *testing.T, s *served) {
		if f, err := os.Open(filepath.Join(s.dir, "unreadable.txt")); err == nil {
			f.Close()
			t.Skip("root reads everything; scripts/check runs this as a plain user too")
		}
		if r := one(t, s, get("/unreadable.txt")); r.status != 403 {
			t.Errorf("%q, not a 403", r.raw)
		}
	}},
}

// RFC 9110 sections 9 and 10.2.1.
var methodRules = []rule{
	{name: "9110 9.1 GET and HEAD", talks: []talk{
		ask(get("/hello.txt"), gives(hello)), ask(get("/kilo.bin"), gives(kilo)), ask(get("/large.bin"), gives(large)),
		ask(get("/empty.txt"), gives("")), ask(get("/"), gives(page1)), ask(get("/dir/"), gives(page2)),
		ask(request("HEAD /hello.txt"), is(200).toHEAD().with("Content-Length: 13")), ask(request("HEAD /large.bin"),
			is(200).toHEAD().with("Content-Length: 307200")), ask(request("HEAD /empty.txt"),
			is(200).toHEAD().with("Content-Length: 0")),
		ask(request("HEAD /none"), is(404).toHEAD()),
	}},
	{name: "9110 9.1 unknown methods", talks: answeredPerhaps(is(501), request("BREW /hello.txt"), request("GETT /hello.txt"),
		request("GE /hello.txt"), request("G /"), request("!#$%&'*+-.^_`|~ /hello.txt"), request("BREW http://a/hello.txt"),
		request("BREW /none"), old("BREW /hello.txt"))},
	{name: "9110 9.1 methods that files have not", talks: answeredPerhaps(is(405).with("Allow: GET, HEAD, OPTIONS"),
		request("POST /hello.txt"), request("PUT /hello.txt"), request("DELETE /hello.txt"), request("PATCH /hello.txt"),
		request("TRACE /hello.txt"), request("POST /"),
		request("POST /hello.txt", "Content-Length: 3")+"abc", request("PUT /new.txt", "Content-Length: 3")+"abc",
		old("POST /hello.txt", "Content-Length: 3")+"abc", request("POST /hello.txt",
			"Transfer-Encoding: chunked")+"0\r\n\r\n")},
	{name: "9110 9.3.1 content with GET changes nothing", talks: followed(gives(hello), get("/hello.txt",
		"Content-Length: 3")+"abc", get("/hello.txt", "Content-Length: 0"), get("/hello.txt", "Content-Length: 18",
		"Content-Type: message/http")+"GET / HTTP/1.1\r\n\r\n", get("/hello.txt",
		"Transfer-Encoding: chunked")+"3\r\nabc\r\n0\r\n\r\n")},
	{name: "9110 9.3.2 HEAD like GET", run: func(t *testing.T, s *served) {
		strongTag(t, s)
		for _, path := range []string{"/hello.txt", "/empty.txt", "/large.bin", "/", "/dir/", "/dir", "/dir?x", "/none", "/bare/",
			"/outside", "/fifo", "/future.txt", "/data.gz", "/noext", "/.hidden", "https://a/", "http://a/hello.txt"} {
			for _, fields := range [][]string{nil, {"Accept: text/html"}, {"If-None-Match: *"}, {"If-Match: \"x\""},
				{"If-Modified-Since: " + modified.Format(imfFormat)}, {"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT"},
				{"Expect: more"}} {
				fields = append(fields, "Connection: close")
				g, h := one(t, s, get(path, fields...)), one(t, s, request("HEAD "+path, fields...))
				if g.status != h.status || fmt.Sprint(undated(g)) != fmt.Sprint(undated(h)) {
					t.Errorf("%s %q\n GET %q\nHEAD %q", path, fields, g.raw, h.raw)
				}
			}
		}
	}},
	{name: "9110 9.3.2 HEAD has no content", talks: []talk{
		ask(request("HEAD /hello.txt")+request("HEAD /large.bin")+request("HEAD /none")+request("HEAD /dir")+request("HEAD /bare/")+get("/hello.txt"),
			is(200).toHEAD(), is(200).toHEAD(), is(404).toHEAD(), is(301).toHEAD(), is(403).toHEAD(), gives(hello)),
		ask(request("HEAD /large.bin", "Connection: close"), is(200).toHEAD()).closing(),
		ask(old("HEAD /large.bin"), is(200).toHEAD().to10()).closing(),
		ask(request("HEAD /hello.txt", "Content-Length: 3")+"abc"+get("/kilo.bin"), is(200).toHEAD(), gives(kilo)),
		ask(request("HEAD /hello.txt", "Expect: more"), is(417).toHEAD()).perhaps(),
		ask(request("HEAD https://a/"), is(421).toHEAD()).perhaps(),
		ask("HEAD / HTTP/1.1\r\n\r\n", is(400).toHEAD()).closing(),
		ask("HEAD / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", is(400).toHEAD()).closing(),
	}},
	{name: "9110 9.3.3 POST to the visitor's page", visit: true, talks: []talk{
		ask(request("POST /", "Content-Length: 3")+"abc"+get("/"), is(200), is(200)), ask(request("POST /",
			"Transfer-Encoding: chunked")+"3\r\nabc\r\n0\r\n\r\n"+request("HEAD /"), is(200), is(200).toHEAD()),
		ask(request("POST /")+get("/none"), is(200), is(404)), ask(request("POST /", "Content-Length: 9999999"), is(413)).closing(),
	}},
	{name: "9110 9.3.6 CONNECT", talks: slices.Concat(
		refused(400, request("CONNECT a"), request("CONNECT a:"), request("CONNECT a:x"), request("CONNECT a:65536"),
			request("CONNECT a:99999999999"), request("CONNECT :80"), request("CONNECT a:-1"), request("CONNECT a:80:80"),
			request("CONNECT u@a:80"), request("CONNECT a:80/")),
		answeredPerhaps(is(405), request("CONNECT a:80"), request("CONNECT [::1]:443"), request("CONNECT a:80",
			"Content-Length: 0"), old("CONNECT a:80")))},
	{name: "9110 9.3.7 OPTIONS", talks: answered(is(204).with("Allow: GET, HEAD, OPTIONS"), request("OPTIONS *"),
		request("OPTIONS /hello.txt"), request("OPTIONS /"), request("OPTIONS /dir"), request("OPTIONS http://a/hello.txt"),
		request("OPTIONS *", "Content-Length: 3", "Content-Type: text/plain")+"abc")},
	{name: "9110 9.3.8 TRACE tells no secrets", talks: answeredPerhaps(is(405).where(func(r *response) error {
		if strings.Contains(r.body, "c2VjcmV0") {
			return fmt.Errorf("it does: %q", r.body)
		}
		return nil
	}), request("TRACE /hello.txt", "Authorization: Basic c2VjcmV0", "Cookie: c2VjcmV0"), request("TRACE /hello.txt",
		"Max-Forwards: 0"))},
	{name: "9110 15.5.6 Allow is of the target", visit: true, talks: slices.Concat(
		answered(is(204).with("Allow: GET, HEAD, OPTIONS, POST"), request("OPTIONS /"), request("OPTIONS *")),
		answeredPerhaps(is(405).with("Allow: GET, HEAD, OPTIONS, POST"), request("PUT /"), request("DELETE /")),
		answeredPerhaps(is(404, 405).where(func(r *response) error { return holds(!strings.Contains(r.get("Allow"), "POST")) }),
			request("POST /none"), request("POST /none", "Content-Length: 3")+"abc"))},
	{name: "9110 15.4.2 a directory without its slash", talks: []talk{
		ask(get("/dir"), is(301).with("Location: /dir/")), ask(get("/dir?a=b"), is(301).with("Location: /dir/?a=b")),
		ask(get("//dir"), is(301).with("Location: /dir/")), ask(get("/with%20space"), is(301).with("Location: /with%20space/")),
		ask(get("/what%3F"), is(301).with("Location: /what%3F/")), ask(request("HEAD /dir"),
			is(301).toHEAD().with("Location: /dir/")), ask(get("/bare"), is(301).with("Location: /bare/")),
	}},
	{name: "9110 10.2.2 a query that no URI has", talks: []talk{
		ask(get("/dir?a=|{}^`[]\\"), is(301).with("Location: /dir/?a=%7C%7B%7D%5E%60%5B%5D%5C")),
		ask(get("/dir?a=%7c%25&b=c?/:@"), is(301).with("Location: /dir/?a=%7c%25&b=c?/:@")), ask(get("http://a/dir?a|b"),
			is(301).with("Location: /dir/?a%7Cb")), ask(get("/dir?"), is(301).with("Location: /dir/?")),
		ask(get("/dir?"+strings.Repeat("|", 3000)), is(414)),
	}},
	{name: "9110 15.5.5 nothing there", talks: answered(is(404), get("/none"), get("/dir/none"), get("/none/none"),
		get("/hello.txt.bak"), get("/hello"), get("/index"))},
}

// accepts has an error page and a listing be of this type by each value of Accept.
func accepts(kind string, values ...string) (talks []talk) {
	for _, v := range values {
		talks = append(talks, ask(get("/none", "Accept: "+v), is(404).where(mediaType(kind))),
			ask(get("/bare/", "Accept: "+v), is(200).where(mediaType(kind))))
	}
	return talks
}

// answeredPerhaps has each of these answered alike, and the connection go on or
// not, as the server likes.
func answeredPerhaps(w want, sends ...string) (talks []talk) {
	for _, s := range sends {
		w.head, w.old = strings.HasPrefix(s, "HEAD "), strings.Contains(s, " HTTP/1.0\r\n")
		talks = append(talks, ask(s, w).perhaps())
	}
	return talks
}

func refusedSaying(status int, word string, sends ...string) (talks []talk) {
	for _, k := range refused(status, sends...) {
		k.want[0].that = func(r *response) error {
			if !strings.Contains(r.body, word) {
				return fmt.Errorf("nothing of %s in %q", word, r.body)
			}
			return nil
		}
		talks = append(talks, k)
	}
	return talks
}

// dated asks whether /hello.txt was modified since each of these dates.
func dated(w want, dates ...string) (talks []talk) {
	for _, d := range dates {
		talks = append(talks, ask(get("/hello.txt", "If-Modified-Since: "+d), w))
	}
	return talks
}

// aroundNow is a date in so many years, with two digits of the year.
func aroundNow(years int) string {
	return time.Now().UTC().AddDate(years, 0, 0).Format(rfc850Format)
}

// undated is the fields but for Date, in the order of their names. A weak tag
// may become a strong one from one request to the next.
func undated(r *response) (fields []string) {
	for _, f := range r.fields {
		if f[0] == "Last-Modified" && date(f[1]).Equal(date(r.get("Date"))) {
			continue // of a file from the future
		}
		if f[0] != "Date" {
			fields = append(fields, f[0]+": "+strings.TrimPrefix(f[1], "W/"))
		}
	}
	slices.Sort(fields)
	return fields
}
