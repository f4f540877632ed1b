package httpmini

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// MaxRanges limits the ranges of a request that are served. Each costs a part with
// a head of its own, so that many small ones make a short request a long answer:
// with more, the whole is sent. RFC 9110 sections 14.2 and 17.15.
const MaxRanges = 16

// Range is a part of a representation, in bytes.
type Range struct {
	Start, Length int64
}

// Ranges returns the parts of a representation of size bytes that are wanted, and
// the status of the answer. It uses the memory of dst, and with room for MaxRanges
// in it allocates nothing. It is for an answer that would be 200 without it (RFC
// 9110 section 14.2), so it comes after [Request.Precondition]. The status is
//
//   - 200: send the whole; ranges is empty;
//   - 206: send these. A single one goes out by itself, with its Content-Range
//     among the fields. For two and more the content is multipart/byteranges,
//     and each part has its Content-Range: see [AppendPartHead];
//   - 416: there is none of it; ranges is empty. [AppendUnsatisfied] has the
//     Content-Range of that answer.
//
// All ranges lie in [0,size), none is empty, no two overlap or touch, and they
// stand in the order in which they were asked for, as section 15.3.7.2 wants.
// Out of a list those that the representation does not have are left out.
//
// The whole is sent (Range is ignored, as section 14.2 demands or allows)
//
//   - for another method than GET;
//   - for another unit than bytes, or anything malformed, two lines included;
//   - when If-Range names another state than v, or no state for certain;
//   - for more than MaxRanges ranges, or more than two that overlap others:
//     that is no client's need. Two that overlap or touch become one;
//   - for a representation without content, of which no part can be described.
//
// now is the Date of the answer, which decides whether the date in v is a strong
// validator (section 8.8.2.2), as If-Range needs one.
func (r *Request) Ranges(size int64, v Validators, now time.Time, dst []Range) (ranges []Range, status int) {
	dst = dst[:0]
	value, lines := r.Fields.single("Range")
	if lines != 1 || size <= 0 || string(r.Method) != "GET" || !r.ifRange(v, now) {
		return dst, 200
	}
	const unit = "bytes=" // in any case: RFC 9110 section 14.1
	if len(value) < len(unit) || !fold(value[:len(unit)], unit) {
		return dst, 200
	}

	asked := 0
	for i := len(unit); i <= len(value); {
		var first, last int
		first, last, i = element(value, i, len(value))
		if first == last {
			continue // an empty element counts for nothing: RFC 9110 section 5.6.1.2
		}
		part, ok := parseRange(value[first:last], size)
		if asked++; !ok || asked > MaxRanges {
			return dst[:0], 200
		}
		if part.Length > 0 {
			dst = append(dst, part)
		}
	}
	switch {
	case asked == 0 || overlapping(dst) > 2:
		return dst[:0], 200
	case len(dst) == 0:
		return dst, 416
	}
	return coalesce(dst), 206
}

// parseRange reads first-pos "-" [ last-pos ] or "-" suffix-length. The Length
// is 0 if the representation has nothing of it. RFC 9110 section 14.1.2.
func parseRange(b []byte, size int64) (r Range, ok bool) {
	dash := bytes.IndexByte(b, '-')
	if dash < 0 {
		return Range{}, false
	}
	first, hasFirst := position(b[:dash])
	last, hasLast := position(b[dash+1:])
	switch {
	case dash == 0: // the last bytes, or all if there are fewer
		length := min(last, size)
		return Range{size - length, length}, hasLast
	case dash == len(b)-1: // up to the end
		last, hasLast = math.MaxInt64, true
	}
	if !hasFirst || !hasLast || last < first {
		return Range{}, false
	}
	if first >= size {
		return Range{}, true
	}
	return Range{first, min(last, size-1) - first + 1}, true
}

// position is 1*DIGIT. What does not fit is behind the end of any file, and so
// is the largest number that fits.
func position(b []byte) (n int64, ok bool) {
	for _, c := range b {
		if !digit.has(c) {
			return 0, false
		}
		d := int64(c - '0')
		if n > (math.MaxInt64-d)/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + d
	}
	return n, len(b) > 0
}

// overlapping is how many of the ranges share bytes with another one.
func overlapping(ranges []Range) (n int) {
	for i, a := range ranges {
		for j, b := range ranges {
			if i != j && a.Start < b.Start+b.Length && b.Start < a.Start+a.Length {
				n++
				break
			}
		}
	}
	return n
}

