package page

import (
	"bytes"
	"strings"
	"testing"

	"fd3/httpmini"
)

const key = "s3cr3t"

// secretHeads each hold key only where it is a secret, or what some program
// would read as one.
var secretHeads = []string{
	"GET / HTTP/1.1\r\nHost: a\r\nCookie: id=" + key + "; b=" + key + "\r\nAccept: */*\r\n\r\n",
	"GET / HTTP/1.1\r\ncOOkie:" + key + "\r\nAUTHORIZATION:\t Basic " + key + " \r\n\r\n",
	"GET / HTTP/1.1\r\nProxy-Authorization: " + key + "\r\nSet-Cookie: a=" + key + "\r\n\r\n",
	"GET / HTTP/1.1\nCookie: " + key + "\n\n",
	"GET / HTTP/1.1\rCookie: " + key + "\r\r",
	"GET / HTTP/1.1\r\nCookie : " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie\t\t:\t" + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\n Cookie: " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\n: Cookie: " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie:\r\n " + key + "\r\n\t" + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie: a\r" + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie: a\x00" + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCook\x00ie: " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\n\x00Cookie: " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie\x0b: " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie@: " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie = " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie\r: " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie\r\n : " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie x: " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nX-Api-Key: " + key + "\r\nx-auth-token:" + key + "\r\nX-Amz-Security-Token: " + key + "\r\n\r\n",
	"GET /?user=a&Password=" + key + "&x=1 HTTP/1.1\r\nReferer: http://a/?access_token=" + key + "\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 47\r\n\r\nuser=a&user%5Bpassword%5D=" + key + "&pwd=" + key + "&b=1&c",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\npassw\r\na\r\nord=" + key + "\r\n0\r\n\r\n",
	"Cookie: " + key,
	"Authorization: Digest username=\"a\", response=\"" + key,
}

// openHeads hold nothing that is masked.
var openHeads = []string{
	"GET /Cookie:" + key + " HTTP/1.1\r\nHost: Cookie: a\r\nX-Cookie: " + key + "\r\nCookie2: " + key + "\r\n\r\n",
	"GET / HTTP/1.1\r\nCookies: a\r\nAuthorizations: b\r\nProxy-Authorization-Of-A-Long-Name: c\r\nCook: d\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie:\r\nCookie: \r\nHost: a\r\n\r\n",
	"GET / HTTP/1.1\r\nCookie:\r\n!Host: a\r\n\r\n",
	"GET /password?user=a&pass=&q=password HTTP/1.1\r\nX-Api: key\r\nAccept: a;q=1\r\n\r\n",
}

func parse(b string) []httpmini.Token {
	var tokens []httpmini.Token
	var r httpmini.Request
	if n, err := r.Parse([]byte(b), &tokens); err == nil {
		content := r.Content()
		content.Span([]byte(b), n, &tokens)
	}
	return tokens
}

