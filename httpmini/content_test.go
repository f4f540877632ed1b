package httpmini_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fd3/httpmini"
)

const chunkedHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

// chunked is the content of a request with chunks.
func chunked() httpmini.Content {
	return (&httpmini.Request{Chunked: true, ContentLength: -1}).Content()
}

func sized(length int64) httpmini.Content {
	return (&httpmini.Request{ContentLength: length}).Content()
}

// goodChunks are whole contents in chunks, and what is in them.
var goodChunks = map[string]struct{ b, data string }{
	"RFC 9112 7.1 plain":                       {"4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n", "wikipedia"},
	"RFC 9112 7.1 no chunk but the last":       {"0\r\n\r\n", ""},
	"RFC 9112 7.1 several zeros":               {"1\r\na\r\n0000\r\n\r\n", "a"},
	"RFC 9112 7.1 leading zeros":               {"0000000000000002\r\nab\r\n0000000000000000\r\n\r\n", "ab"},
	"RFC 9112 7.1 hexadecimal in either case":  {"a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a"},
	"RFC 9112 7.1 line ends in the data":       {"6\r\n\r\n0\r\n\r\r\n0\r\n\r\n", "\r\n0\r\n\r"},
	"RFC 9112 7.1.1 extensions":                {"4;a\r\nwiki\r\n5;b=c;d;e=\"f; \\\"g\xfc\t\\\t\"\r\npedia\r\n0;last\r\n\r\n", "wikipedia"},
	"RFC 9112 7.1.1 whitespace in extensions":  {"1 ; \ta\t = b\t;c\t;\td=\"\" ;e = f\r\nx\r\n0\t;\ta\r\n\r\n", "x"},
	"RFC 9112 7.1.1 empty value in quotes":     {"1;a=\"\"\r\nx\r\n0\r\n\r\n", "x"},
	"RFC 9112 7.1.2 trailer fields":            {"1\r\nx\r\n0\r\nDigest:  x y \t\r\nE:\r\n\r\n", "x"},
	"RFC 9112 7.1.2 obs-text in a trailer":     {"0\r\nX: gr\xfc\xdfe\tx\r\n\r\n", ""},
	"RFC 9110 6.5.1 framing fields in trailer": {"1\r\nx\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\nHost: b\r\nHost: c\r\n\r\n", "x"},
}

func TestContentTokens(t *testing.T) {
	b := []byte("2;x=\"y\"\r\nab\r\n003\r\ncde\r\n0 ;z\r\nA: b c \r\nD:\r\n\r\nGET")
	var tokens []httpmini.Token
	c := chunked()
	end, err := c.Span(b, 0, &tokens)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, tokens, end)
	want := `chunk size "2"
chunk extension ";x=\"y\""
CRLF "\r\n"
body "ab"
CRLF "\r\n"
chunk size "003"
CRLF "\r\n"
body "cde"
CRLF "\r\n"
last chunk "0"
chunk extension " ;z"
CRLF "\r\n"
field name "A"
colon ":"
optional whitespace " "
field value "b c"
optional whitespace " "
CRLF "\r\n"
field name "D"
colon ":"
CRLF "\r\n"
empty line "\r\n"
`
	if got := spell(b, tokens); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// take goes through the pieces as they come, and keeps none of them. It gives the