// coalesce makes one range of those that overlap or touch, where the first of
// them stood. RFC 9110 section 15.3.7.2. A gap is kept, even one shorter than
// the head of a part: then the answer has what was asked for, no more.
func coalesce(ranges []Range) []Range {
	for i := 0; i < len(ranges); i++ {
		for j := i + 1; j < len(ranges); {
			a, b := ranges[i], ranges[j]
			if a.Start > b.Start+b.Length || b.Start > a.Start+a.Length {
				j++
				continue
			}
			start := min(a.Start, b.Start)
			ranges[i] = Range{start, max(a.Start+a.Length, b.Start+b.Length) - start}
			ranges = append(ranges[:j], ranges[j+1:]...)
			j = i + 1 // it has grown: one that was passed may touch it now
		}
	}
	return ranges
}

// settled is how long ago a file has to have changed for its date to be a strong
// validator. A date covers a second, and only when that second is over it can
// have no second change. One more is for the clock of a file system, which runs
// up to a tick behind.
const settled = 2 * time.Second

// ifRange reports whether the parts may be sent, because the client has the other
// parts of this same state. Only a strong validator tells that: an entity-tag
// that is not weak, or a date, compared for equality. RFC 9110 section 13.1.5.
//
// Whether a date is strong depends on both sides (section 8.8.2.2). The client
// has to have received it at least a second after it; that is its own duty. Here
// it is seen to that the second which the date names is over.
func (r *Request) ifRange(v Validators, now time.Time) bool {
	value, lines := r.Fields.single("If-Range")
	switch {
	case lines == 0:
		return true
	case lines > 1 || len(value) == 0:
		return false
	case entityTag(value) == len(value):
		return strongMatch(value, v.ETag)
	}
	date, ok := ParseDate(value)
	return ok && v.dated() && date.Unix() == v.Modified.Unix() && now.Sub(v.Modified) >= settled
}

// AppendContentRange appends the Content-Range of a part: bytes 0-4/500. RFC
// 9110 section 14.4.
func AppendContentRange(dst []byte, r Range, size int64) []byte {
	dst = append(dst, "bytes "...)
	dst = strconv.AppendInt(dst, r.Start, 10)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, r.Start+r.Length-1, 10)
	dst = append(dst, '/')
	return strconv.AppendInt(dst, size, 10)
}

// AppendUnsatisfied appends the Content-Range of a 416, which tells how much
// there is: bytes */500. RFC 9110 section 15.5.17.
func AppendUnsatisfied(dst []byte, size int64) []byte {
	dst = append(dst, "bytes */"...)
	return strconv.AppendInt(dst, size, 10)
}

// AppendPartHead appends the lines that come before the bytes of each part of a
// content with the type multipart/byteranges; boundary=..., RFC 9110 section 14.6.
// After the last part comes [AppendLastBoundary]; [PartsLength] returns the length of all.
//
// The boundary may not occur in the parts: let it be random. It is 1 to 70
// letters and digits, so that it needs no quotes, which some clients cannot read.
// The contentType is that of the whole representation, or empty without one. A
// 206 of this type has no Content-Range of its own (section 15.3.7.2).
func AppendPartHead(dst []byte, boundary, contentType string, r Range, size int64) []byte {
	dst = append(dst, "\r\n--"...)
	dst = append(dst, boundary...)
	dst = append(dst, "\r\n"...)
	if contentType != "" {
		dst = appendField(dst, "Content-Type", contentType)
	}
	dst = append(dst, "Content-Range: "...)
	dst = AppendContentRange(dst, r, size)
	return append(dst, "\r\n\r\n"...)
}

// AppendLastBoundary appends the line that ends a multipart content. RFC 2046
// section 5.1.1.
func AppendLastBoundary(dst []byte, boundary string) []byte {
	dst = append(dst, "\r\n--"...)
	dst = append(dst, boundary...)
	return append(dst, "--\r\n"...)
}

// PartsLength returns the Content-Length of a multipart content with these ranges.
func PartsLength(boundary, contentType string, ranges []Range, size int64) (n int64) {
	var room [512]byte // on the stack, for usual names
	for _, r := range ranges {
		n += int64(len(AppendPartHead(room[:0], boundary, contentType, r, size))) + r.Length
	}
	return n + int64(len(AppendLastBoundary(room[:0], boundary)))
}
