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

// Get returns the value of the first field with this name, in any case, and whether
// there is one. The trap: a list may be spread over several lines (RFC 9110 section 5.3).
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
	for s.i < len(s.b) && s.b[s.i] != '\r' {
		if err := s.field(fields, f); err != nil {
			return err
		}
	}
	return s.crlf(EmptyLine, "empty line")
}

// field takes one field line: field-name ":" OWS field-value OWS CRLF.
func (s *scanner) field(fields *Fields, f *framing) error {
	b, start := s.b, s.i
	if len(*fields) == MaxFields {
		return bad(start, 431, "field %d starts here, and %d are read at most (RFC 6585 section 5)", MaxFields+1, MaxFields)
	}
	colon := tokenChar.span(b, start)
	if colon == len(b) || b[colon] != ':' || colon == start {
		return badName(b, start, colon, len(*fields) == 0)
	}
	end := textEnd(b, colon+1)
	if end+1 >= len(b) || b[end] != '\r' || b[end+1] != '\n' || end-start > MaxFieldLine {
		s.take(FieldName, colon)
		s.take(Colon, colon+1)
		return badValue(b, start, end)
	}
	first, last := trim(b, colon+1, end)
	if s.tokens != nil {
		s.take(FieldName, colon)
		s.take(Colon, colon+1)
		s.take(OptionalWhitespace, first)
		s.take(FieldValue, last)
		s.take(OptionalWhitespace, end)
		s.take(CRLF, end+2)
	}
	s.i = end + 2

	name, value := b[start:colon:colon], b[first:last:last]
	*fields = append(*fields, Field{}) // filled in place, which is faster than to copy
	at := &(*fields)[len(*fields)-1]
	at.Name, at.Value = name, value
	return f.field(name, value, start, first)
}

// badName says why the octets from start to end are no name with its colon.
func badName(b []byte, start, end int, isFirst bool) error {
	if err := fieldSize(b, start, end); err != nil {
		return err
	}
	switch c := b[end]; {
	case c == ':':
		return bad(start, 400, "a field has no name before its colon (RFC 9110 section 5.1)")
	case c != ' ' && c != '\t':
		return misplaced(end, c, "field name", "a name is a token: letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 section 5.6.2)")
	case end > start:
		return bad(end, 400, "whitespace stands between a field name and its colon: some programs would not see the field (RFC 9112 section 5.1)")
	case isFirst:
		return bad(start, 400, "whitespace stands between the first line and the first field (RFC 9112 section 2.2)")
	}
	return bad(start, 400, "a line that starts with whitespace goes on with the field above (obs-fold); that is obsolete and refused (RFC 9112 section 5.2)")
}

// badValue says why the field line from start on does not end with CR at end.
func badValue(b []byte, start, end int) error {
	if err := fieldSize(b, start, end); err != nil {
		return err
	}
	if b[end] == '\r' {
		return badLineEnd(b, end, "field value")
	}
	return misplaced(end, b[end], "field value", "a value holds visible characters, spaces and tabs (RFC 9110 section 5.5)")
}

// fieldSize refuses a field line that is too long by end, and asks for more
// when the bytes ran out there.
func fieldSize(b []byte, start, end int) error {
	if end-start > MaxFieldLine {
		return bad(start+MaxFieldLine, 431, "a field line is longer than %d bytes (RFC 6585 section 5)", MaxFieldLine)
	}
	if end == len(b) {
		return ErrMore
	}
	return nil
}
