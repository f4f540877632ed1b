package httpmini

import "math"

// chunkSize takes 1*HEXDIG and finds what comes after it.
func (c *Content) chunkSize(s *scanner) error {
	if c.stage == sizeStart {
		switch octet := s.b[s.i]; {
		case octet == '\r':
			return bad(s.i, 400, "an empty line stands where a chunk starts with its size (RFC 9112 section 7.1)")
		case !hexDigit.has(octet):
			return misplaced(s.i, octet, "chunk size", "a chunk starts with its size, in hexadecimal digits alone (RFC 9112 section 7.1)")
		}
		c.stage, c.left, c.digits = inSize, 0, 0
	}
	end := s.i
	for ; end < len(s.b) && hexDigit.has(s.b[end]); end++ {
		switch {
		case c.left > math.MaxInt64>>4:
			return bad(end, 400, "the chunk size does not fit 63 bits; cut down to fit it would be another number (RFC 9112 section 7.1)")
		case c.digits < FreeSizeDigits:
			c.digits++
		case c.spent == MaxChunkExtensions:
			return bad(end, 400, "the zeros before chunk sizes, with the chunk extensions, come to more than %d bytes (RFC 9112 section 7.1)", MaxChunkExtensions)
		default:
			c.spent++
		}
		c.left = c.left<<4 | int64(hexValue(s.b[end]))
	}
	kind := ChunkSize
	if c.left == 0 {
		kind = LastChunk
	}
	s.grow(kind, end)
	if end == len(s.b) {
		return nil
	}
	switch octet := s.b[end]; octet {
	case '\r', ' ', '\t', ';':
		return c.extension(s)
	default:
		return misplaced(end, octet, "chunk size", "it is hexadecimal digits, without a sign or a prefix (RFC 9112 section 7.1)")
	}
}

// extension takes one octet of the chunk extensions, or the CR after them. Their
// form is checked, though they mean nothing here: programs that pass over them in
// different ways see different chunks.
func (c *Content) extension(s *scanner) error {
	octet := s.b[s.i]
	next := c.stage.after(octet)
	switch {
	case next == sizeLF:
		s.grow(CRLF, s.i+1)
	case next == contentOver && octet == '\r':
		return bad(s.i, 400, `the line ends in the middle of a chunk extension: it is ;name, ;name=value or ;name="value", with whitespace around ";" and "=" only (RFC 9112 section 7.1.1)`)
	case next == contentOver:
		return misplaced(s.i, octet, "chunk extension", `it is ;name, ;name=value or ;name="value" (RFC 9112 section 7.1.1)`)
	case c.spent == MaxChunkExtensions:
		return bad(s.i, 400, "the chunk extensions come to more than %d bytes (RFC 9112 section 7.1.1)", MaxChunkExtensions)
	default:
		c.spent++
		s.grow(ChunkExtension, s.i+1)
	}
	c.stage = next
	return nil
}

// after is the stage after an octet of a chunk extension, contentOver if it may
// not stand there.
func (at stage) after(octet byte) stage {
	blank := octet == ' ' || octet == '\t'
	switch at {
	case nameStart, valueStart:
		switch {
		case blank:
			return at
		case tokenChar.has(octet):
			return at + 1 // inName, inValue
		case octet == '"' && at == valueStart:
			return inQuotes
		}
		return contentOver
	case inQuotes:
		switch {
		case octet == '"':
			return afterQuotes
		case octet == '\\':
			return afterBackslash
		case textChar.has(octet):
			return inQuotes
		}
		return contentOver
	case afterBackslash:
		if textChar.has(octet) {
			return inQuotes
		}
		return contentOver
	}
	switch {
	case octet == ';':
		return nameStart
	case octet == '=' && (at == inName || at == beforeEqual):
		return valueStart
	case blank && (at == inName || at == beforeEqual):
		return beforeEqual
	case blank:
		return beforeSemicolon
	case octet == '\r' && at != beforeSemicolon && at != beforeEqual:
		return sizeLF
	case tokenChar.has(octet) && (at == inName || at == inValue):
		return at
	}
	return contentOver
}

// lineFeed takes the LF after a CR.
func (c *Content) lineFeed(s *scanner, k Kind, next stage) error {
	if s.b[s.i] != '\n' {
		return bad(s.i, 400, "a bare CR stands before this byte: no LF follows it, and a lone CR is refused (RFC 9112 section 2.2)")
	}
	s.grow(k, s.i+1)
	c.stage = next
	return nil
}

// trailer takes a part of the trailer section, RFC 9112 section 7.1.2. Its lines
// keep the rules of those in a head.
func (c *Content) trailer(s *scanner) error {
	start, octet := s.i, s.b[s.i]
	switch {
	case c.stage == trailerStart && octet == '\r':
		s.grow(EmptyLine, start+1)
		c.stage = lastLF
	case c.stage == trailerStart && !tokenChar.has(octet):
		return badName(s.b, start, start, false)
	case c.stage == trailerStart, c.stage == inTrailerName:
		end := tokenChar.span(s.b, start)
		if err := c.spend(start, end); err != nil {
			return err
		}
		s.grow(FieldName, end)
		c.stage = inTrailerName
		if end == len(s.b) {
			return nil
		}
		if s.b[end] != ':' {
			return badName(s.b, end-1, end, false) // an octet stands for the whole name
		}
		s.grow(Colon, end+1)
		c.stage = inTrailerValue
	default:
		end := textEnd(s.b, start)
		if err := c.spend(start, end); err != nil {
			return err
		}
		first, last := trim(s.b, start, end)
		s.grow(OptionalWhitespace, first)
		s.grow(FieldValue, last)
		s.grow(OptionalWhitespace, end)
		if end == len(s.b) {
			return nil
		}
		if s.b[end] != '\r' {
			return badValue(s.b, end, end)
		}
		s.grow(CRLF, end+1)
		c.stage = trailerLF
	}
	return nil
}

// spend counts the octets of a name or a value.
func (c *Content) spend(start, end int) error {
	if over := int(c.spent) + end - start - MaxTrailer; over > 0 {
		return bad(end-over, 431, "the trailer fields come to more than %d bytes (RFC 6585 section 5)", MaxTrailer)
	}
	c.spent += int32(end - start)
	return nil
}
