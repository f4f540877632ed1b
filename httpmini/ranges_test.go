package httpmini_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"slices"
	"strings"
	"testing"
	"time"

	"fd3/httpmini"
)

func TestRanges(t *testing.T) {
	const size = 1000
	type ranges = []httpmini.Range
	tooMany := "bytes=0-0" + strings.Repeat(",2-2", httpmini.MaxRanges)
	for name, tt := range map[string]struct {
		value  string
		want   ranges
		status int
	}{
		"RFC 9110 14.1.2 the first bytes":                    {"bytes=0-499", ranges{{0, 500}}, 206},
		"RFC 9110 14.1.2 later bytes":                        {"bytes=500-999", ranges{{500, 500}}, 206},
		"RFC 9110 14.1.2 to the end":                         {"bytes=990-", ranges{{990, 10}}, 206},
		"RFC 9110 14.1.2 everything":                         {"bytes=0-", ranges{{0, 1000}}, 206},
		"RFC 9110 14.1.2 beyond the end":                     {"bytes=990-5000", ranges{{990, 10}}, 206},
		"RFC 9110 14.1.2 the last byte":                      {"bytes=999-999", ranges{{999, 1}}, 206},
		"RFC 9110 14.1.2 the last bytes":                     {"bytes=-500", ranges{{500, 500}}, 206},
		"RFC 9110 14.1.2 more last bytes than there are":     {"bytes=-1001", ranges{{0, 1000}}, 206},
		"RFC 9110 14.1.2 zeros in front":                     {"bytes=000-0004", ranges{{0, 5}}, 206},
		"RFC 9110 14.1.2 last-pos does not fit":              {"bytes=5-99999999999999999999", ranges{{5, 995}}, 206},
		"RFC 9110 14.1.2 suffix-length does not fit":         {"bytes=-99999999999999999999", ranges{{0, 1000}}, 206},
		"RFC 9110 14.1.2 first-pos does not fit":             {"bytes=99999999999999999999-", nil, 416},
		"RFC 9110 14.1.2 first-pos is the longest number":    {"bytes=9223372036854775807-", nil, 416},
		"RFC 9110 14.1.2 behind the end":                     {"bytes=1000-", nil, 416},
		"RFC 9110 14.1.2 behind the end, both":               {"bytes=1000-1001,5000-6000", nil, 416},
		"RFC 9110 14.1.2 no last bytes":                      {"bytes=-0", nil, 416},
		"RFC 9110 14.1.1 last-pos before first-pos":          {"bytes=5-4", nil, 200},
		"RFC 9110 14.1.1 one of several is invalid":          {"bytes=0-1,5-4", nil, 200},
		"RFC 9110 14.1.1 no dash":                            {"bytes=5", nil, 200},
		"RFC 9110 14.1.1 a dash alone":                       {"bytes=-", nil, 200},
		"RFC 9110 14.1.1 two dashes":                         {"bytes=--5", nil, 200},
		"RFC 9110 14.1.1 three numbers":                      {"bytes=1-2-3", nil, 200},
		"RFC 9110 14.1.1 a sign":                             {"bytes=+1-2", nil, 200},
		"RFC 9110 14.1.1 hexadecimal":                        {"bytes=0x0-0xf", nil, 200},
		"RFC 9110 14.1.1 a space inside":                     {"bytes=0 - 4", nil, 200},
		"RFC 9110 14.1.1 other-range":                        {"bytes=abc", nil, 200},
		"RFC 9110 14.1.1 no range":                           {"bytes=", nil, 200},
		"RFC 9110 14.1.1 empty elements alone":               {"bytes=, ,", nil, 200},
		"RFC 9110 14.1.1 no unit":                            {"0-4", nil, 200},
		"RFC 9110 14.1.1 no equals sign":                     {"bytes 0-4", nil, 200},
		"RFC 9110 14.2 a unit that is not understood":        {"lines=0-4", nil, 200},
		"RFC 9110 14.2 a unit that starts alike":             {"bytesx=0-4", nil, 200},
		"RFC 9110 14.1 case of the unit":                     {"BYTES=0-4", ranges{{0, 5}}, 206},
		"RFC 9110 5.6.1.2 empty elements":                    {"bytes=,0-4, ,	 10-14,", ranges{{0, 5}, {10, 5}}, 206},
		"RFC 9110 14.1.2 several":                            {"bytes=500-599,0-4,-1", ranges{{500, 100}, {0, 5}, {999, 1}}, 206},
		"RFC 9110 15.3.7.2 what is not there is left out":    {"bytes=2000-,0-4,-0", ranges{{0, 5}}, 206},
		"RFC 9110 15.3.7.2 two overlap":                      {"bytes=0-10,5-20", ranges{{0, 21}}, 206},
		"RFC 9110 15.3.7.2 one within another":               {"bytes=5-6,0-10", ranges{{0, 11}}, 206},
		"RFC 9110 15.3.7.2 the same twice":                   {"bytes=5-6,5-6", ranges{{5, 2}}, 206},
		"RFC 9110 15.3.7.2 they touch":                       {"bytes=500-999,0-499", ranges{{0, 1000}}, 206},
		"RFC 9110 15.3.7.2 three touch":                      {"bytes=0-4,10-14,5-9", ranges{{0, 15}}, 206},
		"RFC 9110 15.3.7.2 the place of the first":           {"bytes=50-59,0-4,60-69", ranges{{50, 20}, {0, 5}}, 206},
		"RFC 9110 15.3.7.2 decided: a gap is kept":           {"bytes=0-0,2-2", ranges{{0, 1}, {2, 1}}, 206},
		"RFC 9110 14.2 more than two overlap":                {"bytes=0-10,5-20,15-30", nil, 200},
		"RFC 9110 14.2 more than two overlap, in pairs":      {"bytes=0-10,5-20,100-110,105-120", nil, 200},
		"RFC 9110 14.2 more than two overlap: the same file": {"bytes=0-,0-,0-", nil, 200},
		"RFC 9110 17.15 too many":                            {tooMany, nil, 200},
		"RFC 9110 17.15 too many, of which none is there":    {"bytes=5000-" + strings.Repeat(",5000-", httpmini.MaxRanges), nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			got, status := requestWith(t, "GET", "Range: "+tt.value).Ranges(size, httpmini.Validators{}, time.Time{}, nil)
			if status != tt.status || !slices.Equal(got, tt.want) {
				t.Errorf("%q: %v, %d, want %v, %d", tt.value, got, status, tt.want, tt.status)
			}
		})
	}
}

