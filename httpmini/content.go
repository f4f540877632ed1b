package httpmini

// Content takes the content of a message out of the bytes that follow its head:
// by a length, by chunks, or until the connection ends. RFC 9112 sections 6 and
// 7.1. It is a small state machine that keeps no bytes, so they may come in any
// pieces and need not stay. It is a value: a copy goes on from the same place.
type Content struct {
	left   int64 // bytes to come: of the content, or of the chunk
	spent  int32 // bytes of chunk extensions, later of the trailer section
	digits uint8 // digits of the chunk size so far, FreeSizeDigits at most
	stage  stage
	peer   bool // it comes from a server, who is sent no status
}

// stage is what comes next.
type stage uint8

const (
	contentOver stage = iota // the next message
	sizedData                // left bytes, by Content-Length
	endlessData              // bytes until the connection ends

	sizeStart // a digit of a chunk size
	inSize    // another digit, an extension, or the end of the line
	sizeLF
	chunkData // left bytes
	chunkCR
	chunkLF

	// The parts of chunk-ext, RFC 9112 section 7.1.1: BWS ";" BWS name
	// [ BWS "=" BWS ( value / quoted-string ) ], again and again.
	beforeSemicolon // BWS that ";" has to follow
	nameStart       // BWS, or a name
	inName
	beforeEqual // BWS that "=" or ";" has to follow
	valueStart  // BWS, a value, or a quote
	inValue
	inQuotes
	afterBackslash // after "\" in a quoted-string
	afterQuotes

	trailerStart // a field line, or the empty line
	inTrailerName
	inTrailerValue
	trailerLF
	lastLF
)

// Content returns the content that follows the head, at its beginning. The head has
// been parsed.
func (r *Request) Content() Content {
	if r.Chunked {
		return Content{stage: sizeStart}
	}
	return sized(r.ContentLength)
}

// Content returns the content that follows the head, at its beginning, when the
// response answers a request with this method.
func (r *Response) Content(method string) Content {
	c := sized(r.BodyLength(method))
	if c.left < 0 {
		c = Content{stage: endlessData}
		if r.Chunked {
			c.stage = sizeStart
		}
	}
	c.peer = true
	return c
}

func sized(length int64) Content {
	if length == 0 {
		return Content{}
	}
	return Content{left: length, stage: sizedData}
}

// Next takes the next piece from the start of b, whose bytes go on where those
// of the call before were taken. It takes b[:n]; data is the part of them that is
// content, one stretch of it or none. There are three outcomes:
//
//   - done: err is nil, the content is over, and b[n:] is the next message;
//   - need more: err is ErrMore; take b[n:] if it has bytes, else read again;
//   - bad: err is a *BadError with its Offset in b, and nothing can follow; b[:n]
//     was understood.
//
// The Offset of a bare CR is that of the byte after it, since the CR may have come
// with other bytes. Chunk extensions and trailer fields are checked and then dropped:
// fields for the framing or the routing among them mean nothing there (RFC 9110 section
// 6.5.1), and nobody has to care for the others.
//
// If tokens is not nil it is emptied and filled with the tokens of b[:n]. A token
// may go on in the next call. A space at the edge of b is
// told as no part of the value of a trailer field, though it may be one.
func (c *Content) Next(b []byte, tokens *[]Token) (data []byte, n int, err error) {
	if tokens != nil {
		*tokens = (*tokens)[:0]
	}
	s := scanner{b: b, tokens: tokens}
	data, err = c.next(&s)
	return data, s.i, err
}

// Span returns where the content ends that starts at n in b, behind a head. It goes
// through all of it with Next. If tokens is not nil the tokens are appended:
// those of Parse and these then cover b[:end]. An Offset is one in b too.
func (c *Content) Span(b []byte, n int, tokens *[]Token) (end int, err error) {
	s := scanner{b: b, i: n, tokens: tokens}
	for {
		_, err = c.next(&s)
		if err != ErrMore || s.i == len(b) {
			return s.i, err
		}
	}
}

// InTrailer reports whether the bytes so far end in the trailer section. RFC 9112
// section 7.1.2.
func (c *Content) InTrailer() bool { return c.stage >= trailerStart }

// next goes on until there is data, or to the end of the bytes or the content.
func (c *Content) next(s *scanner) (data []byte, err error) {
	for c.stage != contentOver {
		if s.i == len(s.b) {
			return nil, ErrMore
		}
		switch c.stage {
		case sizedData, endlessData, chunkData:
			return c.data(s)
		case sizeStart, inSize:
			err = c.chunkSize(s)
		case trailerStart, inTrailerName, inTrailerValue:
			err = c.trailer(s)
		case chunkCR:
			if octet := s.b[s.i]; octet != '\r' {
				err = misplaced(s.i, octet, "end of a chunk", "CR LF has to follow its data, whose size is known (RFC 9112 section 7.1)")
				break
			}
			s.grow(CRLF, s.i+1)
			c.stage = chunkLF
		case chunkLF:
			err = c.lineFeed(s, CRLF, sizeStart)
		case sizeLF:
			if c.left > 0 {
				err = c.lineFeed(s, CRLF, chunkData)
			} else {
				c.spent = 0
				err = c.lineFeed(s, CRLF, trailerStart)
			}
		case trailerLF:
			err = c.lineFeed(s, CRLF, trailerStart)
		case lastLF:
			err = c.lineFeed(s, EmptyLine, contentOver)
		default:
			err = c.extension(s)
		}
		if err != nil {
			if e, ok := err.(*BadError); ok && c.peer {
				e.Status = 0
			}
			return nil, err
		}
	}
	return nil, nil
}

// data takes what is there of the content, or of the chunk.
func (c *Content) data(s *scanner) ([]byte, error) {
	start, end := s.i, len(s.b)
	if c.stage != endlessData {
		end = start + int(min(c.left, int64(end-start)))
		c.left -= int64(end - start)
	}
	s.grow(MessageBody, end)
	if c.left == 0 {
		switch c.stage {
		case sizedData:
			c.stage = contentOver
			return s.view(start, end), nil
		case chunkData:
			c.stage = chunkCR
		}
	}
	return s.view(start, end), ErrMore
}