func TestMask(t *testing.T) {
	for _, head := range secretHeads {
		masked := string(mask([]byte(head), parse(head)))
		if strings.Contains(masked, "3") || len(masked) != len(head) {
			t.Errorf("%q\n  -> %q", head, masked)
		}
		for i := range len(head) {
			if masked[i] != head[i] && masked[i] != '*' {
				t.Errorf("%q: byte %d became %q", head, i, masked[i])
			}
			if strings.IndexByte("\r\n \t", head[i]) >= 0 && masked[i] != head[i] {
				t.Errorf("%q: the whitespace at %d is masked", head, i)
			}
		}
	}
	for _, head := range openHeads {
		if masked := string(mask([]byte(head), parse(head))); masked != head {
			t.Errorf("%q\n  -> %q", head, masked)
		}
	}
	got := string(mask([]byte(secretHeads[0]), parse(secretHeads[0])))
	want := "GET / HTTP/1.1\r\nHost: a\r\nCookie: ********** ********\r\nAccept: */*\r\n\r\n"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// What a request holds behind its head is shown as it arrived; the request
// behind it is masked again.
func TestMaskBody(t *testing.T) {
	body := "Cookie: open\r\nCoo"
	request := "POST / HTTP/1.1\r\nHost: a\r\nCookie: b\r\nContent-Length: 17\r\n\r\n" + body
	next := "GET / HTTP/1.1\r\nCookie: " + key
	got := string(mask([]byte(request+next), parse(request)))
	want := strings.Replace(request, "Cookie: b", "Cookie: *", 1) + "GET / HTTP/1.1\r\nCookie: ******"
	if got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
	// Of a long body only the beginning may be there.
	if got := string(mask([]byte(request[:len(request)-5]), parse(request))); !strings.HasSuffix(got, "Cookie: open") {
		t.Errorf("%q", got)
	}
}

// A field of the trailer of a chunked message may be a secret too.
func TestMaskTrailer(t *testing.T) {
	request := "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"c\r\nCookie: open\r\n0\r\nCookie: " + key + "\r\n\r\n"
	tokens := parse(request)
	got := string(mask([]byte(request), tokens))
	if want := strings.Replace(request, key, "******", 1); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// However a head is cut, a Masker makes of the pieces what mask makes of the
// whole.
func TestMaskerSplits(t *testing.T) {
	for _, head := range append(secretHeads, openHeads...) {
		b := []byte(head)
		whole := mask(b, nil)
		for i := range len(b) + 1 {
			for j := i; j <= len(b); j++ {
				var m Masker
				got := m.Append(m.Append(m.Append(nil, b[:i]), b[i:j]), b[j:])
				if !bytes.Equal(got, whole) {
					t.Fatalf("%q cut at %d and %d:\n %q\n %q", head, i, j, got, whole)
				}
			}
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, head := range append(secretHeads, openHeads...) {
		f.Add([]byte(head), 20)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		before := bytes.Clone(b)
		tokens := parse(string(b))
		masked := mask(b, tokens)
		if len(masked) != len(b) || !bytes.Equal(b, before) {
			t.Fatalf("%q -> %q", b, masked)
		}
		var m Masker
		cut = min(max(cut, 0), len(b))
		if got := m.Append(m.Append(nil, b[:cut]), b[cut:]); !bytes.Equal(got, mask(b, nil)) {
			t.Fatalf("cut at %d: %q", cut, got)
		}
		secret, like := false, false
		for _, token := range tokens {
			piece, hidden := b[token.Start:token.End], masked[token.Start:token.End]
			switch token.Kind {
			case httpmini.Method:
				if likeSecret(piece) {
					return // no method is called so, and then its line is masked
				}
			case httpmini.FieldName:
				secret, like = isSecret(piece), likeSecret(piece)
				if like {
					continue // the end of a name like Cookie! may be masked
				}
				like = bytes.IndexFunc(piece, func(r rune) bool { return nameByte(byte(r)) }) < 0 // the value may be taken for the name
			case httpmini.FieldValue:
				if secret && strings.Trim(string(hidden), "* \t") != "" {
					t.Fatalf("%q is shown as %q", piece, hidden)
				}
			}
			if token.Kind == httpmini.MessageBody && bytes.ContainsAny(piece, "\"-") {
				continue // see FuzzJSON and FuzzMultipart
			}
			if !like && !bytes.Equal(piece, hidden) && !bytes.Contains(piece, []byte{'='}) { // a form's value, or a query's
				t.Fatalf("the %v %q is shown as %q", token.Kind, piece, hidden)
			}
			like = like && token.Kind != httpmini.CRLF
		}
	})
}

func isSecret(name []byte) bool {
	for _, s := range secrets {
		if strings.EqualFold(string(name), s) {
			return true
		}
	}
	return false
}

// likeSecret tells of names that are masked too, such as !Cookie and Cookie_2.
func likeSecret(name []byte) bool {
	for _, s := range secrets {
		if strings.Contains(strings.ToLower(string(name)), s) {
			return true
		}
	}
	return false
}
