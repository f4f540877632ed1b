package httpmini_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fd3/httpmini"
)

// FuzzDate compares ParseDate with http.ParseTime. They differ where
//
//   - net/http reads more than the grammar has: any case, any time zone of three
//     letters, fractions of a second, one digit for two, asctime with the day
//     padded in any way. RFC 9110 section 5.6.7 says that a date is case-sensitive
//     and GMT, so we are right; to be lax is allowed, though;
//   - net/http refuses the leap second, which is in the grammar: we are right;
//   - net/http reads 69 to 99 as 19xx, other years of two digits as 20xx, always.
//     Section 5.6.7 has the rule of 50 years: we are right.
func FuzzDate(f *testing.F) {
	for _, s := range []string{
		thatSecond, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun Nov 16 08:49:37 1994",
		"Sat, 31 Dec 2016 23:59:60 GMT", "Thu, 29 Feb 2024 00:00:00 GMT", "Saturday, 29-Feb-00 00:00:00 GMT", "sun, 6 Nov 1994 8:49:37.5 PST",
	} {
		f.Add(s, int64(784111777))
	}
	layouts := []string{http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC}
	f.Fuzz(func(t *testing.T, s string, unix int64) {
		// Every second of the years with four digits is read back.
		const first, last = -62167219200, 253402300799
		when := time.Unix(first+int64(uint64(unix)%(last-first+1)), 0).UTC()
		for _, layout := range layouts {
			got, ok := httpmini.ParseDate([]byte(when.Format(layout)))
			if years := got.Year() - when.Year(); !ok || years%100 != 0 || years != 0 && layout != layouts[1] || !got.AddDate(-years, 0, 0).Equal(when) {
				// 29 Feb 2000 may be 2100 for two digits, which has none.
				if layout != layouts[1] || when.Month() != time.February || when.Day() != 29 {
					t.Fatalf("%q is %v, %v", when.Format(layout), got, ok)
				}
			}
		}

		got, ok := httpmini.ParseDate([]byte(s))
		std, err := http.ParseTime(s)
		if ok && got.Location() != time.UTC {
			t.Fatalf("%q is in %v", s, got.Location())
		}
		switch {
		case ok && err != nil:
			if !strings.Contains(s, "23:59:60") {
				t.Fatalf("%q is %v, net/http: %v", s, got, err)
			}
		case ok:
			years := got.Year() - std.Year()
			if !got.AddDate(-years, 0, 0).Equal(std) || years%100 != 0 || years != 0 && !strings.Contains(s, "-") {
				t.Fatalf("%q is %v, net/http %v", s, got, std)
			}
		case err == nil:
			// To the letter it is none, apart from the weekday, which both pass over.
			for _, layout := range layouts {
				again := std.UTC().Format(layout)
				if a, b := strings.IndexAny(again, ", "), strings.IndexAny(s, ", "); std.Year() < 10000 && again[a:] == s[b:] && again[:a] == s[:b] {
					t.Fatalf("%q is refused, net/http: %v", s, std)
				}
			}
		}
	})
}

