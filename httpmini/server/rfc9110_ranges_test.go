package server

import (
	"fmt"
	"mime"
	"slices"
	"strings"
	"testing"
)

// ranged asks for bytes of /hello.txt.
func ranged(w want, specs ...string) (talks []talk) {
	for _, s := range specs {
		talks = append(talks, ask(get("/hello.txt", "Range: "+s), w))
	}
	return talks
}

// portion is the answer with the bytes from first to last of so many.
func portion(of string, first, last int) want {
	content := of[first : last+1]
	return want{status: []int{206}, body: &content, has: []string{fmt.Sprintf("Content-Range: bytes %d-%d/%d", first, last,
		len(of)), fmt.Sprintf("Content-Length: %d", len(content))}}
}

// RFC 9110 sections 14 and 15.3.7: requests for a part of a file.
var ranges = []rule{
	{name: "9110 14.1 units in any case", talks: ranged(portion(hello, 1, 2), "Bytes=1-2", "BYTES=1-2", "bYtEs=1-2")},
	{name: "9110 14.1.1 ranges that are none", talks: ranged(is(200, 416), "bytes=5-2", "bytes=1", "bytes=", "bytes=-", "bytes=a-b",
		"bytes=1-2x", "bytes=1--2", "bytes=+1-2", "bytes=1 -2", "bytes=1- 2", "bytes 1-2", "bytes", "bytes=1-2,5-3", "bytes=0x1-2",
		"bytes=1-2;3-4", "bytes==1-2", "bytes=--2", "=1-2", "", "bytes=,", "1-2")},
	{name: "9110 14.1.2 ranges of bytes", talks: slices.Concat(
		ranged(portion(hello, 0, 0), "bytes=0-0", "bytes=00-00", "bytes=0-00"), ranged(portion(hello, 12, 12), "bytes=12-12",
			"bytes=12-", "bytes=-1", "bytes=12-13", "bytes=12-999"), ranged(portion(hello, 5, 7), "bytes=5-7", "bytes=005-0007"),
		ranged(portion(hello, 1, 12), "bytes=1-", "bytes=-12", "bytes=1-12", "bytes=1-100"), ranged(portion(hello, 0, 12),
			"bytes=0-", "bytes=0-12", "bytes=0-13", "bytes=-13", "bytes=-14", "bytes=-100"),
		[]talk{
			ask(get("/large.bin", "Range: bytes=0-0"), portion(large, 0, 0)), ask(get("/large.bin", "Range: bytes=100000-250000"),
				portion(large, 100000, 250000)), ask(get("/large.bin", "Range: bytes=-70000"), portion(large, len(large)-70000,
				len(large)-1)),
			ask(get("/large.bin", "Range: bytes=307199-"), portion(large, 307199, 307199)), ask(get("/large.bin",
				"Range: bytes=1-"), portion(large, 1, 307199)), ask(get("/kilo.bin", "Range: bytes=1000-2000"), portion(kilo, 1000,
				1023)),
			ask(get("/large.bin", "Range: bytes=5-200000")+get("/hello.txt")+get("/hello.txt", "Range: bytes=1-2"), portion(large,
				5, 200000), gives(hello), part1),
			ask(old("GET /hello.txt", "Range: bytes=1-2"), part1.to10()).closing(),
		})},
	{name: "9110 14.1.2 numbers that fit no integer", talks: slices.Concat(
		ranged(portion(hello, 1, 12), "bytes=1-9223372036854775807", "bytes=1-9223372036854775808", "bytes=1-18446744073709551616",
			"bytes=1-18446744073709551618", "bytes=1-"+strings.Repeat("9", 100)),
		ranged(portion(hello, 0, 12), "bytes=-9223372036854775807", "bytes=-9223372036854775808", "bytes=-18446744073709551617",
			"bytes=-"+strings.Repeat("9", 100)),
		ranged(is(416), "bytes=9223372036854775807-", "bytes=9223372036854775808-", "bytes=18446744073709551617-",
			"bytes=18446744073709551617-18446744073709551618", "bytes="+strings.Repeat("9", 100)+"-"),
		ranged(portion(hello, 1, 2), "bytes="+strings.Repeat("0", 50)+"1-2"))},
	{name: "9110 14.1.2 of an empty file", talks: []talk{
		ask(get("/empty.txt", "Range: bytes=0-0"), is(200, 416)), ask(get("/empty.txt", "Range: bytes=0-"), is(200, 416)),
		ask(get("/empty.txt", "Range: bytes=-1"), is(200)), ask(get("/empty.txt", "Range: bytes=-0"), is(200, 416)),
	}},
	{name: "9110 14.2 Range is for GET", talks: []talk{
		ask(request("HEAD /hello.txt", "Range: bytes=1-2"), is(200).toHEAD().with("Content-Length: 13").without("Content-Range")),
		ask(request("HEAD /hello.txt", "Range: bytes=50-"),
			is(200).toHEAD().with("Content-Length: 13").without("Content-Range")),
		ask(request("HEAD /hello.txt", "Range: bytes=1-2,4-5"), is(200).toHEAD().with("Content-Length: 13")),
		ask(request("OPTIONS /hello.txt", "Range: bytes=1-2"), is(204)), ask(request("POST /hello.txt", "Range: bytes=1-2"),
			is(405)).perhaps(), ask(request("BREW /hello.txt", "Range: bytes=50-"), is(501)).perhaps(),
	}},
	{name: "9110 14.2 unknown units", talks: ranged(gives(hello), "items=1-2", "seconds=1-2", "none=0-0", "byte=1-2", "bytess=1-2",
		"x=50-", "bits=1-2,3-4")},
	{name: "9110 14.2 too many ranges", talks: slices.Concat(
		ranged(is(200, 416), "bytes="+strings.Repeat("0-,", 1000)+"0-", "bytes="+strings.TrimSuffix(strings.Repeat("0-0,2-2,4-4,",
			100), ","), "bytes="+strings.TrimSuffix(strings.Repeat("-1,0-0,", 20), ",")),
		[]talk{ask(get("/large.bin", "Range: bytes="+strings.Repeat("0-,", 1000)+"0-"), is(200, 416))})},
	{name: "9110 14.2 only where there would be a 200", talks: []talk{
		ask(get("/none", "Range: bytes=1-2"), is(404)), ask(get("/dir", "Range: bytes=1-2"), is(301)), ask(get("/bare/",
			"Range: bytes=1-2"), is(403)), cond(is(304), "If-None-Match: *", "Range: bytes=1-2"), cond(is(304), "If-None-Match: *",
			"Range: bytes=50-"), cond(is(412), "If-Match: \"x\"", "Range: bytes=50-"),
	}},
	{name: "9110 14.2 not satisfiable", talks: slices.Concat(
		ranged(is(416).with("Content-Range: bytes */13"), "bytes=13-", "bytes=13-13", "bytes=50-60", "bytes=-0", "bytes=13-14,50-",
			"bytes=-0,99-", "bytes=-00"),
		[]talk{ask(get("/large.bin", "Range: bytes=307200-"), is(416).with("Content-Range: bytes */307200"))})},
	{name: "9110 14.3 Accept-Ranges", talks: []talk{cond(gives(hello).with("Accept-Ranges: bytes")), ask(get("/large.bin"),
		gives(large).with("Accept-Ranges: bytes")), ask(request("HEAD /hello.txt"),
		is(200).toHEAD().with("Accept-Ranges: bytes"))}},
	{name: "9110 14.4 Content-Range in a request", talks: []talk{
		cond(gives(hello), "Content-Range: bytes 1-2/13"), cond(gives(hello), "Content-Range: bytes */13"), cond(part1,
			"Content-Range: bytes 5-6/13", "Range: bytes=1-2"), ask(request("HEAD /hello.txt", "Content-Range: bytes 1-2/13"),
			is(200).toHEAD().with("Content-Length: 13")),
		ask(get("/hello.txt", "Content-Range: bytes 0-2/13", "Content-Length: 3")+"abc"+get("/kilo.bin"), gives(hello),
			gives(kilo)),
	}},
	{name: "9110 15.3.7 the fields of a 206", run: func(t *testing.T, s *served) {
		strongTag(t, s)
		for _, path := range []string{"/hello.txt", "/large.bin", "/dir/"} {
			whole := one(t, s, get(path, "Connection: close"))
			single := one(t, s, get(path, "Connection: close", "Range: bytes=1-2"))
			several := one(t, s, get(path, "Connection: close", "Range: bytes=1-2,8-9"))
			for _, f := range whole.fields {
				if slices.Contains([]string{"Date", "Content-Length", "Connection"}, f[0]) {
					continue
				}
				if single.status != 206 || single.get(f[0]) != f[1] {
					t.Errorf("%s: %q of a 200 is missing in %q", path, f, single.raw)
				}
				if several.status != 206 || several.get(f[0]) != f[1] && f[0] != "Content-Type" {
					t.Errorf("%s: %q of a 200 is missing in %q", path, f, several.raw)
				}
			}
		}
	}},
	{name: "9110 15.3.7 few fields for If-Range", talks: []talk{
		cond(part1.with("ETag: $etag").without("Content-Type", "Last-Modified"), "Range: bytes=1-2", "If-Range: $etag"),
		cond(part1.with("ETag: $etag").without("Content-Type", "Last-Modified"), "Range: bytes=1-2", "If-Range: "+thatDate),
		cond(is(206).with("ETag: $etag").without("Last-Modified").where(inParts(hello, "1-2", "4-5")), "Range: bytes=1-2,4-5", "If-Range: $etag"),
	}},
	{name: "9110 15.3.7.1 one part", talks: slices.Concat(ranged(portion(hello, 1, 2).where(mediaType("text/plain")), "bytes=1-2"),
		ranged(is(206), "bytes=1-2,99-", "bytes=99-,1-2", "bytes=-0,1-2"))},
	{name: "9110 15.3.7.2 many parts", talks: []talk{
		several("/hello.txt", hello, "bytes=1-2,5-7", "1-2", "5-7"), several("/hello.txt", hello, "bytes=0-0, -1", "0-0", "12-12"),
		several("/hello.txt", hello, "bytes=0-1,3-4,6-7,9-9,11-", "0-1", "3-4", "6-7", "9-9", "11-12"),
		several("/large.bin", large, "bytes=0-9,100000-100009,-10", "0-9", "100000-100009", "307190-307199"), several("/large.bin",
			large, "bytes=1-100000,200000-", "1-100000", "200000-307199"), several("/kilo.bin", kilo, "bytes=100-199,300-399",
			"100-199", "300-399"),
		ask(get("/large.bin", "Range: bytes=1-100000,200000-")+get("/hello.txt"), is(206), gives(hello)),
		ask(get("/hello.txt", "Range: bytes=1-2,5-7")+get("/kilo.bin"), is(206), gives(kilo)),
		ask(old("GET /hello.txt", "Range: bytes=1-2,5-7"), is(206).to10().where(inParts(hello, "1-2", "5-7"))).closing(),
	}},
	{name: "9110 15.3.7.2 in the order that was asked for", talks: []talk{
		several("/large.bin", large, "bytes=1000-1009,0-9", "1000-1009", "0-9"), several("/large.bin", large,
			"bytes=-10,0-9,5000-5009", "307190-307199", "0-9", "5000-5009"), several("/large.bin", large,
			"bytes=1000-1009,999999-,0-9", "1000-1009", "0-9"),
	}},
	{name: "9110 15.3.7.2 no parts for a single range", talks: ranged(portion(hello, 1, 2), "bytes=1-2", "bytes=1-2,",
		"bytes=,1-2")},
}

