package httpmini_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"fd3/httpmini"
)

func TestRequestAgainstNetHTTP(t *testing.T) {
	for name, b := range goodRequests {
		t.Run(name, func(t *testing.T) { compareRequest(t, []byte(b)) })
	}
	for _, b := range nearlyBad {
		compareRequest(t, []byte(b))
	}
	for name, tt := range badRequests {
		t.Run(name, func(t *testing.T) { compareRequest(t, []byte(strings.Replace(tt.b, "^", "", 1))) })
	}
}

// nearlyBad requests are good, and near to something that is not.
var nearlyBad = []string{
	"GET http://%ff/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://a:/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://a:99999999/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://a;b/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://a?b/c HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://[::1]:80/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://[::1.2.3.4]:80/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://!$&'()*+,;=/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET HTTP://a/[]{}|\\^` HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET x+y-z.1://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /a:b HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /?? HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
	"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
	"CONNECT [::1]:1 HTTP/1.1\r\nHost: a\r\n\r\n",
	"CONNECT %41:1 HTTP/1.1\r\nHost: a\r\n\r\n",
	"CONNECT a;b:1 HTTP/1.1\r\nHost: a\r\n\r\n",
	"OPTIONS * HTTP/1.0\r\n\r\n",
	"OPTIONS http://a HTTP/1.0\r\n\r\n",
	"GET / HTTP/1.0\r\nHost: a%41\r\n\r\n",
	"GET / HTTP/1.9\r\nHost: a\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
	"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, x\r\n\r\n",
	"GET / HTTP/1.0\r\nHost: a\r\nConnection: x\r\nConnection: keep-alive\r\n\r\n",
	"GET / HTTP/1.0\r\nHost: a\r\nProxy-Connection: keep-alive\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: \"close\"\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nX: \x80\xff\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 00000000000000000000000000000005\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:  chunked \r\n\r\n",
}

func TestContentAgainstNetHTTP(t *testing.T) {
	for name, tt := range goodChunks {
		t.Run(name, func(t *testing.T) { compareChunks(t, []byte(tt.b+"GET")) })
	}
	for name, tt := range badChunks {
		t.Run(name, func(t *testing.T) { compareChunks(t, []byte(strings.Replace(tt.b, "^", "", 1))) })
	}
}

// A difference is one that is known between this package and net/http.
type difference struct {
	says string // a part of the reason of the one that refuses
	b    string // shows it
	why  string // who is right, and why
}

func known(differences []difference, reason string) bool {
	return slices.ContainsFunc(differences, func(d difference) bool { return strings.Contains(reason, d.says) })
}

const (
	ourChoice = "both: RFC 9112 leaves a choice, and we take the strict one"
	ourLimit  = "both: limits are the server's (RFC 9110 section 5.4, RFC 9112 section 3), and net/http has others"
	leftOpen  = "we; the server of net/http refuses it later, its ReadRequest does not"
)