func FuzzRanges(f *testing.F) {
	for _, s := range []string{"bytes=0-4", "bytes=-5", "bytes=5-", "Bytes=0-0, 2-2,,4-4", "bytes=0-10,5-20", "bytes=99999999999999999999-", "lines=1-2"} {
		f.Add(s, int64(10))
	}
	f.Add("bytes=0-9223372036854775807,-9223372036854775807", int64(1<<63-1))
	f.Fuzz(func(t *testing.T, value string, size int64) {
		var r httpmini.Request
		if _, err := r.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nRange: "+value+"\r\n\r\n"), nil); err != nil {
			return
		}
		room := make([]httpmini.Range, 0, httpmini.MaxRanges)
		ranges, status := r.Ranges(size, httpmini.Validators{}, time.Time{}, room)
		if status != 206 {
			if status != 200 && status != 416 || len(ranges) > 0 {
				t.Fatalf("%d, %v", status, ranges)
			}
			return
		}
		if len(ranges) == 0 || len(ranges) > httpmini.MaxRanges || &ranges[:1][0] != &room[:1][0] {
			t.Fatalf("%d ranges", len(ranges))
		}
		const boundary, contentType = "boundary", "text/plain"
		length := int64(len(httpmini.AppendLastBoundary(nil, boundary)))
		for i, a := range ranges {
			if a.Start < 0 || a.Length <= 0 || a.Start > size-a.Length {
				t.Fatalf("%v of %d", a, size)
			}
			for _, b := range ranges[:i] {
				if a.Start <= b.Start+b.Length && b.Start <= a.Start+a.Length {
					t.Fatalf("%v and %v", a, b)
				}
			}
			length += int64(len(httpmini.AppendPartHead(nil, boundary, contentType, a, size))) + a.Length
		}
		if n := httpmini.PartsLength(boundary, contentType, ranges, size); n != length {
			t.Fatalf("the length is %d, want %d", n, length)
		}
	})
}

// FuzzPath: a name comes back from its escaped form, whoever reads that, and it
// names neither a host nor a scheme.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/", "//a", "/a/b%20c", "/%2e%2e/.a", "/a%00", "/a%2Fb", "/%zz", "a:b", "/\\a", "a/../b:c?d#e", "\xff"} {
		f.Add(s)
	}
	base, err := url.Parse("http://host/dir/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		name, err := httpmini.AppendPath(nil, []byte(path))
		std, stdErr := url.PathUnescape(path)
		if err == nil {
			if stdErr != nil || string(name) != strings.TrimLeft(path, "/") && !strings.Contains(path, "%") {
				t.Fatalf("%q is %q, net/url: %q, %v", path, name, std, stdErr)
			}
			if bytes.HasPrefix(name, []byte("/")) || bytes.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Fatalf("%q is %q", path, name)
			}
			if again, err := httpmini.AppendPath(nil, httpmini.EscapePath([]byte("/"), name)); err != nil || !bytes.Equal(again, name) {
				t.Fatalf("%q comes back as %q, %v", name, again, err)
			}
		} else {
			var bad *httpmini.BadError
			if !errors.As(err, &bad) || bad.Offset < 0 || bad.Offset >= len(path) || bad.Status != 400 && bad.Status != 404 {
				t.Fatalf("%q: %#v", path, err)
			}
		}

		// Any bytes at all are escaped safely.
		escaped := string(httpmini.EscapePath(nil, []byte(path)))
		if decoded, err := url.PathUnescape(escaped); err != nil || strings.HasPrefix(decoded, "//") || strings.TrimLeft(decoded, "/") != strings.TrimLeft(path, "/") {
			t.Fatalf("%q is %q, and that %q, %v", path, escaped, decoded, err)
		}
		u, err := base.Parse(escaped)
		if err != nil || u.Host != "host" || u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("%q is %q, and that is %v, %v", path, escaped, u, err)
		}
	})
}

// A selection is what decides between 200, 206, 304, 412 and 416.
type selection struct {
	method                                 string
	etag                                   string
	size                                   int
	match, unmodified, noneMatch, modified string
	ranges, ifRange                        string
}

// modified is long ago, so that its date is a strong validator.
var modified = time.Date(1994, time.November, 6, 8, 49, 37, 5e8, time.UTC)

func (s selection) fields() map[string]string {
	return map[string]string{
		"If-Match": s.match, "If-Unmodified-Since": s.unmodified, "If-None-Match": s.noneMatch, "If-Modified-Since": s.modified,
		"Range": s.ranges, "If-Range": s.ifRange,
	}
}