func TestRangesMost(t *testing.T) {
	var value strings.Builder
	for i := range httpmini.MaxRanges {
		fmt.Fprintf(&value, ",%d-%d", 10*i, 10*i+4)
	}
	got, status := requestWith(t, "GET", "Range: bytes="+value.String()).Ranges(1000, httpmini.Validators{}, time.Time{}, nil)
	if status != 206 || len(got) != httpmini.MaxRanges {
		t.Errorf("%d, %d ranges", status, len(got))
	}
}

func TestRangesWhen(t *testing.T) {
	long := then.Add(time.Hour)
	v := httpmini.Validators{ETag: `"a"`, Modified: then.Add(time.Second / 2)}
	type lines []string
	for name, tt := range map[string]struct {
		method string
		size   int64
		v      httpmini.Validators
		now    time.Time
		lines  lines
		want   int
	}{
		"no Range":                             {"GET", 10, v, long, nil, 200},
		"RFC 9110 14.2 GET":                    {"GET", 10, v, long, lines{"Range: bytes=0-4"}, 206},
		"RFC 9110 14.2 HEAD":                   {"HEAD", 10, v, long, lines{"Range: bytes=0-4"}, 200},
		"RFC 9110 14.2 HEAD, not satisfiable":  {"HEAD", 10, v, long, lines{"Range: bytes=10-"}, 200},
		"RFC 9110 14.2 POST":                   {"POST", 10, v, long, lines{"Range: bytes=0-4"}, 200},
		"RFC 9110 14.2 an unknown method":      {"get", 10, v, long, lines{"Range: bytes=0-4"}, 200},
		"RFC 9110 5.3 two lines":               {"GET", 10, v, long, lines{"Range: bytes=0-4", "Range: bytes=6-7"}, 200},
		"RFC 9110 14.2 no content":             {"GET", 0, v, long, lines{"Range: bytes=0-"}, 200},
		"RFC 9110 14.2 no content, last bytes": {"GET", 0, v, long, lines{"Range: bytes=-5"}, 200},
		"a size that is unknown":               {"GET", -1, v, long, lines{"Range: bytes=0-"}, 200},

		"RFC 9110 13.1.5 If-Range without Range":               {"GET", 10, v, long, lines{`If-Range: "a"`}, 200},
		"RFC 9110 13.1.5 the entity-tag":                       {"GET", 10, v, long, lines{"Range: bytes=0-4", `If-Range: "a"`}, 206},
		"RFC 9110 13.1.5 the entity-tag, not satisfiable":      {"GET", 10, v, long, lines{"Range: bytes=10-", `If-Range: "a"`}, 416},
		"RFC 9110 13.1.5 another entity-tag":                   {"GET", 10, v, long, lines{"Range: bytes=0-4", `If-Range: "b"`}, 200},
		"RFC 9110 13.1.5 another entity-tag, not satisfiable":  {"GET", 10, v, long, lines{"Range: bytes=10-", `If-Range: "b"`}, 200},
		"RFC 9110 8.8.3.2 a weak entity-tag":                   {"GET", 10, v, long, lines{"Range: bytes=0-4", `If-Range: W/"a"`}, 200},
		"RFC 9110 8.8.3.2 both are weak":                       {"GET", 10, httpmini.Validators{ETag: `W/"a"`}, long, lines{"Range: bytes=0-4", `If-Range: W/"a"`}, 200},
		"RFC 9110 13.1.5 no list":                              {"GET", 10, v, long, lines{"Range: bytes=0-4", `If-Range: "a", "b"`}, 200},
		"RFC 9110 13.1.5 no *":                                 {"GET", 10, v, long, lines{"Range: bytes=0-4", `If-Range: *`}, 200},
		"RFC 9110 13.1.5 two lines":                            {"GET", 10, v, long, lines{"Range: bytes=0-4", `If-Range: "a"`, `If-Range: "a"`}, 200},
		"RFC 9110 13.1.5 nothing in it":                        {"GET", 10, v, long, lines{"Range: bytes=0-4", `If-Range:`}, 200},
		"RFC 9110 13.1.5 nothing in it and no ETag":            {"GET", 10, httpmini.Validators{}, long, lines{"Range: bytes=0-4", `If-Range:`}, 200},
		"RFC 9110 13.1.5 neither tag nor date":                 {"GET", 10, v, long, lines{"Range: bytes=0-4", `If-Range: a`}, 200},
		"RFC 9110 13.1.5 an entity-tag without an ETag":        {"GET", 10, httpmini.Validators{}, long, lines{"Range: bytes=0-4", `If-Range: ""`}, 200},
		"RFC 9110 13.1.5 the date":                             {"GET", 10, v, long, lines{"Range: bytes=0-4", "If-Range: " + thatSecond}, 206},
		"RFC 9110 13.1.5 the date in asctime":                  {"GET", 10, v, long, lines{"Range: bytes=0-4", "If-Range: Sun Nov  6 08:49:37 1994"}, 206},
		"RFC 9110 13.1.5 an earlier date":                      {"GET", 10, v, long, lines{"Range: bytes=0-4", "If-Range: " + secondBefore}, 200},
		"RFC 9110 13.1.5 a later date: it has to be the same":  {"GET", 10, v, long, lines{"Range: bytes=0-4", "If-Range: " + secondAfter}, 200},
		"RFC 9110 13.1.5 a date without Modified":              {"GET", 10, httpmini.Validators{}, long, lines{"Range: bytes=0-4", "If-Range: " + thatSecond}, 200},
		"RFC 9110 8.8.2.2 the date of a second that goes on":   {"GET", 10, v, v.Modified, lines{"Range: bytes=0-4", "If-Range: " + thatSecond}, 200},
		"RFC 9110 8.8.2.2 the date of a second just over":      {"GET", 10, v, v.Modified.Add(time.Second), lines{"Range: bytes=0-4", "If-Range: " + thatSecond}, 200},
		"RFC 9110 8.8.2.2 the date of a second that is past":   {"GET", 10, v, v.Modified.Add(2 * time.Second), lines{"Range: bytes=0-4", "If-Range: " + thatSecond}, 206},
		"RFC 9110 8.8.2.2 a date in the future is not settled": {"GET", 10, v, v.Modified.Add(-time.Hour), lines{"Range: bytes=0-4", "If-Range: " + thatSecond}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			r := requestWith(t, tt.method, tt.lines...)
			if got, status := r.Ranges(tt.size, tt.v, tt.now, nil); status != tt.want {
				t.Errorf("%s %q: %v, %d, want %d", tt.method, tt.lines, got, status, tt.want)
			}
		})
	}
}

