package httpmini

import "math"

// framing is what the fields of a head say about where the message ends, about
// the connection, and about the kind of answer. It is told of each field line as
// it passes.
type framing struct {
	response bool
	minor    int

	length  int64 // of Content-Length, -1 without
	coded   bool  // Transfer-Encoding came
	chunked bool  // chunked is the last coding so far
	foreign int   // where the first coding other than chunked is, -1 without

	hosts            int
	host             []byte
	known            *[]byte // Request.known; nil for a response, whose Host means nothing
	close, keepAlive bool

	conditional bool
	expect      []byte
}

// field takes the fields that matter here. The name starts at the offset start,
// the value at first.
func (f *framing) field(name, value []byte, start, first int) error {
	switch len(name) { // most fields are passed over by their length
	case len("Host"):
		if !f.response && fold(name, "Host") {
			return f.hostField(value, start, first)
		}
	case len("Range"):
		f.conditional = f.conditional || fold(name, "Range")
	case len("Expect"):
		if fold(name, "Expect") && (len(f.expect) == 0 || len(value) > 0 && fold(f.expect, "100-continue")) {
			f.expect = value
		}
	case len("If-Match"): // and If-Range
		f.conditional = f.conditional || fold(name, "If-Match") || fold(name, "If-Range")
	case len("Connection"):
		if fold(name, "Connection") {
			f.connection(value)
		}
	case len("If-None-Match"):
		f.conditional = f.conditional || fold(name, "If-None-Match")
	case len("Content-Length"):
		if fold(name, "Content-Length") {
			return f.contentLength(value, start, first)
		}
	case len("Transfer-Encoding"): // and If-Modified-Since
		if fold(name, "Transfer-Encoding") {
			return f.transferEncoding(value, start, first)
		}
		f.conditional = f.conditional || fold(name, "If-Modified-Since")
	case len("If-Unmodified-Since"):
		f.conditional = f.conditional || fold(name, "If-Unmodified-Since")
	}
	return nil
}

// hostField: one and valid, in any version. RFC 9112 section 3.2.
func (f *framing) hostField(value []byte, start, first int) error {
	if f.hosts++; f.hosts > 1 {
		return bad(start, 400, "a second Host field: two programs could each believe another one (RFC 9112 section 3.2)")
	}
	f.host = value
	if len(value) == 0 || string(value) == string(*f.known) {
		return nil // empty is right where the target has no authority: RFC 9110 section 7.2
	}
	if _, at, why := authority(value); why != "" {
		return bad(first+at, 400, "the Host field is no host and port: %s (RFC 9110 section 7.2)", why)
	}
	*f.known = append((*f.known)[:0], value...)
	return nil
}

// connection reads the options close and keep-alive. RFC 9112 section 9.3.
func (f *framing) connection(list []byte) {
	for i := 0; i <= len(list); {
		var first, last int
		first, last, i = element(list, i, len(list))
		switch option := list[first:last]; {
		case fold(option, "close"):
			f.close = true
		case fold(option, "keep-alive"):
			f.keepAlive = true
		}
	}
}

// contentLength: digits only. The same number again, as a list or as a second
// field, is read as that one number, which RFC 9112 section 6.3 item 5 allows;
// numbers that differ are refused.
func (f *framing) contentLength(list []byte, start, first int) error {
	if f.coded {
		return errBothLengths(start)
	}
	for i := 0; i <= len(list); {
		var from, to int
		from, to, i = element(list, i, len(list))
		n, err := decimal(list[from:to], first+from)
		if err != nil {
			return err
		}
		if f.length >= 0 && f.length != n {
			return bad(first+from, 400, "Content-Length says %d here and %d before: nobody knows where the body ends (RFC 9112 section 6.3)", n, f.length)
		}
		f.length = n
	}
	return nil
}

// decimal reads 1*DIGIT as a number that fits an int64. The first is at offset.
// RFC 9110 section 8.6.
func decimal(text []byte, offset int) (n int64, err error) {
	if len(text) == 0 {
		return 0, bad(offset, 400, "a Content-Length has no digits (RFC 9110 section 8.6)")
	}
	for i, c := range text {
		if !digit.has(c) {
			return 0, misplaced(offset+i, c, "Content-Length", "it is decimal digits alone, without a sign or a unit (RFC 9110 section 8.6)")
		}
		d := int64(c - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, bad(offset+i, 413, "the Content-Length does not fit 63 bits; cut down to fit it would be another number (RFC 9110 section 8.6)")
		}
		n = n*10 + d
	}
	return n, nil
}

// transferEncoding: RFC 9112 section 6.1. Empty list elements are passed over, as
// every recipient has to (RFC 9110 section 5.6.1.2), so ", chunked" is chunked; a
// list of nothing else names no coding, and settle refuses that.
func (f *framing) transferEncoding(list []byte, start, first int) error {
	if f.length >= 0 {
		return errBothLengths(start)
	}
	if f.minor == 0 {
		return bad(start, 400, "HTTP/1.0 has no Transfer-Encoding, so the end of the body is in doubt (RFC 9112 section 6.1)")
	}
	f.coded = true
	for i := 0; i <= len(list); {
		var from, to int
		from, to, i = element(list, i, len(list))
		switch coding := list[from:to]; {
		case from == to:
		case f.chunked && !(f.response && !fold(coding, "chunked")):
			return bad(first+from, 400, "a coding follows chunked, which has to be the last and to come once (RFC 9112 section 6.1)")
		case fold(coding, "chunked"):
			f.chunked = true
		case len(coding) > 7 && fold(coding[:7], "chunked") && !tokenChar.has(coding[7]):
			return bad(first+from+7, 400, "chunked is followed by something: it has no parameters (RFC 9112 section 7.1)")
		default:
			f.chunked = false
			if f.foreign < 0 {
				f.foreign = first + from
			}
		}
	}
	return nil
}

func errBothLengths(offset int) error {
	return bad(offset, 400, "Transfer-Encoding and Content-Length are both there: the classic of request smuggling (RFC 9112 section 6.3)")
}

// element is the list element of b that starts at i, trimmed, and where the
// next one starts: past end after the last. RFC 9110 section 5.6.1.
func element(b []byte, i, end int) (first, last, next int) {
	comma := i
	for comma < end && b[comma] != ',' {
		comma++
	}
	first, last = trim(b, i, comma)
	return first, last, comma + 1
}

// persists reports whether the connection stays open after this message. The
// option close wins; HTTP/1.0 has to ask for keep-alive. RFC 9112 section 9.3.
func (f *framing) persists() bool {
	return !f.close && (f.minor > 0 || f.keepAlive)
}