// ours gives the status and, for a 206, the bytes that are sent of content, each
// at its place and 0 elsewhere. ok is false for what is no request.
func (s selection) ours(content []byte) (status int, sent []byte, ok bool) {
	head := s.method + " / HTTP/1.1\r\nHost: a\r\n"
	for name, value := range s.fields() {
		if value != "" {
			head += name + ": " + value + "\r\n"
		}
	}
	var r httpmini.Request
	if n, err := r.Parse([]byte(head+"\r\n"), nil); err != nil || n != len(head)+2 {
		return 0, nil, false
	}
	v := httpmini.Validators{ETag: s.etag, Modified: modified}
	if status := r.Precondition(v); status != 0 {
		return status, nil, true
	}
	ranges, status := r.Ranges(int64(s.size), v, modified.Add(time.Hour), nil)
	if status != 206 {
		return status, nil, true
	}
	sent = make([]byte, s.size)
	for _, r := range ranges {
		copy(sent[r.Start:], content[r.Start:r.Start+r.Length])
	}
	return status, sent, true
}

// theirs is the same of net/http's ServeContent.
func (s selection) theirs(t *testing.T, content []byte) (status int, sent []byte) {
	r := httptest.NewRequest(s.method, "/", nil)
	for name, value := range s.fields() {
		if value != "" {
			r.Header.Set(name, strings.Trim(value, " \t"))
		}
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "text/plain")
	if s.etag != "" {
		w.Header().Set("ETag", s.etag)
	}
	http.ServeContent(w, r, "", modified, bytes.NewReader(content))
	answer := w.Result()
	if answer.StatusCode != 206 || s.method == "HEAD" {
		return answer.StatusCode, nil
	}
	sent = make([]byte, s.size)
	one := func(contentRange string, body io.Reader) {
		b, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			return
		}
		start := bytes.IndexByte(content, b[0])
		want := httpmini.AppendContentRange(nil, httpmini.Range{Start: int64(start), Length: int64(len(b))}, int64(s.size))
		if contentRange != string(want) {
			t.Fatalf("net/http has %q, we %q", contentRange, want)
		}
		copy(sent[start:], b)
	}
	_, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if parameters["boundary"] == "" {
		one(answer.Header.Get("Content-Range"), answer.Body)
		return 206, sent
	}
	parts := multipart.NewReader(answer.Body, parameters["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return 206, sent
		}
		if err != nil {
			t.Fatal(err)
		}
		one(part.Header.Get("Content-Range"), part)
	}
}