// content, how many bytes were taken, and a BadError as if all had come at once.
func take(t *testing.T, c *httpmini.Content, pieces ...string) (data string, taken int, err error) {
	t.Helper()
	var tokens []httpmini.Token
	var all []byte
	err = httpmini.ErrMore
	for i, piece := range pieces {
		for first := true; err == httpmini.ErrMore && (piece != "" || first && i == 0); first = false {
			b := []byte(piece)
			silent := *c
			some, n, e := c.Next(b, &tokens)
			if n < 0 || n > len(b) || e == httpmini.ErrMore && n < len(b) && len(some) == 0 {
				t.Fatalf("%d of %q were taken, with %q and %v", n, b, some, e)
			}
			checkTokens(t, tokens, n)
			bodies := slices.DeleteFunc(tokens, func(k httpmini.Token) bool { return k.Kind != httpmini.MessageBody })
			if len(bodies) > 1 || len(bodies) == 1 && string(b[bodies[0].Start:bodies[0].End]) != string(some) || len(bodies) == 0 && len(some) > 0 {
				t.Fatalf("tokens %v for data %q of %q", tokens, some, b)
			}
			if some2, n2, e2 := silent.Next(b, nil); string(some2) != string(some) || n2 != n || !reflect.DeepEqual(e2, e) || silent != *c {
				t.Fatalf("%q, %d, %v without tokens; %q, %d, %v with them", some2, n2, e2, some, n, e)
			}
			var bad *httpmini.BadError
			if errors.As(e, &bad) {
				if bad.Offset < n || bad.Offset >= len(b) || bad.Why == "" || len(some) > 0 {
					t.Fatalf("%+v in %q, after %d and %q", bad, b, n, some)
				}
				bad.Offset += taken
			}
			all, taken, err = append(all, some...), taken+n, e
			piece = piece[n:]
		}
	}
	return string(all), taken, err
}

// splits are ways in which b may come: at once, in two, three, and byte by byte.
func splits(b string) [][]string {
	all := [][]string{{b}, strings.Split(b, "")}
	for i := range len(b) {
		all = append(all, []string{b[:i], b[i:]})
		j := i + (len(b)-i)/2
		all = append(all, []string{b[:i], b[i:j], b[j:]})
	}
	return all
}

func TestContentChunked(t *testing.T) {
	for name, tt := range goodChunks {
		t.Run(name, func(t *testing.T) {
			for _, pieces := range splits(tt.b + "GET") {
				c := chunked()
				if data, n, err := take(t, &c, pieces...); data != tt.data || n != len(tt.b) || err != nil {
					t.Fatalf("%q: %q, %d, %v, want %q, %d", pieces, data, n, err, tt.data, len(tt.b))
				}
				if data, n, err := c.Next([]byte("GET"), nil); len(data) > 0 || n != 0 || err != nil {
					t.Fatalf("after the end: %q, %d, %v", data, n, err)
				}
			}
			for i := range len(tt.b) {
				c := chunked()
				if _, n, err := take(t, &c, tt.b[:i]); n != i || err != httpmini.ErrMore {
					t.Fatalf("%q: %d, %v, want ErrMore", tt.b[:i], n, err)
				}
			}
		})
	}
}

func TestContentLength(t *testing.T) {
	const b = "wikipedia"
	for length := range int64(len(b) + 3) {
		there := min(int(length), len(b))
		for _, pieces := range splits(b) {
			c := sized(length)
			data, n, err := take(t, &c, pieces...)
			if more := int(length) > len(b); data != b[:there] || n != there || more != (err == httpmini.ErrMore) || !more && err != nil {
				t.Fatalf("%d of %q: %q, %d, %v", length, pieces, data, n, err)
			}
		}
	}
	c := sized(1<<63 - 1)
	if data, _, err := take(t, &c, b); data != b || err != httpmini.ErrMore {
		t.Errorf("%q, %v", data, err)
	}
	c = sized(0)
	if data, n, err := c.Next(nil, nil); data != nil || n != 0 || err != nil {
		t.Errorf("no content: %q, %d, %v", data, n, err)
	}
}

