package httpmini_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"fd3/httpmini"
)

func TestRequestTokens(t *testing.T) {
	b := []byte("\r\nPOST /f?x HTTP/1.1\r\nHost: \ta \r\nE:\r\nContent-Length: 3\r\n\r\nabcGET")
	var r httpmini.Request
	var tokens []httpmini.Token
	n, err := r.Parse(b, &tokens)
	if err != nil {
		t.Fatal(err)
	}
	content := r.Content()
	end, err := content.Span(b, n, &tokens)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, tokens, end)
	want := `leading empty line "\r\n"
method "POST"
space " "
target "/f?x"
space " "
version "HTTP/1.1"
CRLF "\r\n"
field name "Host"
colon ":"
optional whitespace " \t"
field value "a"
optional whitespace " "
CRLF "\r\n"
field name "E"
colon ":"
CRLF "\r\n"
field name "Content-Length"
colon ":"
optional whitespace " "
field value "3"
CRLF "\r\n"
empty line "\r\n"
body "abc"
`
	if got := spell(b, tokens); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestRequestValues(t *testing.T) {
	type values struct {
		Method, Target, Path, Query, Host string
		Form                              httpmini.Form
		Minor                             int
		Length                            int64
		Chunked, KeepAlive                bool
	}
	const origin = httpmini.OriginForm
	tests := map[string]values{
		"RFC 9112 3 plain":                          {"GET", "/", "/", "", "localhost:8080", origin, 1, 0, false, true},
		"RFC 9112 3 no fields in 1.0":               {"GET", "/", "/", "", "", origin, 0, 0, false, false},
		"RFC 9112 3.2 empty Host":                   {"GET", "/", "/", "", "", origin, 1, 0, false, true},
		"RFC 9112 3.2 Host is an IPv6 address":      {"GET", "/", "/", "", "[::1]:8080", origin, 1, 0, false, true},
		"RFC 9112 3.2.1 path and query":             {"GET", "/a/b%20c?x=1&y[]=%3C", "/a/b%20c", "x=1&y[]=%3C", "a", origin, 1, 0, false, true},
		"RFC 9112 3.2.2 absolute-form":              {"GET", "http://example.org:80/p?q", "/p", "q", "example.org:80", httpmini.AbsoluteForm, 1, 0, false, true},
		"RFC 9112 3.2.2 absolute-form, no path":     {"GET", "http://example.org?q", "/", "q", "example.org", httpmini.AbsoluteForm, 1, 0, false, true},
		"RFC 9112 3.2.3 authority-form":             {"CONNECT", "example.org:443", "", "", "example.org:443", httpmini.AuthorityForm, 1, 0, false, true},
		"RFC 9112 3.2.4 asterisk-form":              {"OPTIONS", "*", "", "", "a", httpmini.AsteriskForm, 1, 0, false, true},
		"RFC 9110 6.2 a later minor version":        {"GET", "/", "/", "", "a", origin, 7, 0, false, true},
		"RFC 9112 5.1 whitespace around a value":    {"GET", "/", "/", "", "a", origin, 1, 0, false, true},
		"RFC 9112 6.2 Content-Length":               {"POST", "/", "/", "", "a", origin, 1, 5, false, true},
		"RFC 9112 6.3 the same length twice":        {"POST", "/", "/", "", "a", origin, 1, 5, false, true},
		"RFC 9110 8.6 the longest length":           {"POST", "/", "/", "", "a", origin, 1, 1<<63 - 1, false, true},
		"RFC 9112 6.1 chunked":                      {"POST", "/", "/", "", "a", origin, 1, -1, true, true},
		"RFC 9110 5.6.1.2 empty codings":            {"POST", "/", "/", "", "a", origin, 1, -1, true, true},
		"RFC 9112 9.3 close":                        {"GET", "/", "/", "", "a", origin, 1, 0, false, false},
		"RFC 9112 9.3 keep-alive in 1.0":            {"GET", "/", "/", "", "", origin, 0, 0, false, true},
		"RFC 9112 9.3 close beats keep-alive":       {"GET", "/", "/", "", "", origin, 0, 0, false, false},
		"RFC 9110 5.6.1 keep-alive is a whole word": {"GET", "/", "/", "", "", origin, 0, 0, false, false},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			var r httpmini.Request
			b := goodRequests[name]
			n, err := r.Parse([]byte(b), nil)
			if err != nil || n != len(b) {
				t.Fatalf("%q: %d, %v", b, n, err)
			}
			got := values{string(r.Method), string(r.Target), string(r.Path), string(r.Query), string(r.Host), r.Form, r.Minor, r.ContentLength, r.Chunked, r.KeepAlive}
			if got != want {
				t.Errorf("%q:\ngot  %+v\nwant %+v", b, got, want)
			}
		})
	}
}

