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

var (
	thatDate = modified.Format(imfFormat)
	before   = modified.Add(-time.Second).Format(imfFormat)
	after    = modified.Add(time.Second).Format(imfFormat)
)

const (
	ifMatch           = "If-Match: "
	ifNoneMatch       = "If-None-Match: "
	ifModifiedSince   = "If-Modified-Since: "
	ifUnmodifiedSince = "If-Unmodified-Since: "
)

// cond asks for /hello.txt with these field lines.
func cond(w want, fields ...string) talk { return ask(get("/hello.txt", fields...), w) }

// RFC 9110 sections 8.8 and 13: validators, and requests with conditions.
var conditions = []rule{
	{name: "9110 8.8.1 a new version, a new tag", waits: true, run: func(t *testing.T, s *served) {
		// Same name, same size, same time of modification: only the content is new.
		path := "/version-" + string(s.config.Loop)
		tags := map[string]string{} // of what content
		for version := range 4 {
			c := s.dial(t)
			in := bufio.NewReader(c)
			content := strings.Repeat(fmt.Sprint(version), 100)
			must(t, os.WriteFile(filepath.Join(s.dir, path), []byte(content), 0o644))
			must(t, os.Chtimes(filepath.Join(s.dir, path), modified, modified))
			for { // the deadline of the connection ends it
				io.WriteString(c, get(path))
				r, err := final(in, question{})
				if err != nil {
					t.Fatal(err)
				}
				tag := r.get("ETag")
				if of, known := tags[tag]; known && of != r.body {
					t.Fatalf("ETag %s of %.10q and of %.10q", tag, of, r.body)
				}
				tags[tag] = r.body
				if r.body == content {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			c.Close()
		}
	}},
	{name: "9110 8.8.2.1 Last-Modified", talks: []talk{
		cond(gives(hello).with("Last-Modified: " + thatDate)), ask(get("/large.bin"),
			gives(large).with("Last-Modified: "+thatDate)), ask(get("/dir/"), gives(page2).with("Last-Modified: "+thatDate)),
		ask(request("HEAD /hello.txt"), is(200).toHEAD().with("Last-Modified: "+thatDate)),
	}},
	{name: "9110 8.8.2.1 a file from the future", waits: true, run: func(t *testing.T, s *served) {
		c := s.dial(t)
		in := bufio.NewReader(c)
		for first := ""; ; { // until the second changes
			io.WriteString(c, get("/future.txt"))
			r, err := final(in, question{})
			if err != nil {
				t.Fatal(err)
			}
			if r.get("Last-Modified") != r.get("Date") {
				t.Fatalf("Last-Modified: %s, and Date: %s", r.get("Last-Modified"), r.get("Date"))
			}
			if first == "" {
				first = r.get("Date")
			}
			if r.get("Date") != first {
				return
			}
		}
	}},
	{name: "9110 8.8.3 a tag that cannot be strong yet is weak", run: func(t *testing.T, s *served) {
		path := "/new-" + string(s.config.Loop)
		must(t, os.WriteFile(filepath.Join(s.dir, path), []byte("new"), 0o644))
		r := one(t, s, get(path))
		if !strings.HasPrefix(r.get("ETag"), `W/"`) {
			t.Errorf("the file may change again in this clock tick, and its ETag is %s", r.get("ETag"))
		}
		if r := one(t, s, get(path, "Range: bytes=0-0", "If-Range: "+r.get("ETag"))); r.status != 200 {
			t.Errorf("a weak tag in If-Range: %q", r.raw)
		}
	}},
	{name: "9110 8.8.3.1 ETag", talks: []talk{
		cond(gives(hello).with("ETag: $etag")), ask(get("/large.bin"), gives(large).with("ETag")), ask(get("/empty.txt"),
			gives("").with("ETag")), ask(get("/dir/"), gives(page2).with("ETag")), ask(request("HEAD /hello.txt"),
			is(200).toHEAD().with("ETag: $etag")),
	}},

	{name: "9110 13.1.1 If-Match", talks: []talk{
		cond(gives(hello), ifMatch+"$etag"), cond(gives(hello), ifMatch+"*"), cond(gives(hello), ifMatch+"\"x\", $etag"),
		cond(gives(hello), ifMatch+"$etag , \"x\""), cond(gives(hello), ifMatch+"\"a,b\",W/\"c\",$etag"),
		cond(is(412), ifMatch+"\"x\""), cond(is(412), ifMatch+"\"\""), cond(is(412), ifMatch+"\"x\", \"y\""),
		ask(request("HEAD /hello.txt", ifMatch+"\"x\""), is(412).toHEAD()), ask(get("/large.bin", ifMatch+"\"x\""), is(412)),
	}},
	{name: "9110 13.1.1 If-Match compares strongly", talks: []talk{
		cond(is(412), ifMatch+"W/$etag"), cond(is(412), ifMatch+"W/$etag, \"x\""), cond(gives(hello), ifMatch+"W/$etag, $etag"),
		cond(is(412), ifMatch+"w/$etag"),
	}},
	{name: "9110 13.1.2 If-None-Match", talks: []talk{
		cond(is(304), ifNoneMatch+"$etag"), cond(is(304), ifNoneMatch+"*"), cond(is(304), ifNoneMatch+"\"x\", $etag"), cond(is(304),
			ifNoneMatch+"$etag,\"x\""), cond(is(304), ifNoneMatch+"\"a,b\" , $etag"),
		cond(gives(hello), ifNoneMatch+"\"x\""), cond(gives(hello), ifNoneMatch+"\"\""), cond(gives(hello),
			ifNoneMatch+"\"x\",\"y\""), cond(gives(hello), ifNoneMatch+"x"), cond(gives(hello), ifNoneMatch),
		ask(request("HEAD /hello.txt", ifNoneMatch+"$etag"), is(304).toHEAD()), ask(request("HEAD /hello.txt", ifNoneMatch+"\"x\""),
			is(200).toHEAD()), ask(get("/large.bin", ifNoneMatch+"*"), is(304)),
	}},
	{name: "9110 13.1.2 If-None-Match compares weakly", talks: []talk{
		cond(is(304), ifNoneMatch+"W/$etag"), cond(is(304), ifNoneMatch+"\"x\", W/$etag"), cond(gives(hello),
			ifNoneMatch+"W/\"x\""),
	}},
	{name: "9110 13.1.3 If-Modified-Since", talks: []talk{
		cond(is(304), ifModifiedSince+thatDate), cond(is(304), ifModifiedSince+after), cond(gives(hello), ifModifiedSince+before),
		cond(is(304), ifModifiedSince+time.Now().UTC().Format(imfFormat)), cond(is(304),
			ifModifiedSince+"Fri, 31 Dec 9999 23:59:59 GMT"), cond(gives(hello), ifModifiedSince+"Thu, 01 Jan 1970 00:00:00 GMT"),
		ask(request("HEAD /hello.txt", ifModifiedSince+thatDate), is(304).toHEAD()), ask(request("HEAD /hello.txt",
			ifModifiedSince+before), is(200).toHEAD()), ask(get("/large.bin", ifModifiedSince+thatDate), is(304)),
	}},
	{name: "9110 13.1.3 If-None-Match instead of If-Modified-Since", talks: []talk{
		cond(gives(hello), ifNoneMatch+"\"x\"", ifModifiedSince+thatDate), cond(gives(hello), ifModifiedSince+thatDate,
			ifNoneMatch+"\"x\""), cond(is(304), ifNoneMatch+"$etag", ifModifiedSince+before), cond(gives(hello), ifNoneMatch,
			ifModifiedSince+thatDate),
	}},
	{name: "9110 13.1.3 no good date", talks: slices.Concat(notADate(gives(hello), ifModifiedSince), []talk{
		cond(gives(hello), ifModifiedSince+after, ifModifiedSince+after), cond(gives(hello), ifModifiedSince+after,
			ifModifiedSince+before), cond(gives(hello), ifModifiedSince+after+", "+after),
	})},
	{name: "9110 13.1.3 other methods", talks: []talk{
		ask(request("OPTIONS /hello.txt", ifModifiedSince+after), is(204)), ask(request("POST /hello.txt", ifModifiedSince+after),
			is(405)).perhaps(),
	}},
	{name: "9110 13.1.3 no date of modification", visit: true, talks: []talk{
		ask(get("/", ifModifiedSince+time.Now().UTC().Format(imfFormat)), is(200).without("Last-Modified")), ask(get("/",
			ifUnmodifiedSince+"Thu, 01 Jan 1970 00:00:00 GMT"), is(200)),
	}},
	{name: "9110 13.1.4 If-Unmodified-Since", talks: []talk{
		cond(gives(hello), ifUnmodifiedSince+thatDate), cond(gives(hello), ifUnmodifiedSince+after), cond(is(412),
			ifUnmodifiedSince+before), cond(is(412), ifUnmodifiedSince+"Sunday, 06-Nov-94 08:49:37 GMT"), cond(is(412),
			ifUnmodifiedSince+"Sun Nov  6 08:49:37 1994"),
		ask(request("HEAD /hello.txt", ifUnmodifiedSince+before), is(412).toHEAD()), ask(get("/large.bin",
			ifUnmodifiedSince+before), is(412)),
	}},
	{name: "9110 13.1.4 If-Match instead of If-Unmodified-Since", talks: []talk{
		cond(gives(hello), ifMatch+"$etag", ifUnmodifiedSince+before), cond(gives(hello), ifUnmodifiedSince+before, ifMatch+"*"),
		cond(is(412), ifMatch+"\"x\"", ifUnmodifiedSince+after),
	}},
	{name: "9110 13.1.4 no good date", talks: slices.Concat(notADate(gives(hello), ifUnmodifiedSince), []talk{
		cond(gives(hello), ifUnmodifiedSince+before, ifUnmodifiedSince+before), cond(gives(hello),
			ifUnmodifiedSince+before+", "+before),
	})},
	{name: "9110 13.1.5 If-Range with a tag", talks: []talk{
		cond(part1, "Range: bytes=1-2", "If-Range: $etag"), cond(part1, "If-Range: $etag", "Range: bytes=1-2"), cond(gives(hello),
			"Range: bytes=1-2", "If-Range: \"x\""), cond(gives(hello), "Range: bytes=1-2", "If-Range: \"\""),
		cond(gives(hello), "Range: bytes=1-2", "If-Range: W/$etag"), cond(gives(hello), "Range: bytes=1-2",
			"If-Range: $etag, \"x\""), cond(gives(hello), "Range: bytes=1-2", "If-Range: *"), ask(get("/large.bin",
			"Range: bytes=1-2", "If-Range: \"x\""), gives(large)),
	}},
	{name: "9110 13.1.5 If-Range with a date", talks: []talk{
		cond(part1, "Range: bytes=1-2", "If-Range: "+thatDate), cond(part1, "Range: bytes=1-2",
			"If-Range: "+modified.Format(rfc850Format)), cond(part1, "Range: bytes=1-2", "If-Range: "+modified.Format(ansiFormat)),
		cond(gives(hello), "Range: bytes=1-2", "If-Range: "+after), cond(gives(hello), "Range: bytes=1-2", "If-Range: "+before),
		cond(gives(hello), "Range: bytes=1-2", "If-Range: "+thatDate[:20]), cond(gives(hello), "Range: bytes=1-2",
			"If-Range: x"), cond(gives(hello), "Range: bytes=1-2", "If-Range:"),
	}},
	{name: "9110 13.1.5 If-Range with a date that is not strong", run: func(t *testing.T, s *served) {
		path := "/fresh-" + string(s.config.Loop)
		must(t, os.WriteFile(filepath.Join(s.dir, path), []byte("fresh"), 0o644))
		last := one(t, s, get(path)).get("Last-Modified")
		if r := one(t, s, get(path, "Range: bytes=0-0", "If-Range: "+last)); r.status != 200 {
			t.Errorf("the file may have changed twice in that second: %q", r.raw)
		}
	}},
	{name: "9110 13.1.5 If-Range without Range", talks: []talk{
		cond(gives(hello), "If-Range: $etag"), cond(gives(hello), "If-Range: \"x\""), cond(gives(hello), "If-Range: "+thatDate),
		cond(gives(hello), "If-Range: x"), cond(is(304), "If-Range: \"x\"", ifNoneMatch+"$etag"),
	}},
	{name: "9110 13.2.1 conditions come after what is wrong anyway", talks: slices.Concat(
		onPath(is(404), "/none"), onPath(is(404), "/.hidden"), onPath(is(301), "/dir"), onPath(is(403), "/bare/"), onPath(is(403,
			404), "/outside"),
		[]talk{
			ask(request("POST /hello.txt", ifMatch+"\"x\""), is(405)).perhaps(), ask(request("BREW /hello.txt", ifMatch+"\"x\""),
				is(501)).perhaps(), ask(request("POST /hello.txt", ifNoneMatch+"*"), is(405)).perhaps(),
			ask(get("https://a/hello.txt", ifNoneMatch+"*"), is(421)).perhaps(), cond(is(417), "Expect: more",
				ifNoneMatch+"*").perhaps(), ask(head("GET /hello.txt HTTP/1.1", ifNoneMatch+"*"), is(400)).closing(),
		})},
	{name: "9110 13.2.1 methods that select nothing", talks: []talk{
		ask(request("OPTIONS /hello.txt", ifMatch+"\"x\""), is(204)), ask(request("OPTIONS /hello.txt", ifNoneMatch+"*"), is(204)),
		ask(request("OPTIONS *", ifNoneMatch+"*"), is(204)), ask(request("OPTIONS /hello.txt", ifUnmodifiedSince+before),
			is(204)),
		ask(request("CONNECT a:80", ifMatch+"\"x\""), is(405)).perhaps(), ask(request("TRACE /hello.txt", ifMatch+"\"x\""),
			is(405)).perhaps(),
	}},
	{name: "9110 13.2.1 conditions on a listing", config: Config{Listing: true}, talks: onWhatIsMade("/bare/", want{}.without("ETag"))},
	{name: "9110 13.2.1 conditions on the visitor's page", visit: true, talks: slices.Concat(
		onWhatIsMade("/", want{}.with("Cache-Control: no-store")),
		[]talk{
			ask(request("POST /", ifMatch+"\"x\""), is(412)), ask(request("POST /", ifMatch+"*"), is(200)),
			ask(request("POST /", ifNoneMatch+"*"), is(412)), ask(request("POST /", ifNoneMatch+"\"x\""), is(200)),
			ask(request("POST /", ifNoneMatch+"*", "Content-Length: 3")+"abc"+get("/"), is(412), is(200)),
			ask(request("POST /", ifModifiedSince+"Fri, 31 Dec 9999 23:59:59 GMT"), is(200)),
			ask(get("/none", ifNoneMatch+"*"), is(404)), ask(request("OPTIONS /", ifMatch+"\"x\""), is(204)),
		})},
	{name: "9110 13.2.2 the order of conditions", talks: []talk{
		cond(is(412), ifMatch+"\"x\"", ifNoneMatch+"*"), cond(is(412), ifNoneMatch+"$etag", ifMatch+"\"x\""), cond(is(304),
			ifMatch+"$etag", ifNoneMatch+"$etag"), cond(gives(hello), ifMatch+"$etag", ifNoneMatch+"\"x\""),
		cond(is(304), ifMatch+"*", ifUnmodifiedSince+before, ifNoneMatch+"*"), cond(is(412), ifUnmodifiedSince+before,
			ifNoneMatch+"*"), cond(is(304), ifUnmodifiedSince+thatDate, ifNoneMatch+"*"), cond(is(412), ifUnmodifiedSince+before,
			ifModifiedSince+after),
		cond(is(304), ifUnmodifiedSince+thatDate, ifModifiedSince+thatDate), cond(is(304), ifMatch+"$etag",
			ifModifiedSince+thatDate), cond(gives(hello), ifMatch+"$etag", ifNoneMatch+"\"x\"", ifModifiedSince+thatDate),
		cond(is(304), ifNoneMatch+"$etag", "Range: bytes=1-2"), cond(is(304), ifModifiedSince+thatDate, "Range: bytes=1-2"),
		cond(is(412), ifMatch+"\"x\"", "Range: bytes=1-2"), cond(is(412), ifUnmodifiedSince+before, "Range: bytes=1-2"),
		cond(part1, ifMatch+"$etag", "Range: bytes=1-2"), cond(part1, ifNoneMatch+"\"x\"", "Range: bytes=1-2"), cond(part1,
			ifModifiedSince+before, "Range: bytes=1-2"), cond(part1, ifUnmodifiedSince+thatDate, "Range: bytes=1-2"),
		cond(is(304), ifNoneMatch+"$etag", "Range: bytes=50-"), cond(is(412), ifMatch+"\"x\"", "Range: bytes=50-"), cond(is(304),
			ifModifiedSince+after, "Range: bytes=50-"), cond(gives(hello), "If-Range: \"x\"", "Range: bytes=50-"),
		cond(is(304), ifNoneMatch+"$etag", "If-Range: \"x\"", "Range: bytes=1-2"), cond(is(412), ifMatch+"\"x\"", "If-Range: $etag",
			"Range: bytes=1-2"), cond(gives(hello), ifMatch+"$etag", "If-Range: \"x\"", "Range: bytes=1-2"),
		cond(part1, ifMatch+"$etag", ifNoneMatch+"\"x\"", "If-Range: $etag", "Range: bytes=1-2"), cond(gives(hello),
			ifModifiedSince+before, "If-Range: "+after, "Range: bytes=1-2"),
	}},
	{name: "9110 15.3.1 validators with a 200", talks: []talk{
		cond(gives(hello).with("ETag: $etag", "Last-Modified: "+thatDate)), ask(request("HEAD /hello.txt"),
			is(200).toHEAD().with("ETag: $etag", "Last-Modified: "+thatDate)), ask(get("/large.bin"), gives(large).with("ETag",
			"Last-Modified: "+thatDate)),
	}},
	{name: "9110 15.4.5 the fields of a 304", run: func(t *testing.T, s *served) {
		for _, path := range []string{"/hello.txt", "/large.bin", "/dir/", "/empty.txt"} {
			whole := one(t, s, get(path, "Connection: close"))
			for _, f := range []string{ifNoneMatch + "*", ifModifiedSince + thatDate} {
				r := one(t, s, get(path, "Connection: close", f))
				if r.status != 304 || !r.has("ETag") {
					t.Errorf("%s: %q", path, r.raw)
				}
				for _, name := range []string{"Cache-Control", "Content-Location", "ETag", "Expires", "Vary"} {
					if strings.TrimPrefix(r.get(name), "W/") != strings.TrimPrefix(whole.get(name), "W/") {
						t.Errorf("%s: %s: %s, but with a 200 %s", path, name, r.get(name), whole.get(name))
					}
				}
				if r.has("Content-Length") && r.get("Content-Length") != whole.get("Content-Length") {
					t.Errorf("%s: %q", path, r.raw)
				}
			}
		}
	}},
}

// part1 is the answer to bytes=1-2 of /hello.txt.
var part1 = func() want {
	content := hello[1:3]
	return want{status: []int{206}, body: &content, has: []string{"Content-Range: bytes 1-2/13", "Content-Length: 2"}}
}()

// onWhatIsMade asks for a page that has no validators. It is there, which is all that
// a condition can be about.
func onWhatIsMade(path string, w want) (talks []talk) {
	for fields, status := range map[string]int{
		ifMatch + "*":                             200,
		ifMatch + "\"x\"":                         412,
		ifMatch + "\"\"":                          412,
		ifMatch + "*\r\n" + ifNoneMatch + "*":     304,
		ifMatch + "\"x\"\r\n" + ifNoneMatch + "*": 412,
		ifNoneMatch + "*":                         304,
		ifNoneMatch + "\"x\"":                     200,
		ifNoneMatch:                               200,
		ifModifiedSince + "Fri, 31 Dec 9999 23:59:59 GMT":   200,
		ifUnmodifiedSince + "Thu, 01 Jan 1970 00:00:00 GMT": 200,
		"Range: bytes=0-0":                         200,
		"Range: bytes=999999-":                     200,
		"Range: bytes=0-0\r\nIf-Range: \"x\"":      200,
		"Range: bytes=0-0\r\n" + ifNoneMatch + "*": 304,
	} {
		w := w
		w.status = []int{status}
		if status == 412 {
			w.has = nil
		}
		w = w.with("Vary: Accept")
		talks = append(talks, ask(get(path, fields), w), ask(request("HEAD "+path, fields), w.toHEAD()))
	}
	return talks
}

// notADate has each of these ignored. Most would change the answer if they were
// read with a little good will.
func notADate(w want, field string) (talks []talk) {
	ignored := []string{
		"", "x", "0", "1433664550", "2015-06-07T08:09:10Z", "*", "\"" + thatDate + "\"", strings.ToLower(thatDate),
		strings.ToUpper(thatDate), thatDate + "x", thatDate + " ;a=b", "Sun,  07 Jun 2015 08:09:10 GMT",
		"Sun, 7 Jun 2015 08:09:10 GMT",
		"Sun, 07 Jun 2015 08:09:10", "Sun, 07 Jun 2015 08:09:10 UTC", "Sun, 07 Jun 2015 08:09:10 +0000",
		"Sun, 07 Jun 2015 8:09:10 GMT", "Sun, 07 Jun 15 08:09:10 GMT", "Sun, 07 Jux 2015 08:09:10 GMT",
		"Xun, 07 Jun 2015 08:09:10 GMT", "07 Jun 2015 08:09:10 GMT",
		"Sun, 31 Jun 2015 08:09:10 GMT", "Sun, 00 Jun 2015 08:09:10 GMT", "Sun, 07 Jun 2015 24:09:10 GMT",
		"Sun, 07 Jun 2015 08:60:10 GMT", "Sun, 07 Jun 2015 08:09:61 GMT", "Sun Jun 07 8:09:10 2015",
		"Sun, 07-Jun-15 08:09:10 GMT", "Sunday, 07-Jun-2015 08:09:10 GMT",
	}
	for _, d := range ignored {
		talks = append(talks, cond(w, field+d))
	}
	return talks
}

// onPath has conditions that are false change nothing about the answer.
func onPath(w want, path string) (talks []talk) {
	for _, f := range []string{ifMatch + "\"x\"", ifMatch + "*", ifNoneMatch + "*",
		ifModifiedSince + "Fri, 31 Dec 9999 23:59:59 GMT", ifUnmodifiedSince + "Thu, 01 Jan 1970 00:00:00 GMT", "Range: bytes=0-0",
		"Range: bytes=999999-"} {
		talks = append(talks, ask(get(path, f), w))
	}
	return talks
}