// The marker ^ stands before the byte that BadError.Offset has to point at.
var badChunks = map[string]struct {
	b      string
	status int
	why    string
}{
	"RFC 9112 7.1 no size":                       {"^\r\n\r\n", 400, "empty line"},
	"RFC 9112 7.1 no size but an extension":      {"^;a\r\n\r\n", 400, "starts with its size"},
	"RFC 9112 7.1 no hexadecimal digit":          {"^g\r\n", 400, "starts with its size"},
	"RFC 9112 7.1 prefix":                        {"0^x5\r\n", 400, "prefix"},
	"RFC 9112 7.1 sign":                          {"^+5\r\n", 400, "starts with its size"},
	"RFC 9112 7.1 minus sign":                    {"^-1\r\n", 400, "starts with its size"},
	"RFC 9112 7.1 space before the size":         {"^ 5\r\n", 400, "starts with its size"},
	"RFC 9112 7.1 underscore":                    {"1^_0\r\n", 400, "prefix"},
	"RFC 9112 7.1 more than 63 bits":             {"800000000000000^0\r\n", 400, "63 bits"},
	"RFC 9112 7.1 more than 64 bits":             {"fffffffffffffff^fff\r\n", 400, "63 bits"},
	"RFC 9112 7.1 zeros without end":             {strings.Repeat("0", httpmini.FreeSizeDigits+httpmini.MaxChunkExtensions) + "^0\r\n", 400, "zeros before chunk sizes"},
	"RFC 9112 7.1 zeros and extensions":          {strings.Repeat("0", httpmini.FreeSizeDigits+httpmini.MaxChunkExtensions) + "^;\r\n", 400, "extensions come to"},
	"RFC 9112 2.2 bare LF, size":                 {"5^\nwikip\r\n", 400, "bare LF"},
	"RFC 9112 2.2 bare CR, size":                 {"5\r^wikip\r\n", 400, "bare CR"},
	"RFC 9112 2.2 CR CR LF, size":                {"5\r^\r\nwikip\r\n", 400, "bare CR"},
	"RFC 9112 2.2 bare LF, data":                 {"1\r\nx^\n0\r\n\r\n", 400, "bare LF"},
	"RFC 9112 2.2 bare CR, data":                 {"1\r\nx\r^0\r\n\r\n", 400, "bare CR"},
	"RFC 9112 7.1 more data than the size says":  {"1\r\nx^y\r\n0\r\n\r\n", 400, "CR LF has to follow"},
	"RFC 9112 7.1 less data than the size says":  {"3\r\nx\r\n^0\r\n\r\n", 400, "CR LF has to follow"},
	"RFC 9112 2.2 bare LF, last chunk":           {"0^\n\r\n", 400, "bare LF"},
	"RFC 9112 2.2 bare LF, empty line":           {"0\r\n^\n", 400, "bare LF"},
	"RFC 9112 2.2 bare CR, empty line":           {"0\r\n\r^GET", 400, "bare CR"},
	"RFC 9112 7.1.1 whitespace alone":            {"5 ^\r\nwikip\r\n", 400, "in the middle"},
	"RFC 9112 7.1.1 whitespace, then a digit":    {"5 ^5\r\n", 400, "chunk extension"},
	"RFC 9112 7.1.1 no name":                     {"5;^\r\n", 400, "in the middle"},
	"RFC 9112 7.1.1 no name but a value":         {"5;^=a\r\n", 400, ";name=value"},
	"RFC 9112 7.1.1 two semicolons":              {"5;^;a\r\n", 400, ";name=value"},
	"RFC 9112 7.1.1 no value":                    {"5;a=^\r\n", 400, "in the middle"},
	"RFC 9112 7.1.1 no value but a semicolon":    {"5;a=^;b\r\n", 400, ";name=value"},
	"RFC 9112 7.1.1 two values":                  {"5;a=b^=c\r\n", 400, ";name=value"},
	"RFC 9112 7.1.1 two words":                   {"5;a ^b\r\n", 400, ";name=value"},
	"RFC 9112 7.1.1 whitespace after a name":     {"5;a ^\r\n", 400, "in the middle"},
	"RFC 9112 7.1.1 whitespace after a value":    {"5;a=b ^\r\n", 400, "in the middle"},
	"RFC 9112 7.1.1 text after quotes":           {"5;a=\"b\"^c\r\n", 400, ";name=value"},
	"RFC 9112 7.1.1 open quotes":                 {"5;a=\"b^\r\n\"\r\n", 400, "in the middle"},
	"RFC 9112 7.1.1 LF in quotes":                {"5;a=\"b^\n\"\r\n", 400, "bare LF"},
	"RFC 9112 7.1.1 escaped CR":                  {"5;a=\"b\\^\r\"\r\n", 400, "in the middle"},
	"RFC 9112 7.1.1 NUL in quotes":               {"5;a=\"^\x00\"\r\n", 400, "NUL"},
	"RFC 9112 7.1.1 bare LF":                     {"5;a^\nwikip\r\n", 400, "bare LF"},
	"RFC 9112 7.1.1 bare CR":                     {"5;a\r^x\n", 400, "bare CR"},
	"RFC 9112 7.1.1 one long extension":          {"5;" + strings.Repeat("a", httpmini.MaxChunkExtensions-1) + "^a\r\n", 400, "chunk extensions come to"},
	"RFC 9112 7.1.1 many extensions":             {strings.Repeat("1;"+strings.Repeat("a", 1023)+"\r\nx\r\n", httpmini.MaxChunkExtensions/1024) + "1^;\r\n", 400, "chunk extensions come to"},
	"RFC 9112 7.1.2 space before the colon":      {"0\r\nX^ : a\r\n\r\n", 400, "its colon"},
	"RFC 9112 7.1.2 no colon":                    {"0\r\nX^\r\n\r\n", 400, "CR stands in the field name"},
	"RFC 9112 7.1.2 no name":                     {"0\r\n^: a\r\n\r\n", 400, "no name"},
	"RFC 9112 7.1.2 bad name":                    {"0\r\nX^(: a\r\n\r\n", 400, "token"},
	"RFC 9112 7.1.2 whitespace first":            {"0\r\n^ X: a\r\n\r\n", 400, "obs-fold"},
	"RFC 9112 7.1.2 obs-fold":                    {"0\r\nX: a\r\n^ b\r\n\r\n", 400, "obs-fold"},
	"RFC 9112 7.1.2 NUL in a value":              {"0\r\nX: a^\x00\r\n\r\n", 400, "NUL"},
	"RFC 9112 7.1.2 DEL in a value":              {"0\r\nX: a^\x7f\r\n\r\n", 400, "0x7F"},
	"RFC 9112 7.1.2 bare LF":                     {"0\r\nX: a^\n\r\n", 400, "bare LF"},
	"RFC 9112 7.1.2 bare CR":                     {"0\r\nX: a\r^b\r\n\r\n", 400, "bare CR"},
	"RFC 9112 7.1.2 the next request in trailer": {"0\r\nGET^ / HTTP/1.1\r\n", 400, "its colon"},
	"RFC 6585 5 long trailer value":              {"0\r\nX:" + strings.Repeat("a", httpmini.MaxTrailer-1) + "^a\r\n", 431, "trailer fields come to"},
	"RFC 6585 5 long trailer name":               {"0\r\n" + strings.Repeat("a", httpmini.MaxTrailer) + "^a: x\r\n", 431, "trailer fields come to"},
	"RFC 6585 5 many trailer fields":             {"0\r\n" + strings.Repeat("X:\r\n", httpmini.MaxTrailer) + "^X:\r\n", 431, "trailer fields come to"},
}

