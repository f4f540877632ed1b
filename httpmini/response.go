package httpmini

// Response is the head of a response, as a client receives it. Its byte slices
// are views into the buffer that was parsed.
type Response struct {
	// Version as it was sent.
	Version []byte
	// Status is the code, 000 to 999; only 100 to 599 mean something, and any
	// other is to be taken as a 5xx (RFC 9110 section 15).
	Status int
	// Fields are all field lines in order.
	Fields Fields
	// ContentLength is the value of the field of that name, -1 without one.
	// BodyLength returns how long the body really is.
	ContentLength int64
	// Chunked reports that the body comes in chunks. RFC 9112 section 7.1.
	Chunked bool
}

// Parse reads the head of a response at the start of b, with the three outcomes
// and the tokens of Request.Parse. The Status of a BadError is 0: a client has
// nobody to send one to.
func (r *Response) Parse(b []byte, tokens *[]Token) (n int, err error) {
	s := scan(b, tokens)
	*r = Response{Fields: r.Fields[:0], ContentLength: -1}
	n, err = s.finish(r.parse(&s))
	if e, ok := err.(*BadError); ok {
		e.Status = 0
	}
	return n, err
}

func (r *Response) parse(s *scanner) error {
	minor, err := s.version(&r.Version)
	if err != nil {
		return err
	}
	if err := s.space("version"); err != nil {
		return err
	}
	if err := s.status(r); err != nil {
		return err
	}
	if err := s.reason(); err != nil {
		return err
	}

	f := framing{response: true, minor: minor, length: -1, foreign: -1}
	if err := s.fields(&r.Fields, &f); err != nil {
		return err
	}
	r.ContentLength = f.length
	r.Chunked = f.chunked
	return nil
}

// status takes the three digits and the space after them, which has to be there
// even without a reason. RFC 9112 section 4.
func (s *scanner) status(r *Response) error {
	for i := s.i; i < s.i+3; i++ {
		if i == len(s.b) {
			return ErrMore
		}
		c := s.b[i]
		if !digit.has(c) {
			return misplaced(i, c, "status code", "a status code is three digits (RFC 9112 section 4)")
		}
		r.Status = r.Status*10 + int(c-'0')
	}
	s.take(StatusCode, s.i+3)
	return s.space("status code")
}

// reason takes the rest of the status line: the code in words, which nobody reads
// by program.
func (s *scanner) reason() error {
	start := s.i
	end := textChar.span(s.b, start)
	if end-start > MaxReason {
		return bad(start+MaxReason, 0, "the reason is longer than %d bytes: it is one line for people (RFC 9112 section 4)", MaxReason)
	}
	if end == len(s.b) {
		return ErrMore
	}
	if c := s.b[end]; c != '\r' {
		return misplaced(end, c, "reason", "a reason holds visible characters, spaces and tabs (RFC 9112 section 4)")
	}
	s.take(Reason, end)
	return s.crlf(CRLF, "status line")
}

// BodyLength returns how many bytes of body follow the head in answer to a request
// with this method, or -1 if only the chunks or the end of the connection tell.
// RFC 9112 section 6.3.
func (r *Response) BodyLength(method string) int64 {
	switch {
	case method == "HEAD", r.Status/100 == 1, r.Status == 204, r.Status == 304:
		return 0
	case method == "CONNECT" && r.Status/100 == 2:
		return 0 // from here on it is a tunnel
	}
	return r.ContentLength
}
