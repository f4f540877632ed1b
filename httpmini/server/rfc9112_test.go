package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// Requests with content in chunks begin like this. What follows "abc" is sent
// behind it where somebody has to see where the content ends.
var chunked = get("/hello.txt", "Transfer-Encoding: chunked")

// inChunks puts that head before each of these.
func inChunks(bodies ...string) (sends []string) { return prefixed(chunked, bodies...) }

func prefixed(prefix string, rest ...string) (all []string) {
	for _, r := range rest {
		all = append(all, prefix+r)
	}
	return all
}

// withFields asks for /hello.txt with each of these, one or more field lines.
func withFields(fields ...string) (sends []string) {
	for _, f := range fields {
		sends = append(sends, get("/hello.txt", f))
	}
	return sends
}

// RFC 9112 sections 2 to 5: the request line and the fields.
var messages = []rule{
	{name: "9112 2.2 octets that are no UTF-8", talks: answered(gives(hello), withFields(
		"X: \xff\xfe\xc3(\x80", "X: \xe2\x80\xa8\xe5", "X: \xc0\x8a\xc0\x8d", "X: caf\xe9")...)},
	{name: "9112 2.2 a bare LF ends no line", talks: refused(400,
		"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n\n", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")},
	{name: "9112 2.2 a bare CR is refused", talks: refused(400,
		"G\rET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET\r / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\rHost: a\r\n\r\n", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHo\rst: a\r\n\r\n", "GET / HTTP/1.1\r\nHost:\ra\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",
		chunked+"3\r;x\r\nabc\r\n0\r\n\r\n", chunked+"3\r\nabc\r\r\n0\r\n\r\n", chunked+"0\r\nX: a\rb\r\n\r\n")},
	{name: "9112 2.2 an empty line before a request", talks: []talk{
		ask("\r\n"+get("/hello.txt"), gives(hello)),
		ask(get("/hello.txt", "Content-Length: 3")+"abc\r\n"+get("/kilo.bin"), gives(hello), gives(kilo)),
		ask(get("/hello.txt")+"\r\n"+get("/kilo.bin")+"\r\n"+get("/hello.txt"), gives(hello), gives(kilo), gives(hello)),
		ask(chunked+"0\r\n\r\n\r\n"+get("/kilo.bin"), gives(hello), gives(kilo)),
		ask("\r\n"+old("GET /hello.txt"), gives(hello).to10()).closing(),
	}},
	{name: "9112 2.2 whitespace before the first field", talks: refused(400,
		"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n")},
	{name: "9112 2.2 what is no HTTP", talks: slices.Concat(
		refused(400,
			"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\x00\x00\x00\x00", "\xff", "\x80\x2e\x01", "SSH-2.0-OpenSSH_9.9\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "EHLO a\r\n", "<html>", "{}", "GET\r\n\r\n", "GET /\r\n\r\n",
			"GET / \r\n\r\n",
			"GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", "GET: / HTTP/1.1\r\nHost: a\r\n\r\n", "G\x00ET / HTTP/1.1\r\nHost: a\r\n\r\n",
			"G\x7fET / HTTP/1.1\r\nHost: a\r\n\r\n", "G\xc3\x84T / HTTP/1.1\r\nHost: a\r\n\r\n"),
		refused(400, withFields(
			": x", ":", "x", "x y: z", "x/y: z", "(x): y", "\"x\": y", "x=y", "x@y: z", "n\xc3\xa4me: x", "x\x00: y", "x\x7f: y",
			"\x01x: y")...))},
	{name: "9112 2.3 the version to the letter", talks: refused(400,
		"GET / http/1.1\r\nHost: a\r\n\r\n", "GET / HTTp/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.\r\nHost: a\r\n\r\n",
		"GET / HTTP/1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.10\r\nHost: a\r\n\r\n", "GET / HTTP/1.1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1,1\r\nHost: a\r\n\r\n",
		"GET / HTTP/+1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP /1.1\r\nHost: a\r\n\r\n", "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1x\r\nHost: a\r\n\r\n",
		"GET / HTTP/x.1\r\nHost: a\r\n\r\n",
		"GET / HTTPS/1.1\r\nHost: a\r\n\r\n", "GET / ICY/1.1\r\nHost: a\r\n\r\n", "GET / 1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP\\1.1\r\nHost: a\r\n\r\n")},

	{name: "9112 3 one space between the parts", talks: refused(400,
		"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n",
		"GET\v/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\fHTTP/1.1\r\nHost: a\r\n\r\n", " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"\tGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "GET / HTTP/1.1\t\r\nHost: a\r\n\r\n", "GET \r\n / HTTP/1.1\r\nHost: a\r\n\r\n")},
	{name: "9112 3 a method longer than any", talks: []talk{
		ask(request(strings.Repeat("M", 33)+" /"), is(501)).perhaps(),
		ask(request(strings.Repeat("M", 100)+" /"), is(501)).perhaps(),
		ask(request(strings.Repeat("M", 40000)+" /"), is(501)).perhaps(),
		ask(strings.Repeat("M", 100), is(501)).closing().atOnce(),
	}},
	{name: "9112 3 a target too long", talks: slices.Concat(
		refused(414, get("/"+strings.Repeat("a", 8001)), get("/?"+strings.Repeat("a", 20000)), get("/"+strings.Repeat("a/",
			50000))),
		refused(414, get("http://a/"+strings.Repeat("a", 9000)), request("OPTIONS /"+strings.Repeat("a", 9000)),
			old("GET /"+strings.Repeat("a", 9000))),
		[]talk{ask("GET /"+strings.Repeat("a", 9000), is(414)).closing()})},
	{name: "9112 3 a request line of 8000 octets", talks: []talk{
		ask(get("/hello.txt?"+strings.Repeat("q", 8000-len("GET /hello.txt? HTTP/1.1"))), gives(hello)),
		ask(get("/hello.txt?"+strings.Repeat("q", 8000-len("GET /hello.txt? HTTP/1.1")))+get("/kilo.bin"), gives(hello),
			gives(kilo)),
		ask(get("/"+strings.Repeat("q", 8000-len("GET / HTTP/1.1"))), is(404)),
		ask(get("/"+strings.Repeat("q/", 3900)), is(404)),
	}},
	{name: "9112 3.1 methods are case-sensitive", talks: []talk{
		ask(request("get /hello.txt"), is(501)).perhaps(), ask(request("Get /hello.txt"), is(501)).perhaps(),
		ask(request("gET /hello.txt"), is(501)).perhaps(), ask(request("head /hello.txt"), is(501)).perhaps(),
		ask(request("options /hello.txt"), is(501)).perhaps(), ask(request("Post /hello.txt"), is(501)).perhaps(),
	}},
	{name: "9112 3.2 an invalid request line", talks: refused(400,
		get("/with space.txt"), get("/a\tb"), get("/\"x"), get("/<x"), get("/x>"), get("/#x"), get("/hello.txt#x"), get("/%"),
		get("/%4"),
		get("/%zz"), get("/%4g"), get("/gr\xc3\xbc\xc3\x9fe.txt"), get("/\x01"), get("/\x7f"), get("/\x00"), get("hello.txt"),
		get("?x"), get("%2F"),
		get("./hello.txt"), get("../hello.txt"), get("a:hello.txt"), get("http:/hello.txt"), get(""), get(":80"), get("@"),
		get("[::1]"))},
	{name: "9112 3.2 HTTP/1.1 without Host", talks: refused(400,
		head("GET / HTTP/1.1"), head("GET / HTTP/1.1", "X: y"), head("GET / HTTP/1.1", "Hos: a"), head("GET / HTTP/1.1",
			"Hostt: a"), head("GET / HTTP/1.1", "X-Host: a"),
		head("GET / HTTP/1.2"), head("GET http://a/ HTTP/1.1"), head("OPTIONS * HTTP/1.1"), head("HEAD / HTTP/1.1"),
		head("POST / HTTP/1.1"), head("BREW / HTTP/1.1"))},
	{name: "9112 3.2 a second Host", talks: refused(400,
		get("/", "Host: a"), get("/", "Host: b"), get("/", "Host:"), get("/", "X: y", "hOST: a"), get("http://a/", "Host: a"),
		old("GET /", "Host: a", "Host: a"), old("GET /", "Host: a", "Host: b"))},
	{name: "9112 3.2 a Host that is none", talks: slices.Concat(
		refused(400, hosts("a b", "a, a", "a/b", "a/", "/", "a?b", "a#b", "u@a", "u:p@a", "a:b", "a:80:80", "a:-1", "a:+80",
			"a:8 0", ":80x", "[::1", "::1", "[zz]", "[::1]x",
			"[]", "[1.2.3.4]", "\"a\"", "<a>", "a\\b", "a|b", "a^b", "a%", "a%4", "a%zz", "a\x01", "a\x7f", "\xc3\xa4", "http://a",
			"a;b c")...),
		refused(400, old("GET /", "Host: a b"), old("GET /", "Host: u@a"), head("GET http://a/ HTTP/1.1", "Host: a b")))},
	{name: "9112 3.2 a Host that is one", talks: answered(gives(hello), hosts("", "a", "a:80", "a:", "A.localhost", "a.localhost.",
		"a-b_c~d", "a!$&'()*+,;=b", "a%41", "1.2.3.4", "1.2.3.4:65535",
		"[::1]", "[::1]:8080", "[::ffff:1.2.3.4]", "[2001:db8::]:", "[v1.a:b]", "a:080")...)},
	{name: "9112 3.2.2 absolute-form", talks: slices.Concat(
		answered(gives(hello), get("http://a/hello.txt"), get("http://a:80/hello.txt"), get("HTTP://a/hello.txt"),
			get("hTTp://A:/hello.txt?q"), get("http://[::1]:80/hello.txt"), get("http://1.2.3.4/hello.txt")),
		answered(gives(page1), get("http://a"), get("http://a/"), get("http://a?q"), get("http://a:8080"), get("http://a/?q")),
		[]talk{
			ask(request("HEAD http://a/hello.txt"), is(200).toHEAD().with("Content-Length: 13")),
			ask(request("OPTIONS http://a/hello.txt"), is(204)), ask(request("OPTIONS http://a"), is(204)),
			ask(old("GET http://a/hello.txt"), gives(hello).to10()).closing(),
		})},
	{name: "9112 3.2.2 the target counts, not Host", talks: answered(gives(hello),
		head("GET http://a/hello.txt HTTP/1.1", "Host: b"), head("GET http://a:81/hello.txt HTTP/1.1", "Host: a:80"),
		head("GET http://a/hello.txt HTTP/1.1", "Host:"))},
	{name: "9112 3.2.3 authority-form is for CONNECT", talks: slices.Concat(
		refused(400, get("a:80"), request("HEAD a:80"), request("OPTIONS a:80"), request("POST a:80"), get("a")),
		refused(400, request("CONNECT /"), request("CONNECT *"), request("CONNECT http://a:80/")))},
	{name: "9112 3.2.4 asterisk-form is for OPTIONS", talks: slices.Concat(
		answered(is(204).with("Allow: GET, HEAD, OPTIONS"), request("OPTIONS *")),
		refused(400, get("*"), request("HEAD *"), request("POST *"), request("BREW *"), request("OPTIONS **"),
			request("OPTIONS */"), request("OPTIONS *?q"), request("OPTIONS *a")))},
	{name: "9112 3.3 HTTP/1.0 without Host", talks: []talk{
		ask(old("GET /hello.txt"), gives(hello).to10()).closing(),
		ask(old("GET /hello.txt", "Host:"), gives(hello).to10()).closing(),
		ask(old("GET /hello.txt", "Host: a"), gives(hello).to10()).closing(),
		ask(old("HEAD /hello.txt"), is(200).toHEAD().to10()).closing(),
	}},

	{name: "9112 5.1 whitespace before the colon", talks: slices.Concat(
		refused(400, head("GET / HTTP/1.1", "Host : a"), head("GET / HTTP/1.1", "Host\t: a")),
		refused(400, withFields("X : y", "X  \t: y", "X :", "Content-Length : 3", "Transfer-Encoding : chunked")...),
		refused(400, inChunks("0\r\nX : y\r\n\r\n")...))},
	{name: "9112 5.1 whitespace around the value", talks: slices.Concat(
		answered(gives(hello), head("GET /hello.txt HTTP/1.1", "Host:a"), head("GET /hello.txt HTTP/1.1", "Host: \t a \t "),
			head("GET /hello.txt HTTP/1.1", "Host:\t")),
		followed(gives(hello), get("/hello.txt", "Content-Length:3")+"abc", get("/hello.txt", "Content-Length:\t 3 \t")+"abc",
			get("/hello.txt", "Transfer-Encoding:\tchunked \t")+"0\r\n\r\n"),
		answered(is(304), withFields("If-None-Match:*", "If-None-Match: \t* \t ")...),
		[]talk{ask(get("/hello.txt", "Connection: \tclose\t "), gives(hello)).closing()})},
	{name: "9112 5.2 folded lines", talks: slices.Concat(
		refused(400, head("GET / HTTP/1.1", "Host: a", " b"), head("GET / HTTP/1.1", "Host:", " a"), head("GET / HTTP/1.1",
			"Host: a", "\tb")),
		refused(400, withFields("X: y\r\n z", "X: y\r\n\tz", "X: y\r\n ", "X: y\r\n Content-Length: 3", "X: y \r\n  z",
			"X:\r\n y")...),
		refused(400, inChunks("0\r\nX: y\r\n z\r\n\r\n", "0\r\nX: y\r\n\tz\r\n\r\n")...))},
}

// hosts is a request for each of these Host fields.
func hosts(values ...string) (sends []string) {
	for _, v := range values {
		sends = append(sends, head("GET /hello.txt HTTP/1.1", "Host: "+v))
	}
	return sends
}

// RFC 9112 sections 6 to 8: where a request ends.
var bodies = []rule{
	{name: "9112 6 framing whatever the method", talks: []talk{
		// The content looks like a request, and is none.
		ask(get("/hello.txt", "Content-Length: 30")+get("/none")[:30]+get("/kilo.bin"), gives(hello), gives(kilo)),
		ask(request("HEAD /hello.txt", "Content-Length: 30")+get("/none")[:30]+get("/kilo.bin"), is(200).toHEAD(), gives(kilo)),
		ask(request("OPTIONS *", "Content-Length: 30")+get("/none")[:30]+get("/kilo.bin"), is(204), gives(kilo)),
		ask(request("POST /hello.txt", "Content-Length: 30")+get("/none")[:30]+get("/kilo.bin"), is(405), gives(kilo)).perhaps(),
		ask(request("DELETE /hello.txt", "Content-Length: 30")+get("/none")[:30]+get("/kilo.bin"), is(405), gives(kilo)).perhaps(),
		ask(request("TRACE /hello.txt", "Content-Length: 30")+get("/none")[:30]+get("/kilo.bin"), is(405), gives(kilo)).perhaps(),
		ask(request("BREW /hello.txt", "Content-Length: 30")+get("/none")[:30]+get("/kilo.bin"), is(501), gives(kilo)).perhaps(),
		ask(request("POST /hello.txt", "Transfer-Encoding: chunked")+"3\r\nGET\r\n0\r\n\r\n"+get("/kilo.bin"), is(405),
			gives(kilo)).perhaps(),
		ask(request("HEAD /hello.txt", "Transfer-Encoding: chunked")+"3\r\nGET\r\n0\r\n\r\n"+get("/kilo.bin"), is(200).toHEAD(),
			gives(kilo)),
		ask(old("GET /hello.txt", "Content-Length: 30", "Connection: keep-alive")+get("/none")[:30]+get("/kilo.bin"),
			gives(hello).to10(), gives(kilo)),
	}},
	{name: "9112 6.1 chunked is understood", talks: followed(gives(hello), inChunks(
		"0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\n",
		"A\r\n0123456789\r\n0\r\n\r\n",
		"1b\r\nabcdefghijklmnopqrstuvwxyz\n\r\n0\r\n\r\n", "00000003\r\nabc\r\n000\r\n\r\n", "5\r\n0\r\n\r\n\r\n0\r\n\r\n",
		"400\r\n"+kilo+"\r\n0\r\n\r\n")...)},
	{name: "9112 6.1 a coding that is unknown", talks: refused(501, transferEncodings("gzip, chunked", "x-gzip , chunked",
		"br,chunked", "foo, bar, chunked", "gzip;q=1, chunked",
		"foo;a=\"b, c\", chunked", "gzip\r\nTransfer-Encoding: chunked")...)},
	{name: "9112 6.1 Transfer-Encoding and Content-Length", talks: refused(400,
		get("/hello.txt", "Transfer-Encoding: chunked", "Content-Length: 3")+"0\r\n\r\n", get("/hello.txt", "Content-Length: 3",
			"Transfer-Encoding: chunked")+"0\r\n\r\n",
		get("/hello.txt", "Content-Length: 0", "Transfer-Encoding: chunked")+"0\r\n\r\n", get("/hello.txt", "content-length: 5",
			"X: y", "TRANSFER-ENCODING: chunked")+"0\r\n\r\n",
		get("/hello.txt", "Transfer-Encoding: identity", "Content-Length: 0"), get("/hello.txt", "Transfer-Encoding:",
			"Content-Length: 0"))},
	{name: "9112 6.1 Transfer-Encoding in HTTP/1.0", talks: refused(400,
		old("GET /hello.txt", "Transfer-Encoding: chunked")+"0\r\n\r\n", old("POST /hello.txt", "Transfer-Encoding: chunked",
			"Connection: keep-alive")+"0\r\n\r\n",
		old("GET /hello.txt", "Transfer-Encoding: chunked", "Content-Length: 5")+"0\r\n\r\n", old("GET /hello.txt",
			"Content-Length: 5", "Transfer-Encoding: chunked")+"0\r\n\r\n",
		old("GET /hello.txt", "Transfer-Encoding: identity"))},
	{name: "9112 6.3 chunked is not the last coding", talks: refused(400, transferEncodings("gzip", "identity", "chunked, gzip",
		"chunked, identity", "", "foo", "xchunked", "chunkedx", "chunke", "\"chunked\"",
		"chunked\r\nTransfer-Encoding: gzip", "gzip, foo")...)},
	{name: "9112 6.3 chunked twice", talks: refused(400, transferEncodings("chunked, chunked",
		"chunked\r\nTransfer-Encoding: chunked", "gzip, chunked, chunked")...)},
	{name: "9112 6.3 a Content-Length that is none", talks: refused(400, lengths("", "x", "3x", "x3", "+3", "-3", "-0", "3.0",
		"3e0", "0x3", "3 3", "3;", "3;4", "\"3\"", "３", "3\t4", "3_0", ",", "3, x", "3, 4", "3,3,4", "4, 3",
		"3\r\nContent-Length: 4", "3\r\nContent-Length: x", "x\r\nContent-Length: 3", "3\r\nX: y\r\ncontent-length: 03x")...)},
	{name: "9112 6.3 the same Content-Length again", talks: followed(gives(hello), lengths("3, 3", "3,3", "3 ,\t3, 3",
		"3\r\nContent-Length: 3", "3\r\nX: y\r\nCONTENT-LENGTH: 3", "3, 3\r\nContent-Length: 3")...)},
	{name: "9112 6.3 incomplete content", talks: []talk{
		ask(get("/hello.txt", "Content-Length: 10")+"abc", is(400)).halfClosed(),
		ask(request("POST /hello.txt", "Content-Length: 10"), is(400)).halfClosed(),
		ask(chunked, is(400)).halfClosed(),
		ask(chunked+"3\r\nabc\r\n", is(400)).halfClosed(),
		ask(chunked+"3\r\nabc\r\n0\r\n", is(400)).halfClosed(),
		ask(chunked+"a\r\nabc", is(400)).halfClosed(),
		ask(chunked+"0\r\nX: y\r\n", is(400)).halfClosed(),
		ask(get("/kilo.bin")+get("/hello.txt", "Content-Length: 10")+"abc", gives(kilo), is(400)).halfClosed(),
	}},
	{name: "9112 6.3 no length is no content", talks: []talk{
		ask(request("POST /hello.txt")+get("/kilo.bin"), is(405), gives(kilo)).perhaps(),
		ask(get("/hello.txt", "Content-Type: text/plain")+get("/kilo.bin"), gives(hello), gives(kilo)),
		ask(request("BREW /hello.txt")+get("/kilo.bin"), is(501), gives(kilo)).perhaps(),
	}},
	{name: "9112 7 codings in any case", talks: slices.Concat(
		followed(gives(hello), prefixed("GET /hello.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ", "CHUNKED\r\n\r\n0\r\n\r\n",
			"Chunked\r\n\r\n0\r\n\r\n", "chunKed\r\n\r\n3\r\nabc\r\n0\r\n\r\n")...),
		refused(501, transferEncodings("GZIP, CHUNKED")...))},
	{name: "9112 7.1 chunks that are none", talks: refused(400, inChunks(
		"g\r\n", "\r\n", "-1\r\n", "+3\r\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", " 3\r\nabc\r\n0\r\n\r\n",
		"3 \r\nabc\r\n0\r\n\r\n", "3\t\r\nabc\r\n0\r\n\r\n", "3.0\r\nabc\r\n0\r\n\r\n",
		"3\nabc\r\n0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "3\r\nabc\r\n0\n\r\n", "3\r\nabc\r\n0\r\n\n", "3\r\nabcd\r\n0\r\n\r\n",
		"3\r\nab\r\n0\r\n\r\n", "3\r\nabc0\r\n\r\n", "3\r\nabc \r\n0\r\n\r\n",
		"3\r\nabc\r\n\r\n", "3,3\r\nabc\r\n0\r\n\r\n", "3 4\r\nabc\r\n0\r\n\r\n", "3\x00\r\nabc\r\n0\r\n\r\n",
		"\xef\xbc\x93\r\nabc\r\n0\r\n\r\n", "3h\r\nabc\r\n0\r\n\r\n", ";x\r\n0\r\n\r\n",
		"0\r\nx\r\n\r\n", "0\r\n: x\r\n\r\n", "0\r\nx y: z\r\n\r\n", "0\r\nX: a\x00b\r\n\r\n", "0\r\nX: y\n\r\n",
		"0\r\n X: y\r\n\r\n", "0\r\nX: y\r\n\r"+"x")...)},
	{name: "9112 7.1 chunk sizes without end", config: Config{MaxBody: 1000}, talks: slices.Concat(
		tooLong(inChunks("10000000000000000\r\n"+kilo, "10000000000000003\r\nabc\r\n0\r\n\r\n"+kilo, "FFFFFFFFFFFFFFFF\r\n"+kilo,
			"FFFFFFFFFFFFFFFD\r\nabc\r\n"+kilo, "7FFFFFFFFFFFFFFF\r\n"+kilo, "8000000000000000\r\n"+kilo,
			"100000003\r\nabc\r\n0\r\n\r\n"+kilo, "80000003\r\nabc\r\n0\r\n\r\n"+kilo, "3\r\nabc\r\n"+strings.Repeat("f",
				40)+"\r\n"+kilo, strings.Repeat("f", 5000)+"\r\n")...),
		followed(gives(hello), inChunks("0000000000000003\r\nabc\r\n0\r\n\r\n")...))},
	{name: "9112 7.1 zeros before a chunk size", talks: slices.Concat(
		followed(gives(hello), inChunks(strings.Repeat("0", 17)+"3\r\nabc\r\n0\r\n\r\n", strings.Repeat("0", 40)+"3;a\r\nabc\r\n"+strings.Repeat("0", 40)+"\r\n\r\n")...),
		tooLong(inChunks(strings.Repeat("0", 40)+"10000000000000000\r\nabc\r\n", strings.Repeat("0", 20000)+"3\r\nabc\r\n")...))},
	{name: "9112 7.1 chunked has no parameters", talks: refused(400, transferEncodings("chunked;a=b", "chunked; q=1", "chunked;a",
		"chunked ;a=b")...)},
	{name: "9112 7.1.1 extensions are ignored", talks: followed(gives(hello), inChunks(
		"3;a\r\nabc\r\n0\r\n\r\n", "3;a=b\r\nabc\r\n0;c=d\r\n\r\n", "3;a=b;c;d=\"e\"\r\nabc\r\n0\r\n\r\n",
		"3;a=\"b;c\"\r\nabc\r\n0\r\n\r\n", "3;a=\"\\\"\\\\;\"\r\nabc\r\n0\r\n\r\n",
		"3;a=\"\"\r\nabc\r\n0\r\n\r\n", "3;a=\"\xc3\xa4\t \"\r\nabc\r\n0\r\n\r\n", "3;a=5\r\nabc\r\n0\r\n\r\n",
		"3;"+strings.Repeat("a", 100)+"\r\nabc\r\n0\r\n\r\n")...)},
	{name: "9112 7.1.1 extensions that are none", talks: refused(400, inChunks(
		"3;\r\nabc\r\n0\r\n\r\n", "3;=b\r\nabc\r\n0\r\n\r\n", "3;a=\r\nabc\r\n0\r\n\r\n", "3;a b\r\nabc\r\n0\r\n\r\n",
		"3;a=b c\r\nabc\r\n0\r\n\r\n", "3;a=\"b\r\nabc\r\n0\r\n\r\n", "3;a=\"b\"c\r\nabc\r\n0\r\n\r\n",
		"3;a\nabc\r\n0\r\n\r\n", "3;a=\"\n\"\r\nabc\r\n0\r\n\r\n", "3;a\x00\r\nabc\r\n0\r\n\r\n", "3;a;\r\nabc\r\n0\r\n\r\n",
		"3;;a\r\nabc\r\n0\r\n\r\n", "3;(a)\r\nabc\r\n0\r\n\r\n", "3;a=\"\x01\"\r\nabc\r\n0\r\n\r\n")...)},
	{name: "9112 7.1.1 extensions without end", talks: tooLong(inChunks(
		"3;"+strings.Repeat("a", 100000)+"\r\nabc\r\n0\r\n\r\n", "3;a=\""+strings.Repeat("a", 100000)+"\"\r\nabc\r\n0\r\n\r\n",
		strings.Repeat("1;"+strings.Repeat("a", 200)+"\r\nb\r\n", 2000)+"0\r\n\r\n")...)},
	{name: "9112 7.1.2 trailers change nothing", talks: slices.Concat(
		followed(gives(hello), inChunks(
			"0\r\nX: y\r\n\r\n", "3\r\nabc\r\n0\r\nX: y\r\nZ:\r\n\r\n", "0\r\nHost: b\r\n\r\n", "0\r\nContent-Length: 5\r\n\r\n",
			"0\r\nTransfer-Encoding: gzip\r\n\r\n", "0\r\nConnection: close\r\n\r\n",
			"0\r\nRange: bytes=0-0\r\n\r\n", "0\r\nIf-None-Match: *\r\n\r\n", "0\r\nIf-Match: \"x\"\r\n\r\n",
			"0\r\nExpect: more\r\n\r\n", "0\r\nAccept: text/html\r\nTrailer: X\r\n\r\n")...),
		[]talk{ask(get("/none", "Transfer-Encoding: chunked")+"0\r\nAccept: text/html\r\n\r\n",
			is(404).where(mediaType("text/plain")))})},
	{name: "9112 7.1.2 trailers without end", talks: tooLong(inChunks("0\r\nX: "+strings.Repeat("y", 100000)+"\r\n\r\n",
		"0\r\n"+strings.Repeat("X: y\r\n", 20000)+"\r\n")...)},
	{name: "9112 7.4 TE is no order", talks: answered(gives(hello), withFields("TE: gzip",
		"TE: trailers, deflate;q=0.5\r\nConnection: TE", "TE:", "TE: chunked", "TE: gzip;q=0")...)},
	{name: "9112 8 an incomplete head", talks: []talk{
		ask("GET", is(400)).halfClosed(), ask("GET /hello.txt HTTP/1.1\r\n", is(400)).halfClosed(),
		ask("GET /hello.txt HTTP/1.1\r\nHost: a\r\n", is(400)).halfClosed(),
		ask(strings.TrimSuffix(get("/hello.txt"), "\n"), is(400)).halfClosed(), ask(get("/kilo.bin")+"GET /he", gives(kilo),
			is(400)).halfClosed(),
		ask("").halfClosed(),
	}},
}

// transferEncodings is a request with an empty chunked body for each of these.
func transferEncodings(values ...string) (sends []string) {
	for _, v := range values {
		sends = append(sends, get("/hello.txt", "Transfer-Encoding: "+v)+"0\r\n\r\n")
	}
	return sends
}

// lengths is a request with three bytes of content for each of these.
func lengths(values ...string) (sends []string) {
	for _, v := range values {
		sends = append(sends, get("/hello.txt", "Content-Length: "+v)+"abc")
	}
	return sends
}

// tooLong has each of these answered with a 4xx that says so, and no more.
func tooLong(sends ...string) (talks []talk) {
	for _, s := range sends {
		talks = append(talks, ask(s, is(400, 413, 431)).closing())
	}
	return talks
}

func mediaType(kind string) func(*response) error {
	return func(r *response) error {
		if got, _, _ := strings.Cut(r.get("Content-Type"), ";"); got != kind {
			return fmt.Errorf("Content-Type: %s, not %s", r.get("Content-Type"), kind)
		}
		return nil
	}
}

// RFC 9112 section 9: the connection.
var connections = []rule{
	{name: "9112 9.3 close ends it", talks: slices.Concat(
		over(withFields("Connection: close", "connection: CLOSE", "Connection: x, close", "Connection: close, keep-alive",
			"Connection: keep-alive\r\nConnection: close", "Connection: ,, close ,",
			"Connection: close\r\nConnection: x", "Connection: close\r\nContent-Length: 0")...),
		[]talk{
			ask(request("HEAD /hello.txt", "Connection: close"), is(200).toHEAD()).closing(),
			ask(request("OPTIONS *", "Connection: close"), is(204)).closing(),
			ask(get("/none", "Connection: close"), is(404)).closing(),
			ask(get("/large.bin", "Connection: close"), gives(large)).closing(),
			ask(get("/hello.txt", "Connection: close", "Content-Length: 3")+"abc", gives(hello)).closing(),
			ask(request("POST /hello.txt", "Connection: close"), is(405)).closing(),
			ask(head("GET /hello.txt HTTP/1.2", "Host: a", "Connection: close"), gives(hello)).closing(),
		})},
	{name: "9112 9.3 HTTP/1.1 goes on", talks: slices.Concat(
		followed(gives(hello), withFields("X: close", "Connection: keep-alive", "Connection: x", "Connection: closed",
			"Connection: clos", "Connection: not-close", "Connection:", "Connection: \"close\"", "Keep-Alive: timeout=0",
			"Proxy-Connection: close")...),
		[]talk{ask(head("GET /hello.txt HTTP/1.9", "Host: a"), gives(hello))})},
	{name: "9112 9.3 HTTP/1.0 ends", talks: []talk{
		ask(old("GET /hello.txt"), gives(hello).to10()).closing(),
		ask(old("GET /hello.txt")+get("/kilo.bin"), gives(hello).to10()).closing().atOnce(),
		ask(old("GET /hello.txt", "Connection: x"), gives(hello).to10()).closing(),
		ask(old("GET /hello.txt", "Connection: x")+get("/kilo.bin"), gives(hello).to10()).closing().atOnce(),
		ask(old("GET /hello.txt", "Connection: keep-alive, close"), gives(hello).to10()).closing(),
		ask(old("GET /hello.txt", "Connection: keep-alive, close")+get("/kilo.bin"), gives(hello).to10()).closing().atOnce(),
		ask(old("GET /hello.txt", "Keep-Alive: 300"), gives(hello).to10()).closing(),
		ask(old("GET /hello.txt", "Keep-Alive: 300")+get("/kilo.bin"), gives(hello).to10()).closing().atOnce(),
		ask(old("GET /none"), is(404).to10()).closing(),
		ask(old("GET /large.bin"), gives(large).to10()).closing(),
		ask(old("HEAD /hello.txt"), is(200).toHEAD().to10()).closing(),
	}},
	{name: "9112 9.3 HTTP/1.0 asks to go on", talks: []talk{
		ask(old("GET /hello.txt", "Connection: keep-alive")+get("/kilo.bin"), gives(hello).to10(), gives(kilo)),
		ask(old("GET /hello.txt", "Connection: x, Keep-Alive")+old("GET /kilo.bin"), gives(hello).to10(),
			gives(kilo).to10()).closing(),
		ask(old("GET /large.bin", "Connection: KEEP-ALIVE")+get("/kilo.bin"), gives(large).to10(), gives(kilo)),
		ask(old("GET /none", "Connection: keep-alive")+get("/kilo.bin"), is(404).to10(), gives(kilo)),
		ask(old("GET /hello.txt", "Connection: keep-alive", "If-None-Match: *")+get("/kilo.bin"), is(304).to10(), gives(kilo)),
	}},
	{name: "9112 9.3 all of the content is read", talks: []talk{
		ask(get("/hello.txt", "Content-Length: 100000")+strings.Repeat(get("/none"), 5000)[:100000]+get("/kilo.bin"), gives(hello),
			gives(kilo)),
		ask(chunked+strings.Repeat("400\r\n"+kilo+"\r\n", 200)+"0\r\n\r\n"+get("/kilo.bin"), gives(hello), gives(kilo)),
	}},
	{name: "9112 9.3 or the connection ends", config: Config{MaxBody: 1000}, talks: []talk{
		ask(get("/hello.txt", "Content-Length: 1000")+kilo[:1000]+get("/kilo.bin"), gives(hello), gives(kilo)),
		ask(get("/hello.txt", "Content-Length: 1001")+kilo[:1001]+get("/kilo.bin"), is(413)).closing(),
		ask(request("POST /hello.txt", "Content-Length: 1001")+kilo[:1001]+get("/kilo.bin"), is(413, 405)).closing(),
		ask(chunked+"400\r\n"+kilo+"\r\n0\r\n\r\n"+get("/kilo.bin"), is(413)).closing(),
		ask(chunked+strings.Repeat("1\r\na\r\n", 1001)+"0\r\n\r\n"+get("/kilo.bin"), is(413)).closing(),
	}},
	{name: "9112 9.3.2 answers in order", talks: []talk{
		ask(strings.Repeat(get("/hello.txt"), 50), slices.Repeat([]want{gives(hello)}, 50)...),
		ask(get("/hello.txt")+get("/large.bin")+get("/kilo.bin")+get("/large.bin")+get("/empty.txt"), gives(hello), gives(large),
			gives(kilo), gives(large), gives("")),
		ask(request("HEAD /kilo.bin")+get("/none")+get("/kilo.bin", "Range: bytes=1-2")+get("/hello.txt",
			"If-None-Match: *")+request("OPTIONS *")+get("/dir")+get("/bare/")+get("/hello.txt"),
			is(200).toHEAD().with("Content-Length: 1024"), is(404), is(206), is(304), is(204), is(301), is(403), gives(hello)),
		ask(get("/hello.txt", "Content-Length: 3")+"abc"+request("HEAD /large.bin")+chunked+"0\r\n\r\n"+get("/kilo.bin"),
			gives(hello), is(200).toHEAD(), gives(hello), gives(kilo)),
		ask(get("/large.bin")+get("/hello.txt")+"no request\r\n\r\n"+get("/kilo.bin"), gives(large), gives(hello),
			is(400)).closing(),
		ask(get("/hello.txt")+get("/kilo.bin", "Connection: close")+get("/large.bin"), gives(hello),
			gives(kilo)).closing().atOnce(),
	}},
	{name: "9112 9.5 an idle connection is closed in an orderly way", waits: true, config: Config{Timeouts: Timeouts{Head: 200 * time.Millisecond, Idle: 200 * time.Millisecond}}, run: func(t *testing.T, s *served) {
		c := s.dial(t)
		in := bufio.NewReader(c)
		io.WriteString(c, get("/hello.txt"))
		if _, err := final(in, question{}); err != nil {
			t.Fatal(err)
		}
		if err := ended(in); err != nil {
			t.Error(err)
		}
		c.Close()
		c = s.dial(t)
		if err := ended(bufio.NewReader(c)); err != nil {
			t.Errorf("nothing was ever sent: %v", err)
		}
	}},
	{name: "9112 2.2 an empty line behind a request", waits: true, config: Config{Timeouts: Timeouts{Head: 500 * time.Millisecond, Idle: 500 * time.Millisecond}}, run: func(t *testing.T, s *served) {
		for _, behind := range []string{"\r", "\r\n"} {
			for _, half := range []bool{true, false} {
				c := s.dial(t)
				in := bufio.NewReader(c)
				io.WriteString(c, get("/hello.txt")+behind)
				if half {
					c.(*net.TCPConn).CloseWrite()
				}
				if r, err := final(in, question{}); err != nil || r.body != hello {
					t.Errorf("%q: %v", behind, err)
				}
				if err := ended(in); err != nil { // with no answer to a request that nobody made
					t.Errorf("%q, half closed %v: %v", behind, half, err)
				}
				c.Close()
			}
		}
	}},
	{name: "9110 15.5.9 half a request in silence", waits: true, config: Config{Timeouts: Timeouts{Head: 200 * time.Millisecond,
		Body: 200 * time.Millisecond}}, talks: []talk{
		ask("GET /he", is(408)).closing(), ask("GET /hello.txt HTTP/1.1\r\nHost: a\r\n", is(408)).closing(),
		ask(get("/hello.txt", "Content-Length: 5")+"ab", is(408)).closing(), ask(chunked+"5\r\nab", is(408)).closing(),
		ask(get("/kilo.bin")+"GET", gives(kilo), is(408)).closing(),
	}},
	{name: "9110 15.5.9 content that comes too slowly", waits: true, config: Config{Timeouts: Timeouts{Body: 500 * time.Millisecond}}, run: func(t *testing.T, s *served) {
		c := s.dial(t)
		stop := make(chan struct{})
		defer close(stop)
		io.WriteString(c, get("/hello.txt", "Content-Length: 9999"))
		go func() { // never a pause of half a second, and below 500 bytes a second
			for {
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Millisecond):
					io.WriteString(c, "abc")
				}
			}
		}()
		r, err := final(bufio.NewReader(c), question{})
		if err != nil || r.status != 408 || !r.closes() {
			t.Fatalf("%v, %v, not a 408", r, err)
		}
		if why := strings.Join(strings.Fields(r.body), " "); !strings.Contains(why, "less than 500 bytes a second for 500ms") {
			t.Errorf("it does not say why: %s", why)
		}
	}},
	{name: "9112 9.5 the client's end is noticed", run: func(t *testing.T, s *served) {
		for _, before := range []string{"", get("/hello.txt")} {
			began := time.Now()
			c := s.dial(t)
			in := bufio.NewReader(c)
			if before != "" {
				io.WriteString(c, before)
				if _, err := final(in, question{}); err != nil {
					t.Fatal(err)
				}
			}
			c.(*net.TCPConn).CloseWrite()
			if err := ended(in); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("noticed after %v", took)
			}
			c.Close()
		}
	}},
	{name: "9112 9.5 a connection is sustained", run: func(t *testing.T, s *served) {
		c := s.dial(t)
		in := bufio.NewReader(c)
		for i := range 300 {
			path, content := "/hello.txt", hello
			if i%100 == 0 {
				path, content = "/large.bin", large
			}
			io.WriteString(c, get(path))
			if r, err := final(in, question{}); err != nil || r.body != content || r.closes() {
				t.Fatalf("request %d: %v", i+1, err)
			}
		}
	}},
	{name: "9112 9.6 nothing is processed after close", talks: []talk{
		ask(get("/hello.txt", "Connection: close")+get("/kilo.bin")+get("/kilo.bin"), gives(hello)).closing().atOnce(),
		ask(get("/large.bin", "Connection: close")+strings.Repeat(get("/kilo.bin"), 1000), gives(large)).closing().atOnce(),
		ask("no request\r\n\r\n"+strings.Repeat(get("/kilo.bin"), 1000), is(400)).closing(),
		ask(old("GET /hello.txt")+strings.Repeat("x", 100000), gives(hello).to10()).closing().atOnce(),
	}},
	{name: "9112 9.6 an early answer reaches a client that still sends", run: func(t *testing.T, s *served) {
		const more = 8 << 20 // than all buffers on the way hold
		for status, send := range map[int]string{
			413: request("POST /hello.txt", fmt.Sprintf("Content-Length: %d", more)),
			400: "no request\r\n\r\n",
			414: "GET /" + strings.Repeat("a", 10000),
			431: "GET / HTTP/1.1\r\nHost: a\r\nX: ",
			501: get("/", "Transfer-Encoding: gzip, chunked"),
			200: get("/hello.txt", "Connection: close"),
		} {
			c := s.dial(t)
			if _, err := io.WriteString(c, send+strings.Repeat("a", more)); err != nil {
				t.Errorf("%d: while sending: %v", status, err)
			}
			in := bufio.NewReader(c)
			r, err := final(in, question{})
			if err != nil {
				t.Fatalf("%d: %v", status, err)
			}
			if r.status != status || !r.closes() {
				t.Errorf("%q, not a %d", r.raw, status)
			}
			if err := ended(in); err != nil {
				t.Errorf("%d: %v", status, err)
			}
			c.Close()
		}
	}},
	{name: "9112 9.6 a half-closed client is answered", talks: []talk{
		{send: get("/hello.txt"), half: true, want: []want{gives(hello)}, then: either},
		{send: get("/large.bin"), half: true, want: []want{gives(large)}, then: either},
		{send: get("/hello.txt") + get("/large.bin") + request("HEAD /hello.txt") + get("/kilo.bin"), half: true,
			want: []want{gives(hello), gives(large), is(200).toHEAD(), gives(kilo)}, then: either},
		{send: get("/hello.txt", "Content-Length: 3") + "abc", half: true, want: []want{gives(hello)}, then: either},
		{send: get("/hello.txt", "Connection: close"), half: true, want: []want{gives(hello)}, then: closes},
		{send: old("GET /hello.txt"), half: true, want: []want{gives(hello).to10()}, then: closes},
		{send: "no request\r\n\r\n", half: true, want: []want{is(400)}, then: closes},
	}},
}

// over has each of these answered with /hello.txt, and nothing more.
func over(sends ...string) (talks []talk) {
	for _, s := range sends {
		talks = append(talks, ask(s, gives(hello)).closing(), ask(s+get("/kilo.bin"), gives(hello)).closing().atOnce())
	}
	return talks
}