func TestContentRefused(t *testing.T) {
	for name, tt := range badChunks {
		t.Run(name, func(t *testing.T) {
			before, after, ok := strings.Cut(tt.b, "^")
			if !ok {
				t.Fatal("no marker")
			}
			b := before + after
			all := splits(b)
			if len(b) > 1000 {
				all = [][]string{{b}, strings.Split(b, ""), {b[:9], b[9:]}, {before, after}, {before[:len(before)-1], b[len(before)-1:]}}
			}
			for _, pieces := range all {
				c := chunked()
				_, n, err := take(t, &c, pieces...)
				var e *httpmini.BadError
				if !errors.As(err, &e) || n > e.Offset {
					t.Fatalf("%q: %d, %v, want a BadError", pieces, n, err)
				}
				if e.Status != tt.status || e.Offset != len(before) || !strings.Contains(e.Why, tt.why) || !strings.Contains(e.Why, "(RFC ") {
					t.Fatalf("%q:\ngot  %d at %d: %s\nwant %d at %d: %s", pieces, e.Status, e.Offset, e.Why, tt.status, len(before), tt.why)
				}
			}
			c := chunked()
			if _, _, err := take(t, &c, before); err != httpmini.ErrMore {
				t.Errorf("%q: %v, want ErrMore", before, err)
			}
		})
	}
}

