package httpmini

// Field is one field line of a head: views into the buffer that was parsed,
// valid as long as its bytes stay. RFC 9112 section 5.
type Field struct {
	// Name as it was sent. Its case means nothing (RFC 9110 section 5.1).
	Name []byte
	// Value without the whitespace around it. It may be empty. Bytes above
	// 0x7F are let through and mean nothing certain (RFC 9110 section 5.5).
	Value []byte
}

// Fields are the field lines of a head in the order in which they came.
type Fields []Field

// Get is the value of the first field with this name, in any case. The trap: a
// list may be spread over several lines (RFC 9110 section 5.3).
func (f Fields) Get(name string) (value []byte, ok bool) {
	for i := range f {
		if fold(f[i].Name, name) {
			return f[i].Value, true
		}
	}
	return nil, false
}

// fields takes every field line and the empty line after them.
func (s *scanner) fields(fields *Fields, f *framing) error {
	for {
		if s.i == len(s.b) {
			return ErrMore
		}
		if s.b[s.i] == '\r' {
			return s.crlf(EmptyLine, "empty line")
		}
		if len(*fields) == MaxFields {
			return bad(s.i, 431, "field %d starts here, and %d are read at most (RFC 6585 section 5)", MaxFields+1, MaxFields)
		}
		if err := s.field(fields, f); err != nil {
			return err
		}
	}
}

// field takes one field line: field-name ":" OWS field-value OWS CRLF.
func (s *scanner) field(fields *Fields, f *framing) error {
	b, start := s.b, s.i
	if b[start] == ' ' || b[start] == '\t' {
		if len(*fields) == 0 {
			return bad(start, 400, "whitespace stands between the first line and the first field (RFC 9112 section 2.2)")
		}
		return bad(start, 400, "a line that starts with whitespace goes on with the field above (obs-fold); that is obsolete and refused (RFC 9112 section 5.2)")
	}

	colon := tokenChar.span(b, start)
	if err := s.fieldSize(start, colon); err != nil {
		return err
	}
	if c := b[colon]; c != ':' {
		if c == ' ' || c == '\t' {
			return bad(colon, 400, "whitespace stands between a field name and its colon: some programs would not see the field (RFC 9112 section 5.1)")
		}
		return misplaced(colon, c, "field name", "a name is a token: letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 section 5.6.2)")
	}
	if colon == start {
		return bad(start, 400, "a field has no name before its colon (RFC 9110 section 5.1)")
	}
	s.take(FieldName, colon)
	s.take(Colon, colon+1)

	end := textChar.span(b, s.i)
	if err := s.fieldSize(start, end); err != nil {
		return err
	}
	if c := b[end]; c != '\r' {
		return misplaced(end, c, "field value", "a value holds visible characters, spaces and tabs (RFC 9110 section 5.5)")
	}
	first, last := trim(b, s.i, end)
	s.take(OptionalWhitespace, first)
	s.take(FieldValue, last)
	s.take(OptionalWhitespace, end)
	if err := s.crlf(CRLF, "field value"); err != nil {
		return err
	}

	*fields = append(*fields, Field{s.view(start, colon), s.view(first, last)})
	return f.field(b, start, colon, first, last)
}

// fieldSize refuses a field line that is too long by end, and asks for more
// when the bytes ran out there.
func (s *scanner) fieldSize(start, end int) error {
	if end-start > MaxFieldLine {
		return bad(start+MaxFieldLine, 431, "a field line is longer than %d bytes (RFC 6585 section 5)", MaxFieldLine)
	}
	if end == len(s.b) {
		return ErrMore
	}
	return nil
}