// differences are where net/http's ServeContent decides otherwise, and who is
// right. The fuzz target below takes in all others.
var differences = map[string]struct {
	s            selection
	ours, theirs int
	why          string
}{
	"Range with HEAD": {selection{method: "HEAD", size: 10, ranges: "bytes=0-4"}, 200, 206,
		"RFC 9110 14.2: to be ignored for any method but GET; we are right"},
	"Range with POST": {selection{method: "POST", size: 10, ranges: "bytes=0-4"}, 200, 206,
		"RFC 9110 14.2: to be ignored for any method but GET; we are right"},
	"conditions with OPTIONS": {selection{method: "OPTIONS", size: 10, match: `"b"`}, 200, 412,
		"RFC 9110 13.2.1: to be ignored for a method that selects no representation; we are right"},
	"a unit that is not understood": {selection{method: "GET", size: 10, ranges: "lines=0-4"}, 200, 416,
		"RFC 9110 14.2: to be ignored; we are right"},
	"the unit in capitals": {selection{method: "GET", size: 10, ranges: "Bytes=0-4"}, 206, 416,
		"RFC 9110 14.1: names of units have no case; we are right"},
	"a malformed Range": {selection{method: "GET", size: 10, ranges: "bytes=5-4"}, 200, 416,
		"RFC 9110 14.2: ignored or rejected; both are right"},
	"spaces inside of a range": {selection{method: "GET", size: 10, ranges: "bytes=0 - 4"}, 200, 206,
		"RFC 9110 14.1.1: malformed; we are right"},
	"a sign": {selection{method: "GET", size: 10, ranges: "bytes=+0-4"}, 200, 206,
		"RFC 9110 14.1.1: malformed; we are right"},
	"a number that does not fit": {selection{method: "GET", size: 10, ranges: "bytes=5-99999999999999999999"}, 206, 416,
		"RFC 9110 14.1.2: overflow is to be anticipated; we are right"},
	"no last bytes": {selection{method: "GET", size: 10, ranges: "bytes=-0"}, 416, 206,
		"RFC 9110 14.1.2: a suffix-length of 0 is not satisfiable; we are right"},
	"the last bytes of nothing": {selection{method: "GET", size: 0, ranges: "bytes=-5"}, 200, 206,
		"RFC 9110 14.4: no Content-Range describes nothing, and 14.2 allows to ignore; we are right"},
	"a malformed Range of nothing": {selection{method: "GET", size: 0, ranges: "bytes=a"}, 200, 416,
		"RFC 9110 14.2: ignored or rejected; both are right"},
	"a few ranges that overlap": {selection{method: "GET", size: 10, ranges: "bytes=0-7,1-8"}, 206, 200,
		"RFC 9110 15.3.7.2: they may be coalesced, 14.2: or ignored; both are right"},
	"many ranges that overlap": {selection{method: "GET", size: 100, ranges: "bytes=0-4,1-5,2-6"}, 200, 206,
		"RFC 9110 14.2: may be ignored; both are right"},
	"many ranges": {selection{method: "GET", size: 100, ranges: "bytes=0-0" + strings.Repeat(",2-2", 16)}, 200, 206,
		"RFC 9110 14.2 and 17.15: may be ignored; both are right"},
	"* within a list": {selection{method: "GET", size: 10, match: `"b", *`}, 412, 200,
		"RFC 9110 13.1.1: malformed, and when in doubt a precondition fails; we are right"},
	"* and more": {selection{method: "GET", size: 10, noneMatch: `*a`}, 200, 304,
		"RFC 9110 13.1.2: malformed, so the client cannot be sure to have it; we are right"},
	"no comma between entity-tags": {selection{method: "GET", etag: `"a"`, size: 10, match: `"b" "a"`}, 412, 200,
		"RFC 9110 13.1.1: malformed, and when in doubt a precondition fails; we are right"},
	"something behind an entity-tag": {selection{method: "GET", etag: `"a"`, size: 10, ranges: "bytes=0-4", ifRange: `"a"b`}, 200, 206,
		"RFC 9110 13.1.5: malformed, so the condition does not hold; we are right"},
	"a date in another time zone": {selection{method: "GET", size: 10, modified: "Sunday, 06-Nov-94 08:49:37 CET"}, 200, 304,
		"RFC 9110 13.1.3: no valid date is to be ignored; we are right"},
	"a date with a fraction": {selection{method: "PUT", size: 10, unmodified: "Sun, 06 Nov 1994 08:49:36.5 GMT"}, 200, 412,
		"RFC 9110 13.1.4: no valid date is to be ignored; we are right"},
}

func TestAgainstServeContent(t *testing.T) {
	for name, d := range differences {
		t.Run(name, func(t *testing.T) {
			content := letters(d.s.size)
			if status, _, ok := d.s.ours(content); !ok || status != d.ours {
				t.Errorf("ours is %d, want %d: %s", status, d.ours, d.why)
			}
			if status, _ := d.s.theirs(t, content); status != d.theirs {
				t.Errorf("net/http's is %d now, %d was noted: %s", status, d.theirs, d.why)
			}
		})
	}
}

// letters are different from each other, so that a part shows where it is from.
func letters(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(1 + i)
	}
	return b
}

// These are well-formed and mean the same to both.
var (
	tagList   = regexp.MustCompile(`^(\*|[ \t,]*((W/)?"[!#-~\x80-\xff]*"[ \t]*(,[ \t,]*|$))*)$`)
	oneTag    = regexp.MustCompile(`^(W/)?"[!#-~\x80-\xff]*"$`)
	rangeList = regexp.MustCompile(`^bytes=[ \t,]*((\d{1,15}-\d{0,15}|-0*[1-9]\d{0,14})[ \t]*(,[ \t,]*|$))+$`)
)