// What is exactly as long as its limit is let through.
func TestContentLimitsAreReached(t *testing.T) {
	for name, b := range map[string]string{
		"FreeSizeDigits":     strings.Repeat(strings.Repeat("0", httpmini.FreeSizeDigits-1)+"1\r\nx\r\n", httpmini.MaxChunkExtensions) + "0\r\n\r\n",
		"zeros":              strings.Repeat("0", httpmini.FreeSizeDigits+httpmini.MaxChunkExtensions-1) + "1\r\nx\r\n" + strings.Repeat("0", httpmini.FreeSizeDigits) + "\r\n\r\n",
		"MaxChunkExtensions": "1;" + strings.Repeat("a", httpmini.MaxChunkExtensions-1) + "\r\nx\r\n0\r\n\r\n",
		"MaxTrailer":         "0\r\nX: " + strings.Repeat("a", httpmini.MaxTrailer-2) + "\r\n\r\n",
		"both":               "1\r\nx\r\n0;" + strings.Repeat("a", httpmini.MaxChunkExtensions-1) + "\r\nX:" + strings.Repeat("a", httpmini.MaxTrailer-1) + "\r\n\r\n",
	} {
		c := chunked()
		if _, n, err := take(t, &c, b); n != len(b) || err != nil {
			t.Errorf("%s: %d of %d, %v", name, n, len(b), err)
		}
	}
	c := chunked()
	if _, n, err := take(t, &c, "7fffffffffffffff\r\nx"); n != 19 || err != httpmini.ErrMore {
		t.Errorf("the largest size: %d, %v", n, err)
	}
}

// One byte of content for each chunk is a lot of framing, and what a program sends
// that flushes after each byte.
func TestContentOfSmallChunks(t *testing.T) {
	const many = 100_000
	c := chunked()
	length := drain(&c, []byte(strings.Repeat("1\r\nx\r\n", many)+"0\r\n\r\n"))
	if _, _, err := c.Next(nil, nil); length != many || err != nil {
		t.Errorf("%d bytes, want %d, %v", length, many, err)
	}
}

func TestContentIsSmall(t *testing.T) {
	if size := reflect.TypeFor[httpmini.Content]().Size(); size > 40 {
		t.Errorf("%d bytes for each connection", size)
	}
}

