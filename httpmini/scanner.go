package httpmini

// scanner walks over one head. It looks at most one byte ahead, so what it
// says of a beginning holds for everything that begins like it.
type scanner struct {
	b      []byte
	i      int
	tokens *[]Token // nil when nobody asks
}

func scan(b []byte, tokens *[]Token) scanner {
	if tokens != nil {
		*tokens = (*tokens)[:0]
	}
	return scanner{b: b[:min(len(b), MaxHead)], tokens: tokens}
}

// take goes on to end and says what it passes.
func (s *scanner) take(k Kind, end int) {
	if s.tokens != nil && end > s.i {
		*s.tokens = append(*s.tokens, Token{k, s.i, end})
	}
	s.i = end
}

// view is a part of the buffer that an append cannot grow over the rest.
func (s *scanner) view(start, end int) []byte { return s.b[start:end:end] }

// finish turns "need more" into "too large" once the head has used up MaxHead.
func (s *scanner) finish(err error) (int, error) {
	if err == ErrMore && len(s.b) == MaxHead {
		err = bad(MaxHead, 431, "the head goes on after %d bytes, which is all that is read here (RFC 6585 section 5)", MaxHead)
	}
	if err != nil {
		return 0, err
	}
	return s.i, nil
}

// crlf takes the end of a line, which has to be here.
func (s *scanner) crlf(k Kind, part string) error {
	if s.i == len(s.b) {
		return ErrMore
	}
	if c := s.b[s.i]; c != '\r' {
		return misplaced(s.i, c, part, "the line has to end here with CR LF (RFC 9112 section 2.1)")
	}
	if s.i+1 == len(s.b) {
		return ErrMore
	}
	if s.b[s.i+1] != '\n' {
		return bad(s.i, 400, "a bare CR stands in the %s: no LF follows it, and a lone CR is refused (RFC 9112 section 2.2)", part)
	}
	s.take(k, s.i+2)
	return nil
}

// version takes HTTP-version, RFC 9112 section 2.3, and gives its minor number.
func (s *scanner) version(text *[]byte) (minor int, err error) {
	const name = "HTTP/"
	b := s.b[s.i:]
	for i := range len(name) {
		if i == len(b) {
			return 0, ErrMore
		}
		if b[i] != name[i] {
			return 0, misplaced(s.i+i, b[i], "version", `a version starts with "HTTP/", in capitals (RFC 9112 section 2.3)`)
		}
	}
	for i := len(name); i < len(name)+3; i++ {
		if i == len(b) {
			return 0, ErrMore
		}
		c := b[i]
		if i == 6 {
			if c != '.' {
				return 0, misplaced(s.i+i, c, "version", "a version is one digit, a dot, one digit (RFC 9112 section 2.3)")
			}
			continue
		}
		if !digit.has(c) {
			return 0, misplaced(s.i+i, c, "version", "a version is one digit, a dot, one digit (RFC 9112 section 2.3)")
		}
		if i == 5 && c != '1' {
			return 0, bad(s.i+i, 505, "this is HTTP/%c: here HTTP/1.0 and HTTP/1.1 are spoken (RFC 9110 section 15.6.6)", c)
		}
	}
	*text = s.view(s.i, s.i+8)
	s.take(Version, s.i+8)
	return int(b[7] - '0'), nil
}

// space takes the one space that may stand between two parts of a first line.
func (s *scanner) space(before string) error {
	if s.i == len(s.b) {
		return ErrMore
	}
	switch c := s.b[s.i]; c {
	case ' ':
	case '\r':
		return bad(s.i, 400, "the line ends after the %s: a space has to follow, even if nothing comes after it (RFC 9112 section 4)", before)
	default:
		return misplaced(s.i, c, "first line", "exactly one space has to follow the "+before+" (RFC 9112 sections 3 and 4)")
	}
	s.take(Space, s.i+1)
	return nil
}
