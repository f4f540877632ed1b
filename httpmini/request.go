package httpmini

// Request is the head of a request. Its byte slices are views into the buffer
// that was parsed: valid as long as those bytes stay where they are. Use one
// Request again and again; its Fields keep their memory.
type Request struct {
	// Method is case-sensitive: "get" is another method than "GET".
	// RFC 9110 section 9.1.
	Method []byte
	// Target as it was sent. RFC 9112 section 3.2.
	Target []byte
	// Form says which of the four kinds of target this is.
	Form Form
	// Path and Query are the two parts of Target around the first "?", in
	// origin-form and absolute-form. They are not decoded: "%2e%2e" and ".."
	// are both still in there, and "//" too. Query is nil without a "?". Path
	// is then at least "/".
	Path, Query []byte
	// Version as it was sent, and its digit after the dot. A version above 1.1 is
	// treated as HTTP/1.1 (RFC 9110 section 6.2).
	Version []byte
	Minor   int
	// Host is the server that is meant, perhaps with a port: the target's own
	// authority if it has one (RFC 9112 section 3.2.2), else the Host field.
	// It is empty in HTTP/1.0 without one. Like Path it is not decoded.
	Host []byte
	// Fields are all field lines in order.
	Fields Fields
	// ContentLength is how many bytes of body follow the head. It is 0 without
	// a Content-Length (RFC 9112 section 6.3 item 7), and -1 (unknown) when
	// Chunked.
	ContentLength int64
	// Chunked reports that the body comes in chunks. RFC 9112 section 7.1.
	Chunked bool
	// KeepAlive reports that the client can send another request on this
	// connection after the answer. RFC 9112 section 9.3.
	KeepAlive bool
	// Conditional reports that the answer may depend on the client's copy: a
	// Range is there, or one of If-Match, If-None-Match, If-Modified-Since,
	// If-Unmodified-Since and If-Range. RFC 9110 sections 13.1 and 14.2.
	Conditional bool
	// Expect is the value of the Expect field, nil without one. Of several it
	// is the first that says more than 100-continue. RFC 9110 section 10.1.1.
	Expect []byte

	known []byte // a Host that was found right; the next is mostly the same
}

// Parse reads the head of a request at the start of b. There are three outcomes:
//
//   - done: err is nil, and the head, empty line included, is b[:n];
//   - need more: err is ErrMore, and n is 0; call again with a longer b;
//   - bad: err is a *BadError, and n is 0; no longer b can help.
//
// A bad beginning is told as soon as its bytes show it: a byte that may not
// stand where it does at once, a field that says something impossible at the
// end of its line, something that is missing at the end of the head.
//
// If tokens is not nil it is emptied and filled with the tokens of the head,
// which cover b[:n]. Short of a whole head they cover the bytes that were
// understood; the one in question comes next. After an error r holds the
// parts read so far: good for a log, not for an answer.
func (r *Request) Parse(b []byte, tokens *[]Token) (n int, err error) {
	s := scan(b, tokens)
	*r = Request{Fields: r.Fields[:0], known: r.known}
	return s.finish(r.parse(&s))
}

func (r *Request) parse(s *scanner) error {
	if len(s.b) > 0 && s.b[0] == '\r' {
		if err := s.leadingEmptyLine(); err != nil {
			return err
		}
	}
	if err := s.method(r); err != nil {
		return err
	}
	if err := s.target(r); err != nil {
		return err
	}
	minor, err := s.version(&r.Version)
	if err != nil {
		return err
	}
	r.Minor = minor
	if err := s.crlf(CRLF, "request line"); err != nil {
		return err
	}

	f := framing{minor: minor, length: -1, foreign: -1, known: &r.known}
	if err := s.fields(&r.Fields, &f); err != nil {
		return err
	}
	return r.settle(&f, s.i-len("\r\n"))
}

// leadingEmptyLine passes over one CRLF before the request line. RFC 9112
// section 2.2 wants at least one passed over; a second one is refused.
func (s *scanner) leadingEmptyLine() error {
	if err := s.crlf(LeadingEmptyLine, "empty line before the request"); err != nil {
		return err
	}
	if s.i < len(s.b) && s.b[s.i] == '\r' {
		return bad(s.i, 400, "a second empty line comes before the request: one is passed over (RFC 9112 section 2.2)")
	}
	return nil
}

// method takes the method and the space after it.
func (s *scanner) method(r *Request) error {
	b, start := s.b, s.i
	end := tokenChar.span(b, start)
	if end == len(b) || b[end] != ' ' || end == start || end-start > MaxMethod || string(b[start:end]) == "PRI" {
		return badMethod(b, start, end)
	}
	r.Method = s.view(start, end)
	s.take(Method, end)
	s.take(Space, end+1)
	return nil
}

// badMethod says why the octets from start to end are no method with its space.
func badMethod(b []byte, start, end int) error {
	if end-start > MaxMethod {
		return bad(start+MaxMethod, 501, "the method is longer than %d bytes, so it is none that is implemented here (RFC 9112 section 3)", MaxMethod)
	}
	if end == len(b) {
		return ErrMore
	}
	switch c := b[end]; {
	case end == start && c == 0x16:
		return bad(start, 400, "the byte 0x16 opens a TLS handshake: the client speaks HTTPS, and here is plain HTTP (RFC 8446 section 5.1)")
	case end == start && c == ' ':
		return bad(start, 400, "a space comes before the method (RFC 9112 section 3)")
	case c == '\r':
		return bad(end, 400, "the line ends after the method: a target and a version have to follow (RFC 9112 section 3)")
	case c != ' ':
		return misplaced(end, c, "method", "a method is a token: letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 section 5.6.2)")
	}
	return bad(start, 505, "PRI opens HTTP/2: here HTTP/1.0 and HTTP/1.1 are spoken (RFC 9113 section 3.4)")
}

// settle draws the conclusions of a whole head, whose empty line is at end.
func (r *Request) settle(f *framing, end int) error {
	if f.hosts == 0 && f.minor > 0 {
		return bad(end, 400, "the head ends without a Host field, and HTTP/1.1 needs one: many sites share one address (RFC 9112 section 3.2)")
	}
	if f.coded && !f.chunked {
		return bad(end, 400, "the last transfer coding is not chunked, so nobody knows where the body ends (RFC 9112 section 6.3)")
	}
	if f.foreign >= 0 {
		return bad(f.foreign, 501, "a transfer coding other than chunked: it is not implemented here (RFC 9112 section 6.1)")
	}
	if r.Form == OriginForm || r.Form == AsteriskForm {
		r.Host = f.host
	}
	r.ContentLength = max(f.length, 0)
	if r.Chunked = f.chunked; r.Chunked {
		r.ContentLength = -1
	}
	r.KeepAlive = f.persists()
	r.Conditional = f.conditional
	r.Expect = f.expect
	return nil
}