func TestRequestFields(t *testing.T) {
	var r httpmini.Request
	if _, err := r.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nX-One:  1 2 \r\nx-one: 3\r\n\r\n"), nil); err != nil {
		t.Fatal(err)
	}
	if v, ok := r.Fields.Get("x-ONE"); !ok || string(v) != "1 2" {
		t.Errorf("X-One is %q, %v", v, ok)
	}
	if _, ok := r.Fields.Get("none"); ok {
		t.Error("a field that is not there was found")
	}
	if len(r.Fields) != 3 || string(r.Fields[2].Name) != "x-one" {
		t.Errorf("fields %q", r.Fields)
	}
	if grown := append(r.Fields[0].Value, "XXXX"...); string(grown[:1]) != "a" || string(r.Fields[1].Name) != "X-One" {
		t.Error("appending to one view overwrote the next")
	}
}

func TestNames(t *testing.T) {
	for want, got := range map[string]string{
		"origin-form":         httpmini.OriginForm.String(),
		"absolute-form":       httpmini.AbsoluteForm.String(),
		"authority-form":      httpmini.AuthorityForm.String(),
		"asterisk-form":       httpmini.AsteriskForm.String(),
		"leading empty line":  httpmini.LeadingEmptyLine.String(),
		"optional whitespace": httpmini.OptionalWhitespace.String(),
		"chunk extension":     httpmini.ChunkExtension.String(),
		"unknown":             httpmini.Kind(0).String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if httpmini.Kind(200).String() != "unknown" || httpmini.Form(0).String() != "unknown" || httpmini.Form(9).String() != "unknown" {
		t.Error("a number without a name has one")
	}
}

func TestRequestConditional(t *testing.T) {
	for field, want := range map[string]bool{
		"Range: bytes=0-": true, "if-match: *": true, "IF-NONE-MATCH: *": true, "If-Modified-Since: x": true,
		"If-Unmodified-Since: x": true, "If-Range: x": true, "Range:": true,
		"Rangy: x": false, "If-Watch: x": false, "If-Ranges: x": false, "Accept: */*": false,
		"If-Modified-Sinse: x": false, "If-None-Watch: x": false, "If-Unmodified-Sinse: x": false,
	} {
		var r httpmini.Request
		_, err := r.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n"+field+"\r\nZ: y\r\n\r\n"), nil)
		if err != nil || r.Conditional != want {
			t.Errorf("%s: %v, %v", field, r.Conditional, err)
		}
	}
}

// RFC 9110 section 10.1.1: a list, so it may come in several lines. What cannot
// be met counts more than what can.
func TestRequestExpect(t *testing.T) {
	for _, tt := range []struct {
		fields, want string
		there        bool
	}{
		{"", "", false},
		{"Except: 100-continue\r\n", "", false},
		{"Expect:\r\n", "", true},
		{"expect: 100-Continue\r\n", "100-Continue", true},
		{"Expect: 100-continue, x\r\n", "100-continue, x", true},
		{"Expect: 100-continue\r\nExpect: x=y\r\n", "x=y", true},
		{"Expect: x=y\r\nExpect: 100-continue\r\n", "x=y", true},
		{"Expect:\r\nExpect: 100-continue\r\n", "100-continue", true},
		{"Expect: 100-continue\r\nExpect:\r\n", "100-continue", true},
	} {
		var r httpmini.Request
		_, err := r.Parse([]byte("PUT / HTTP/1.1\r\nHost: a\r\n"+tt.fields+"\r\n"), nil)
		if err != nil || string(r.Expect) != tt.want || r.Expect != nil != tt.there {
			t.Errorf("%q: %q, %v", tt.fields, r.Expect, err)
		}
	}
}

const top = "GET / HTTP/1.1\r\nHost: a\r\n"

// The marker ^ stands before the byte that BadError.Offset has to point at.
var badRequests = map[string]struct {
	b      string
	status int
	why    string
}{
	"RFC 9112 2.2 second empty line":         {"\r\n^\r\nGET / HTTP/1.1\r\n", 400, "second empty line"},
	"RFC 9112 2.2 empty line ends in LF":     {"^\nGET / HTTP/1.1\r\n", 400, "bare LF"},
	"RFC 9112 2.2 bare LF, request line":     {"GET / HTTP/1.1^\nHost: a\r\n\r\n", 400, "bare LF"},
	"RFC 9112 2.2 bare CR, request line":     {"GET / HTTP/1.1^\rHost: a\r\n\r\n", 400, "bare CR"},
	"RFC 9112 2.2 bare LF, value":            {top + "X: a^\nY: b\r\n\r\n", 400, "bare LF"},
	"RFC 9112 2.2 bare CR, value":            {top + "X: a^\rY: b\r\n\r\n", 400, "bare CR"},
	"RFC 9112 2.2 bare LF, empty line":       {top + "^\n", 400, "bare LF"},
	"RFC 9112 2.2 bare CR, empty line":       {top + "^\rX", 400, "bare CR"},
	"RFC 9112 2.2 CR CR LF":                  {top + "X: a^\r\r\n\r\n", 400, "bare CR"},
	"RFC 9112 2.2 whitespace, first field":   {"GET / HTTP/1.1\r\n^ Host: a\r\n\r\n", 400, "first field"},
	"RFC 9112 2.3 lower case":                {"GET / ^http/1.1\r\n", 400, "capitals"},
	"RFC 9112 2.3 two digits":                {"GET / HTTP/1^1.1\r\n", 400, "one digit"},
	"RFC 9112 2.3 long minor":                {"GET / HTTP/1.1^1\r\n", 400, "has to end"},
	"RFC 9112 2.3 no number":                 {"GET / HTTP/^x.1\r\n", 400, "one digit"},
	"RFC 9112 2.3 other protocol":            {"GET / ^ICY/1.1\r\n", 400, "HTTP/"},
	"RFC 9110 15.6.6 HTTP/2":                 {"GET / HTTP/^2.0\r\n", 505, "HTTP/2"},
	"RFC 9110 15.6.6 HTTP/0":                 {"GET / HTTP/^0.9\r\n", 505, "HTTP/0"},
	"RFC 9113 3.4 HTTP/2 preface":            {"^PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2"},
	"RFC 8446 5.1 TLS":                       {"^\x16\x03\x01\x02\x00\x01\x00", 400, "TLS"},
	"RFC 9112 3 space first":                 {"^ GET / HTTP/1.1\r\n", 400, "before the method"},
	"RFC 9112 3 two spaces":                  {"GET ^ / HTTP/1.1\r\n", 400, "second space"},
	"RFC 9112 3 two spaces, version":         {"GET / ^ HTTP/1.1\r\n", 400, "HTTP/"},
	"RFC 9112 3 tab":                         {"GET^\t/ HTTP/1.1\r\n", 400, "a tab"},
	"RFC 9112 3 space last":                  {"GET / HTTP/1.1^ \r\n", 400, "has to end"},
	"RFC 9112 3 method alone":                {"GET^\r\n", 400, "target and a version"},
	"RFC 9112 2.3 two digits in front":       {"GET / HTTP/0^1.1\r\n", 400, "one digit"},
	"RFC 9112 2.3 three numbers":             {"GET / HTTP/9.9^.9\r\n", 400, "one digit"},
	"RFC 9112 2.3 two digits behind the dot": {"GET / HTTP/4.1^0\r\n", 400, "one digit"},
	"RFC 9110 15.6.6 HTTP/9":                 {"GET / HTTP/^9.9\r\n", 505, "HTTP/9"},
	"RFC 9112 3 HTTP/0.9":                    {"GET /^\r\n", 400, "HTTP/0.9"},
	"RFC 9112 3 long method":                 {strings.Repeat("M", 32) + "^M / HTTP/1.1\r\n", 501, "method is longer"},
	"RFC 9112 3 long target":                 {"GET /" + strings.Repeat("a", 7999) + "^a HTTP/1.1\r\n", 414, "target is longer"},
	"RFC 9110 9.1 method is no token":        {"GE^(T / HTTP/1.1\r\n", 400, "token"},
	"RFC 9110 9.1 NUL in method":             {"GE^\x00T / HTTP/1.1\r\n", 400, "for the end: a method is a token"},
	"RFC 9110 9.1 byte above ASCII":          {"GE^\xc3\x84T / HTTP/1.1\r\n", 400, "0xC3"},
	"RFC 9112 3.2 no form":                   {"GET ^index.html HTTP/1.1\r\n", 400, "no path"},
	"RFC 9112 3.2 no form, first byte":       {"GET ^?x HTTP/1.1\r\n", 400, "starts with"},
	"RFC 9112 3.2 control byte":              {"GET /^\x01 HTTP/1.1\r\n", 400, "control byte 0x01"},
	"RFC 9112 3.2 DEL":                       {"GET /^\x7f HTTP/1.1\r\n", 400, "control byte 0x7F"},
	"RFC 9112 3.2 NUL":                       {"GET /^\x00 HTTP/1.1\r\n", 400, "NUL"},
	"RFC 3986 2.1 raw UTF-8":                 {"GET /^\xc3\xa4 HTTP/1.1\r\n", 400, "%C3"},
	"RFC 3986 2.1 raw quote":                 {"GET /^\"x HTTP/1.1\r\n", 400, "%22"},
	"RFC 3986 2.1 escape is cut":             {"GET /100^% HTTP/1.1\r\n", 400, "hexadecimal"},
	"RFC 3986 2.1 escape is not hex":         {"GET /^%2g HTTP/1.1\r\n", 400, "hexadecimal"},
	"RFC 9110 7.1 fragment":                  {"GET /a^#b HTTP/1.1\r\n", 400, "fragment"},
	"RFC 9112 3.2 no Host":                   {"GET / HTTP/1.1\r\nX: a\r\n^\r\n", 400, "without a Host"},
	"RFC 9112 3.2 two Hosts":                 {top + "^host: a\r\n\r\n", 400, "second Host"},
	"RFC 9112 3.2 two Hosts in 1.0":          {"GET / HTTP/1.0\r\nHost: a\r\n^Host: a\r\n\r\n", 400, "second Host"},
	"RFC 9110 7.2 Host with a path":          {"GET / HTTP/1.1\r\nHost: a^/b\r\n\r\n", 400, "host name"},
	"RFC 9110 7.2 Host with a space":         {"GET / HTTP/1.1\r\nHost: a^ b\r\n\r\n", 400, "host name"},
	"RFC 9110 7.2 Host with a user":          {"GET / HTTP/1.1\r\nHost: a^@b\r\n\r\n", 400, "user name"},
	"RFC 9110 7.2 Host with two ports":       {"GET / HTTP/1.1\r\nHost: a:1^:2\r\n\r\n", 400, "port"},
	"RFC 9110 7.2 Host with a large port":    {"GET / HTTP/1.1\r\nHost: a:6553^6\r\n\r\n", 400, "65535"},
	"RFC 9110 7.2 Host is a port alone":      {"GET / HTTP/1.1\r\nHost: ^:80\r\n\r\n", 400, "empty"},
	"RFC 9110 7.2 bare IPv6":                 {"GET / HTTP/1.1\r\nHost: fe80:^:1\r\n\r\n", 400, "port"},
	"RFC 9110 7.2 no IPv6":                   {"GET / HTTP/1.1\r\nHost: [^::1::]\r\n\r\n", 400, "IPv6"},
	"RFC 9110 7.2 open bracket":              {"GET / HTTP/1.1\r\nHost: ^[::1\r\n\r\n", 400, "]"},
	"RFC 9110 7.2 text after the bracket":    {"GET / HTTP/1.1\r\nHost: [::1]^a\r\n\r\n", 400, "follows"},
	"RFC 9110 7.2 escape in a host":          {"GET / HTTP/1.1\r\nHost: a^%zz\r\n\r\n", 400, "host name"},
	"RFC 9110 4.2.1 empty host":              {"GET http://^/ HTTP/1.1\r\n", 400, "empty"},
	"RFC 9110 4.2.4 userinfo":                {"GET http://u^@h/ HTTP/1.1\r\n", 400, "user name"},
	"RFC 9112 3.2.2 no authority":            {"GET ^urn:x HTTP/1.1\r\n", 400, "no URI"},
	"RFC 9112 3.2.3 CONNECT to a path":       {"CONNECT ^/ HTTP/1.1\r\n", 400, "CONNECT"},
	"RFC 9112 3.2.3 CONNECT without a port":  {"CONNECT a^ HTTP/1.1\r\n", 400, "port is missing"},
	"RFC 9112 3.2.3 CONNECT, empty port":     {"CONNECT a:^ HTTP/1.1\r\n", 400, "port is missing"},
	"RFC 9112 3.2.3 host:port with GET":      {"GET ^a:80 HTTP/1.1\r\n", 400, "no path"},
	"RFC 9112 3.2.4 asterisk with GET":       {"GET ^* HTTP/1.1\r\n", 400, "OPTIONS"},
	"RFC 9112 3.2.4 asterisk and more":       {"OPTIONS *^/ HTTP/1.1\r\n", 400, "by itself"},
	"RFC 9112 5.1 space before the colon":    {top + "X^ : a\r\n\r\n", 400, "its colon"},
	"RFC 9112 5.1 tab before the colon":      {top + "X^\t: a\r\n\r\n", 400, "its colon"},
	"RFC 9112 5 no colon":                    {top + "X^\r\n\r\n", 400, "CR stands in the field name"},
	"RFC 9110 5.1 no name":                   {top + "^: a\r\n\r\n", 400, "no name"},
	"RFC 9110 5.1 bad name":                  {top + "X^(y): a\r\n\r\n", 400, "token"},
	"RFC 9110 5.1 NUL in a name":             {top + "X^\x00: a\r\n\r\n", 400, "NUL"},
	"RFC 9110 5.5 NUL in a value":            {top + "X: a^\x00\r\n\r\n", 400, "NUL"},
	"RFC 9110 5.5 control byte in a value":   {top + "X: a^\x0b\r\n\r\n", 400, "control byte 0x0B"},
	"RFC 9110 5.5 DEL in a value":            {top + "X: a^\x7f\r\n\r\n", 400, "control byte 0x7F"},
	"RFC 9112 5.2 obs-fold":                  {top + "X: a\r\n^ b\r\n\r\n", 400, "obs-fold"},
	"RFC 9112 5.2 obs-fold by a tab":         {top + "X: a\r\n^\tb\r\n\r\n", 400, "obs-fold"},
	"RFC 6585 5 long field line":             {top + "X:" + strings.Repeat("a", httpmini.MaxFieldLine-2) + "^a\r\n\r\n", 431, "field line is longer"},
	"RFC 6585 5 long field name":             {top + strings.Repeat("a", httpmini.MaxFieldLine) + "^a: x\r\n\r\n", 431, "field line is longer"},
	"RFC 6585 5 many fields":                 {top + strings.Repeat("X:\r\n", httpmini.MaxFields-1) + "^X:\r\n\r\n", 431, "field 101"},
	"RFC 9110 8.6 empty length":              {top + "Content-Length:^\r\n\r\n", 400, "no digits"},
	"RFC 9110 8.6 plus sign":                 {top + "Content-Length: ^+5\r\n\r\n", 400, "without a sign"},
	"RFC 9110 8.6 minus sign":                {top + "Content-Length: ^-5\r\n\r\n", 400, "without a sign"},
	"RFC 9110 8.6 hexadecimal":               {top + "Content-Length: 0^x5\r\n\r\n", 400, "decimal digits"},
	"RFC 9110 8.6 two numbers":               {top + "Content-Length: 5^ 5\r\n\r\n", 400, "decimal digits"},
	"RFC 9110 8.6 overflow":                  {top + "Content-Length: 922337203685477580^8\r\n\r\n", 413, "63 bits"},
	"RFC 9110 8.6 empty element":             {top + "Content-Length: 5,^\r\n\r\n", 400, "no digits"},
	"RFC 9112 6.3 lengths differ, list":      {top + "Content-Length: 5, ^6\r\n\r\n", 400, "6 here and 5 before"},
	"RFC 9112 6.3 lengths differ, two lines": {top + "Content-Length: 5\r\nContent-Length: ^6\r\n\r\n", 400, "6 here and 5 before"},
	"RFC 9112 6.3 both lengths":              {top + "Content-Length: 5\r\n^Transfer-Encoding: chunked\r\n\r\n", 400, "smuggling"},
	"RFC 9112 6.3 both lengths, other order": {top + "Transfer-Encoding: chunked\r\n^Content-Length: 5\r\n\r\n", 400, "smuggling"},
	"RFC 9112 6.1 coding in 1.0":             {"POST / HTTP/1.0\r\n^Transfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0"},
	"RFC 9112 6.1 unknown coding":            {top + "Transfer-Encoding: ^gzip, chunked\r\n\r\n", 501, "other than chunked"},
	"RFC 9112 6.1 unknown coding, two lines": {top + "Transfer-Encoding: ^x\r\nTransfer-Encoding: chunked\r\n\r\n", 501, "other than chunked"},
	"RFC 9112 6.1 chunked twice":             {top + "Transfer-Encoding: chunked\r\nTransfer-Encoding: ^chunked\r\n\r\n", 400, "come once"},
	"RFC 9112 6.1 chunked is not last":       {top + "Transfer-Encoding: chunked, ^gzip\r\n\r\n", 400, "has to be the last"},
	"RFC 9112 6.1 no coding":                 {top + "Transfer-Encoding:\r\n^\r\n", 400, "not chunked"},
	"RFC 9112 6.1 empty codings":             {top + "Transfer-Encoding: ,,\r\n^\r\n", 400, "not chunked"},
	"RFC 9112 6.3 chunked missing":           {top + "Transfer-Encoding: gzip\r\n^\r\n", 400, "not chunked"},
	"RFC 9112 7.1 chunked with a parameter":  {top + "Transfer-Encoding: chunked^;a=b\r\n\r\n", 400, "no parameters"},
	"RFC 9112 7.1 chunked with a space":      {top + "Transfer-Encoding: chunked^ x\r\n\r\n", 400, "no parameters"},
	"RFC 9112 6.1 name like chunked":         {top + "Transfer-Encoding: xchunked\r\n^\r\n", 400, "not chunked"},
}

func TestRequestRefused(t *testing.T) {
	for name, tt := range badRequests {
		t.Run(name, func(t *testing.T) {
			// A method may hold "^" too, but none here does.
			before, after, ok := strings.Cut(tt.b, "^")
			if !ok {
				t.Fatal("no marker")
			}
			b := []byte(before + after)
			var r httpmini.Request
			var tokens []httpmini.Token
			n, err := r.Parse(b, &tokens)
			var e *httpmini.BadError
			if !errors.As(err, &e) || n != 0 {
				t.Fatalf("%q: %d, %v, want a BadError", b, n, err)
			}
			if e.Status != tt.status || e.Offset != len(before) || !strings.Contains(e.Why, tt.why) {
				t.Errorf("%q:\ngot  %d at %d: %s\nwant %d at %d: %s", b, e.Status, e.Offset, e.Why, tt.status, len(before), tt.why)
			}
			if !strings.Contains(e.Why, "(RFC ") || strings.Contains(e.Why, "!") && !strings.Contains(e.Why, "!#$") {
				t.Errorf("%q cites no section, or shouts", e.Why)
			}
			if httpmini.StatusText(e.Status) == "" {
				t.Errorf("status %d has no reason", e.Status)
			}
			checkRefusalIsEarly(t, b, e.Offset)
		})
	}
}

// checkRefusalIsEarly holds that every beginning short of the byte in question
// could still become good, and that every one which is refused stays refused.
func checkRefusalIsEarly(t *testing.T, b []byte, offset int) {
	t.Helper()
	var r httpmini.Request
	refused := false
	for i := range len(b) + 1 {
		_, err := r.Parse(b[:i], nil)
		isBad := err != nil && err != httpmini.ErrMore
		if isBad && i < offset {
			t.Fatalf("refused at %d of %q, before the byte %d that is told: %v", i, b, offset, err)
		}
		if refused && !isBad {
			t.Fatalf("%q is refused and %q is not: %v", b[:i-1], b[:i], err)
		}
		refused = isBad
	}
}

// Bytes that are wrong whatever follows are refused without waiting for it.
func TestRequestRefusedAtOnce(t *testing.T) {
	for _, b := range []string{
		"\n", "\rX", "\r\n\r", "(", "GET\r", "GET  ", "GET #", "GET *", "GET /\x00", "GET /%g", "GET /\r",
		"PRI ", "GET / h", "GET / HTTP/2", "GET / HTTP/1.1\n", "GET / HTTP/1.1 ",
		"GET / HTTP/1.1\r\n ", "GET / HTTP/1.1\r\n:", "GET / HTTP/1.1\r\nA ", "GET / HTTP/1.1\r\nA:\x00",
		"GET / HTTP/1.1\r\nA:b\r\n\t",
	} {
		var r httpmini.Request
		if _, err := r.Parse([]byte(b), nil); err == nil || err == httpmini.ErrMore {
			t.Errorf("%q: %v, want a BadError", b, err)
		}
		if _, err := r.Parse([]byte(b[:len(b)-1]), nil); err != httpmini.ErrMore {
			t.Errorf("%q: %v, want ErrMore", b[:len(b)-1], err)
		}
	}
}

// A Request that was used before tells nothing of that.
func TestRequestIsReset(t *testing.T) {
	var used, fresh httpmini.Request
	for _, before := range goodRequests {
		for name, b := range goodRequests {
			used.Parse([]byte(before), nil)
			used.Parse([]byte(b), nil)
			fresh = httpmini.Request{}
			fresh.Parse([]byte(b), nil)
			if len(used.Fields) == 0 && len(fresh.Fields) == 0 {
				used.Fields, fresh.Fields = nil, nil
			}
			if !sameForAll(used, fresh) {
				t.Fatalf("%s: %+v, want %+v", name, used, fresh)
			}
		}
	}
}

// sameForAll compares what everybody sees of two requests.
func sameForAll(a, b httpmini.Request) bool {
	left, right := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range left.NumField() {
		if left.Type().Field(i).IsExported() && !reflect.DeepEqual(left.Field(i).Interface(), right.Field(i).Interface()) {
			return false
		}
	}
	return true
}

// A Host that was right says nothing of the next one.
func TestNextHostIsCheckedToo(t *testing.T) {
	var r httpmini.Request
	for host, right := range map[string]bool{"good": true, "b@d": false, "goo d": false, "good:1": true, "good:70000": false} {
		for range 2 {
			r.Parse([]byte("GET / HTTP/1.1\r\nHost: good\r\n\r\n"), nil)
			if _, err := r.Parse([]byte("GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n"), nil); (err == nil) != right {
				t.Errorf("%q: %v", host, err)
			}
		}
	}
}