// several asks for ranges of a file and wants a part for each.
func several(path, content, spec string, parts ...string) talk {
	return ask(get(path, "Range: "+spec), is(206).without("Content-Range").where(inParts(content, parts...)))
}

// inParts reads content of the type multipart/byteranges to the letter: RFC 9110
// section 14.6 and RFC 2046 section 5.1.1.
func inParts(content string, parts ...string) func(*response) error {
	return func(r *response) error {
		kind, parameters, err := mime.ParseMediaType(r.get("Content-Type"))
		boundary := parameters["boundary"]
		if err != nil || kind != "multipart/byteranges" || boundary == "" || len(boundary) > 70 || strings.Contains(r.get("Content-Type"),
			`"`) {
			return fmt.Errorf("Content-Type: %s", r.get("Content-Type"))
		}
		rest := "\r\n" + strings.TrimPrefix(r.body, "\r\n")
		for _, p := range parts {
			var first, last int
			fmt.Sscanf(p, "%d-%d", &first, &last)
			data, ok := strings.CutPrefix(rest, "\r\n--"+boundary+"\r\n")
			fields, data, whole := strings.Cut(data, "\r\n\r\n")
			if !ok || !whole {
				return fmt.Errorf("no part for %s at %.200q", p, rest)
			}
			if want := fmt.Sprintf("Content-Range: bytes %d-%d/%d", first, last,
				len(content)); !slices.Contains(strings.Split(fields, "\r\n"), want) {
				return fmt.Errorf("no %s in %q", want, fields)
			}
			if !strings.Contains(fields, "Content-Type: ") || strings.Count(fields, "\n") != 1 {
				return fmt.Errorf("the fields of a part: %q", fields)
			}
			if rest, ok = strings.CutPrefix(data, content[first:last+1]); !ok {
				return fmt.Errorf("not the bytes %s: %.100q", p, data)
			}
		}
		if strings.TrimSuffix(rest, "\r\n") != "\r\n--"+boundary+"--" {
			return fmt.Errorf("after the last part: %.200q", rest)
		}
		if strings.Contains(content, boundary) {
			return fmt.Errorf("the boundary %s is in the content", boundary)
		}
		return nil
	}
}