// sameDate reports whether net/http and we read the same out of a date, or nothing.
func sameDate(s string) bool {
	got, ok := httpmini.ParseDate([]byte(s))
	std, err := http.ParseTime(s)
	return ok == (err == nil) && (!ok || got.Equal(std))
}

// alike reports whether the selection is none of the differences, for which it has
// to be well-formed.
func (s selection) alike() bool {
	for _, list := range []string{s.match, s.noneMatch} {
		if list != "" && !tagList.MatchString(list) {
			return false
		}
	}
	for _, date := range []string{s.unmodified, s.modified, s.ifRange} {
		if !sameDate(date) {
			return false
		}
	}
	if strings.Contains(s.ifRange, `"`) && !oneTag.MatchString(s.ifRange) {
		return false
	}
	if s.ranges == "" {
		return true
	}
	if s.method != "GET" || s.size == 0 || !rangeList.MatchString(s.ranges) {
		return false
	}
	specs := strings.FieldsFunc(s.ranges[len("bytes="):], func(r rune) bool { return strings.ContainsRune(", \t", r) })
	seen := make([]bool, s.size)
	for _, spec := range specs {
		one := selection{method: "GET", size: s.size, ranges: "bytes=" + spec}
		status, sent, _ := one.ours(letters(s.size))
		if status == 200 {
			return false // the last is before the first
		}
		for i, b := range sent {
			if b != 0 && seen[i] {
				return false
			}
			seen[i] = seen[i] || b != 0
		}
	}
	return len(specs) <= httpmini.MaxRanges // few, and without overlaps
}

// FuzzServeContent compares with net/http where both have to decide the same.
func FuzzServeContent(f *testing.F) {
	f.Add(uint8(0), `"a"`, uint8(10), `"a"`, thatSecond, `"b", W/"c"`, secondBefore, "bytes=0-4", `"a"`)
	f.Add(uint8(0), `"a"`, uint8(10), "", "", "", "", "bytes=0-1,4-5, -1", thatSecond)
	f.Add(uint8(1), `W/"a"`, uint8(10), "*", secondAfter, `*`, thatSecond, "", "")
	f.Add(uint8(2), ``, uint8(0), "", secondBefore, "", "", "", "")
	f.Add(uint8(0), `"a,"`, uint8(100), "", "", `,"a,"`, "", "bytes=50-,0-0,200-", `W/"a,"`)
	for _, d := range differences {
		f.Add(uint8(slices.Index(methods, d.s.method)), d.s.etag, uint8(d.s.size), d.s.match, d.s.unmodified, d.s.noneMatch, d.s.modified, d.s.ranges, d.s.ifRange)
	}
	f.Fuzz(func(t *testing.T, method uint8, etag string, size uint8, match, unmodified, noneMatch, modified, ranges, ifRange string) {
		trim := func(s string) string { return strings.Trim(s, " \t") }
		s := selection{methods[int(method)%len(methods)], etag, int(size), trim(match), trim(unmodified), trim(noneMatch), trim(modified), trim(ranges), trim(ifRange)}
		if s.etag != "" && !oneTag.MatchString(s.etag) {
			return
		}
		content := letters(s.size)
		status, sent, ok := s.ours(content)
		if !ok || s.method == "OPTIONS" || !s.alike() {
			return
		}
		if theirs, theirsSent := s.theirs(t, content); status != theirs || !bytes.Equal(sent, theirsSent) {
			t.Fatalf("%+v\nours   %d %v\ntheirs %d %v", s, status, sent, theirs, theirsSent)
		}
	})
}

var methods = []string{"GET", "HEAD", "PUT", "POST", "OPTIONS"}