func TestAppendContentRange(t *testing.T) {
	for name, tt := range map[string]struct{ got, want string }{
		"RFC 9110 14.4 a part":           {string(httpmini.AppendContentRange(nil, httpmini.Range{Start: 42, Length: 1192}, 1234)), "bytes 42-1233/1234"},
		"RFC 9110 14.4 one byte":         {string(httpmini.AppendContentRange(nil, httpmini.Range{Start: 0, Length: 1}, 1)), "bytes 0-0/1"},
		"RFC 9110 15.5.17 unsatisfiable": {string(httpmini.AppendUnsatisfied(nil, 47022)), "bytes */47022"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", name, tt.got, tt.want)
		}
	}
}

// A multipart content is read back by another program's reader, RFC 9110
// section 14.6.
func TestMultipart(t *testing.T) {
	const boundary, contentType = "0123456789abcdef", "text/plain; charset=utf-8"
	content := []byte("the content, of which two parts are wanted")
	size := int64(len(content))
	ranges := []httpmini.Range{{4, 7}, {0, 3}}

	var b []byte
	for _, r := range ranges {
		b = httpmini.AppendPartHead(b, boundary, contentType, r, size)
		b = append(b, content[r.Start:r.Start+r.Length]...)
	}
	b = httpmini.AppendLastBoundary(b, boundary)

	want := "\r\n--0123456789abcdef\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 4-10/42\r\n\r\ncontent" +
		"\r\n--0123456789abcdef\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-2/42\r\n\r\nthe" +
		"\r\n--0123456789abcdef--\r\n"
	if string(b) != want {
		t.Errorf("got\n%q\nwant\n%q", b, want)
	}
	if n := httpmini.PartsLength(boundary, contentType, ranges, size); n != int64(len(b)) {
		t.Errorf("PartsLength is %d of %d", n, len(b))
	}
	reader := multipart.NewReader(bytes.NewReader(b), boundary)
	for _, r := range ranges {
		part, err := reader.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(part)
		if err != nil || string(got) != string(content[r.Start:r.Start+r.Length]) {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := reader.NextPart(); err != io.EOF {
		t.Errorf("after the last part: %v", err)
	}
	if b := httpmini.AppendPartHead(nil, boundary, "", ranges[0], size); bytes.Contains(b, []byte("Type")) {
		t.Errorf("a type out of nowhere: %q", b)
	}
}