var (
	// What http.ReadRequest lets through and Request.Parse refuses, by the reason
	// why.
	netHTTPTakes = []difference{
		{"a bare LF", top + "X: a\n\r\n", ourChoice + ": section 2.2, a recipient MAY take a lone LF for a line's end"},
		{"(obs-fold)", top + "X: a\r\n b\r\n\r\n", ourChoice + ": section 5.2, a server refuses it or reads spaces"},
		{"a second space follows the method", "CONNECT  HTTP/1.1\r\nHost: a\r\n\r\n", "we: RFC 9112 section 3.2.3; net/http takes no target at all for a CONNECT"},
		{"the target of CONNECT is no", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", "we: RFC 9112 section 3.2.3; net/http takes a path too, for net/rpc"},
		{"is for OPTIONS alone", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "we: RFC 9112 section 3.2.4"},
		{"the target is no path", "GET a:b HTTP/1.1\r\nHost: a\r\n\r\n", "we: RFC 9112 section 3.2; net/http takes any URI"},
		{"is not followed by two hexadecimal digits", "GET a:%zz HTTP/1.1\r\nHost: a\r\n\r\n", "we: RFC 3986 section 2.1; net/http does not read what stands behind the scheme"},
		{"the URI has no good host", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "we: RFC 9110 sections 4.2.1 and 4.2.4; net/http takes user names, and http:///"},
		{"stands in the target", "GET /\" HTTP/1.1\r\nHost: a\r\n\r\n", "we: RFC 9112 section 3.2; net/http takes any byte above the space"},
		{"the target is longer", "GET /" + strings.Repeat("a", httpmini.MaxTarget) + " HTTP/1.0\r\n\r\n", ourLimit},
		{"the method is longer", strings.Repeat("M", httpmini.MaxMethod+1) + " / HTTP/1.0\r\n\r\n", ourLimit},
		{"here HTTP/1.0 and HTTP/1.1 are spoken", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", leftOpen + ": RFC 9110 section 15.6.6"},
		{"the Host field is no host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "we: RFC 9112 section 3.2; the server of net/http looks for bad bytes only"},
		{"without a Host field", "GET / HTTP/1.1\r\n\r\n", leftOpen + ": RFC 9112 section 3.2"},
		{"its colon: some programs", top + "X : a\r\n\r\n", leftOpen + ": RFC 9112 section 5.1"},
		{"a field line is longer", top + "X: " + strings.Repeat("a", httpmini.MaxFieldLine) + "\r\n\r\n", ourLimit},
		{"are read at most", top + strings.Repeat("X:\r\n", httpmini.MaxFields) + "\r\n", ourLimit},
		{"the head goes on", head(httpmini.MaxHead + 1), ourLimit},
		{"HTTP/1.0 has no Transfer-Encoding", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "we: RFC 9112 section 6.1, the framing is faulty; net/http ignores the field"},
		{"are both there", top + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", ourChoice + ": section 6.1, a server refuses it, or follows the chunks and then closes"},
	}
	// What http.ReadRequest refuses and Request.Parse lets through, by its error.
	netHTTPRefuses = []difference{
		{`malformed HTTP request ""`, "\r\n" + top + "\r\n", "we: RFC 9112 section 2.2, an empty line is passed over"},
		{"multiple Content-Length", top + "Content-Length: 5\r\nContent-Length: 05\r\n\r\n", "both: RFC 9112 section 6.3, the same number again is read or refused; net/http compares the text"},
		{"bad trailer key", top + "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n", "both: RFC 9110 section 6.5.1 forbids it to the sender; here the trailer section is dropped"},
		{"invalid host", "GET http://[v1.x]/ HTTP/1.1\r\nHost: a\r\n\r\n", "we: IPvFuture in RFC 3986 section 3.2.2"},
		{"invalid URL escape", "GET http://%41/ HTTP/1.1\r\nHost: a\r\n\r\n", "we: reg-name in RFC 3986 section 3.2.2"},
		{"unsupported transfer encoding", top + "Transfer-Encoding: ,chunked\r\n\r\n", "we: RFC 9110 section 5.6.1.2, empty elements are passed over"},
		{"bad Content-Length", top + "Content-Length: 5, 5\r\n\r\n", "both: as above, for a list"},
	}
	// The same for the content of a request in chunks.
	netHTTPTakesChunks = []difference{
		{"chunk extension", "1;\x00\r\nx\r\n0\r\n\r\n", "we: RFC 9112 section 7.1.1; net/http looks for no more than a CR in them"},
		{"a bare LF stands in the field", "0\r\nX: a\n\r\n\r\n", ourChoice + ": section 2.2"},
		{"(obs-fold)", "0\r\nX: a\r\n b\r\n\r\n", ourChoice + ": section 5.2"},
		{"its colon: some programs", "0\r\nX : a\r\n\r\n", "we: RFC 9112 section 5.1"},
	}
	netHTTPRefusesChunks = []difference{
		{"invalid byte in chunk length", "1 ;a\r\nx\r\n0\r\n\r\n", "we: RFC 9112 section 7.1.1 has bad whitespace, and wants it parsed"},
		{"suspiciously long trailer", "0\r\nX: " + strings.Repeat("a", 5000) + "\r\n\r\n", ourLimit + ": 4 KiB"},
		{"chunk length too large", strings.Repeat("0", 17) + "\r\n\r\n", "we: RFC 9112 section 7.1 has 1*HEXDIG, and zeros in front change no number"},
		{"header line too long", "1;" + strings.Repeat("a", 5000) + "\r\nx\r\n0\r\n\r\n", ourLimit + ": 4 KiB for a line"},
	}
)

// Each difference is still there, or its row can go.
func TestKnownDifferences(t *testing.T) {
	check := func(differences []difference, ours, theirs error) {
		refused := ours
		if ours == nil {
			refused = theirs
		}
		if (ours == nil) == (theirs == nil) || !known(differences, refused.Error()) {
			t.Errorf("%q: %v, net/http %v", differences[0].b, ours, theirs)
		}
	}
	for _, table := range [][]difference{netHTTPTakes, netHTTPRefuses} {
		for _, d := range table {
			_, ours := new(httpmini.Request).Parse([]byte(d.b), nil)
			_, theirs := readRequest(d.b)
			check([]difference{d}, ours, theirs)
		}
	}
	for _, table := range [][]difference{netHTTPTakesChunks, netHTTPRefusesChunks} {
		for _, d := range table {
			c := chunked()
			_, _, ours := take(t, &c, d.b)
			_, _, theirs := readChunks(t, d.b)
			check([]difference{d}, ours, theirs)
		}
	}
}

// readRequest has net/http read a head, in a buffer as large as a server's line
// may be.
func readRequest(b string) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReaderSize(strings.NewReader(b), 64<<10))
}

// readChunks has net/http read the content of a request, and what comes after it.
func readChunks(t *testing.T, b string) (data, rest string, err error) {
	t.Helper()
	reader := bufio.NewReader(strings.NewReader(chunkedHead + b))
	r, err := http.ReadRequest(reader)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r.Body)
	behind, _ := io.ReadAll(reader)
	return string(content), string(behind), err
}

// compareRequest holds that both read the same out of a head that both accept,
// and that all other differences are known.
func compareRequest(t *testing.T, b []byte) {
	t.Helper()
	var r httpmini.Request
	_, err := r.Parse(b, nil)
	std, stdErr := readRequest(string(b))
	var bad *httpmini.BadError
	switch {
	case errors.As(err, &bad):
		if stdErr == nil && !known(netHTTPTakes, bad.Why) {
			t.Errorf("%q: net/http takes it, but: %v", b, bad)
		}
	case err == httpmini.ErrMore:
		if stdErr == nil {
			t.Errorf("%q: net/http takes it, but more is needed", b)
		}
	case stdErr != nil:
		if !known(netHTTPRefuses, stdErr.Error()) {
			t.Errorf("%q: net/http refuses it: %v", b, stdErr)
		}
	default:
		compareHeads(t, b, &r, std)
	}
}

func compareHeads(t *testing.T, b []byte, r *httpmini.Request, std *http.Request) {
	t.Helper()
	host := string(r.Host)
	if r.Form == httpmini.AbsoluteForm || r.Form == httpmini.AuthorityForm {
		host, _ = url.PathUnescape(host) // net/http has decoded it
	}
	if string(r.Method) != std.Method || string(r.Target) != std.RequestURI || host != std.Host || string(r.Version) != std.Proto {
		t.Errorf("%q: %q %q %q %q, net/http %q %q %q %q", b, r.Method, r.Target, r.Host, r.Version, std.Method, std.RequestURI, std.Host, std.Proto)
	}
	if r.ContentLength != std.ContentLength || r.Chunked != (len(std.TransferEncoding) == 1) || r.KeepAlive == std.Close {
		t.Errorf("%q: length %d chunked %v keep-alive %v, net/http %d %v %v", b, r.ContentLength, r.Chunked, r.KeepAlive, std.ContentLength, std.TransferEncoding, !std.Close)
	}
	if path, err := url.PathUnescape(string(r.Path)); r.Form == httpmini.OriginForm && (err != nil || path != std.URL.Path || string(r.Query) != std.URL.RawQuery) {
		t.Errorf("%q: %q ? %q, net/http %q ? %q", b, path, r.Query, std.URL.Path, std.URL.RawQuery)
	}
	for _, f := range r.Fields {
		key := http.CanonicalHeaderKey(string(f.Name))
		moved := key == "Host" || key == "Transfer-Encoding" || key == "Content-Length" || key == "Trailer"
		if !moved && !slices.Contains(std.Header[key], string(f.Value)) {
			t.Errorf("%q: %s: %q, net/http %q", b, f.Name, f.Value, std.Header[key])
		}
	}
}

// compareChunks holds that both take the same content out of chunks that both
// accept and see the next request at the same place.
func compareChunks(t *testing.T, b []byte) {
	t.Helper()
	c := chunked()
	data, n, err := take(t, &c, string(b))
	stdData, stdRest, stdErr := readChunks(t, string(b))
	var bad *httpmini.BadError
	switch {
	case errors.As(err, &bad):
		if stdErr == nil && !known(netHTTPTakesChunks, bad.Why) {
			t.Errorf("%q: net/http takes it, but: %v", b, bad)
		}
	case err == httpmini.ErrMore:
		if stdErr == nil {
			t.Errorf("%q: net/http takes it, but more is needed", b)
		}
	case stdErr != nil:
		if !known(netHTTPRefusesChunks, stdErr.Error()) {
			t.Errorf("%q: net/http refuses it: %v", b, stdErr)
		}
	case data != stdData || string(b[n:]) != stdRest:
		t.Errorf("%q: %q and then %q, net/http %q and then %q", b, data, b[n:], stdData, stdRest)
	}
}