// Tokens of a message whose head and content come in one buffer.
func TestContentSpan(t *testing.T) {
	b := []byte(chunkedHead + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET")
	var r httpmini.Request
	var tokens []httpmini.Token
	head, err := r.Parse(b, &tokens)
	if err != nil {
		t.Fatal(err)
	}
	for i := head; i <= len(b); i++ {
		mine := slices.Clone(tokens)
		c := r.Content()
		end, err := c.Span(b[:i], head, &mine)
		want, more := i, i < len(b)-len("GET")
		if !more {
			want = len(b) - len("GET")
		}
		if end != want || more != (err == httpmini.ErrMore) || !more && err != nil {
			t.Fatalf("%q: %d, %v, want %d", b[head:i], end, err, want)
		}
		checkTokens(t, mine, end)
		c = r.Content()
		if n, err2 := c.Span(b[:i], head, nil); n != end || err2 != err {
			t.Fatalf("%d, %v without tokens, %d, %v with", n, err2, end, err)
		}
	}
	c := r.Content()
	_, err = c.Span([]byte(chunkedHead+"3\r\nabcd"), head, nil)
	var bad *httpmini.BadError
	if !errors.As(err, &bad) || bad.Offset != len(chunkedHead)+len("3\r\nabc") {
		t.Error(err)
	}
}

func TestResponseContent(t *testing.T) {
	const sizedHead, chunkedHead = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, tt := range []struct {
		name, method, head, b, data string
		n                           int
		err                         error
	}{
		{"RFC 9112 6.3 item 1 HEAD", "HEAD", sizedHead, "ab", "", 0, nil},
		{"RFC 9112 6.3 item 1 HEAD, chunked", "HEAD", chunkedHead, "0\r\n\r\n", "", 0, nil},
		{"RFC 9112 6.3 item 1 304", "GET", "HTTP/1.1 304 \r\nContent-Length: 2\r\n\r\n", "ab", "", 0, nil},
		{"RFC 9112 6.3 item 4 chunked", "GET", chunkedHead, "1\r\na\r\n0\r\n\r\nb", "a", 11, nil},
		{"RFC 9112 6.3 item 4 coding until close", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "ab", "ab", 2, httpmini.ErrMore},
		{"RFC 9112 6.3 item 6 length", "GET", sizedHead, "abc", "ab", 2, nil},
		{"RFC 9112 6.3 item 8 until close", "GET", "HTTP/1.1 200 OK\r\n\r\n", "ab", "ab", 2, httpmini.ErrMore},
	} {
		var r httpmini.Response
		if _, err := r.Parse([]byte(tt.head), nil); err != nil {
			t.Fatal(err)
		}
		for _, pieces := range splits(tt.b) {
			c := r.Content(tt.method)
			if data, n, err := take(t, &c, pieces...); data != tt.data || n != tt.n || err != tt.err {
				t.Errorf("%s, %q: %q, %d, %v", tt.name, pieces, data, n, err)
			}
		}
	}
	r := httpmini.Response{Status: 200, ContentLength: -1, Chunked: true}
	c := r.Content("GET")
	var bad *httpmini.BadError
	if _, _, err := c.Next([]byte("x"), nil); !errors.As(err, &bad) || bad.Status != 0 {
		t.Errorf("%+v: a client has nobody to send a status to", err)
	}
}

// A server that keeps no byte of a content that it has seen: the pipeline comes
// in any pieces, and only heads are gathered.
func TestContentInAPipeline(t *testing.T) {
	check := func(pieces []string) {
		var head []byte
		var r httpmini.Request
		var c httpmini.Content
		var targets, bodies []string
		inBody, body := false, ""
		for _, piece := range pieces {
			for b := []byte(piece); len(b) > 0 || inBody && c == (httpmini.Content{}); {
				if inBody {
					data, n, err := c.Next(b, nil)
					body += string(data)
					b = b[n:]
					if err == nil {
						inBody, targets, bodies = false, append(targets, string(r.Target)), append(bodies, body)
					} else if err != httpmini.ErrMore {
						t.Fatal(err)
					}
					continue
				}
				before := len(head)
				head = append(head, b...)
				n, err := r.Parse(head, nil)
				if err == httpmini.ErrMore {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				b = b[n-before:]
				target := string(r.Target) // a view into head
				r.Target = []byte(target)
				head, c, inBody, body = head[:0], r.Content(), true, ""
			}
		}
		if !slices.Equal(targets, pipelineTargets) || !slices.Equal(bodies, pipelineBodies) {
			t.Fatalf("targets %q, bodies %q, from %q", targets, bodies, pieces)
		}
	}
	for _, pieces := range splits(pipeline) {
		check(pieces)
	}
}

func ExampleContent_Next() {
	var r httpmini.Request
	b := []byte("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n")
	n, _ := r.Parse(b, nil)
	content := r.Content()
	for {
		b = b[n:]
		data, taken, err := content.Next(b, nil)
		fmt.Printf("%q of %q\n", data, b[:taken])
		if err == nil {
			break
		}
		n = taken
	}
	// Output:
	// "wiki" of "4\r\nwiki"
	// "pedia" of "\r\n5\r\npedia"
	// "" of "\r\n0\r\n\r\n"
}
