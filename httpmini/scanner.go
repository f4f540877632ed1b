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
	if s.tokens != nil {
		s.note(k, end)
	}
	s.i = end
}

// note is apart from take so that take is inlined: nearly nobody asks.
func (s *scanner) note(k Kind, end int) {
	if end > s.i {
		*s.tokens = append(*s.tokens, Token{k, s.i, end})
	}
}

// grow is take for what comes in pieces: a token of the same kind goes on.
func (s *scanner) grow(k Kind, end int) {
	if s.tokens != nil && end > s.i {
		if t := *s.tokens; len(t) > 0 && t[len(t)-1].Kind == k && t[len(t)-1].End == s.i {
			t[len(t)-1].End = end
		} else {
			s.note(k, end)
		}
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
	if end := s.i + len("\r\n"); end <= len(s.b) && string(s.b[s.i:end]) == "\r\n" {
		s.take(k, end)
		return nil
	}
	return badLineEnd(s.b, s.i, part)
}

// badLineEnd says why there is no CR LF at i.
func badLineEnd(b []byte, i int, part string) error {
	if i == len(b) {
		return ErrMore
	}
	if c := b[i]; c != '\r' {
		return misplaced(i, c, part, "the line has to end here with CR LF (RFC 9112 section 2.1)")
	}
	if i+1 == len(b) {
		return ErrMore
	}
	return bad(i, 400, "a bare CR stands in the %s: no LF follows it, and a lone CR is refused (RFC 9112 section 2.2)", part)
}

// version takes HTTP-version, RFC 9112 section 2.3, and gives its minor number.
func (s *scanner) version(text *[]byte) (minor int, err error) {
	end := s.i + len("HTTP/1.1")
	if end > len(s.b) || string(s.b[s.i:end-1]) != "HTTP/1." || !digit.has(s.b[end-1]) {
		return 0, badVersion(s.b, s.i)
	}
	*text = s.view(s.i, end)
	s.take(Version, end)
	return int(s.b[end-1] - '0'), nil
}

// badVersion says why there is no version of HTTP/1 at i.
func badVersion(b []byte, i int) error {
	for n, want := range []byte("HTTP/1.1") {
		if i+n == len(b) {
			return ErrMore
		}
		switch c := b[i+n]; {
		case n < len("HTTP/"):
			if c != want {
				return misplaced(i+n, c, "version", `a version starts with "HTTP/", in capitals (RFC 9112 section 2.3)`)
			}
		case want == '.' && c != '.', want == '1' && !digit.has(c):
			return misplaced(i+n, c, "version", versionRule)
		case n == len("HTTP/") && (c == '2' || c == '3'): // they are written without a dot too
			return otherVersion(i+n, c)
		}
	}
	i += len("HTTP/")
	if next := i + len("1.1"); next == len(b) {
		return ErrMore
	} else if c := b[next]; c == '.' || digit.has(c) {
		return misplaced(next, c, "version", versionRule)
	}
	return otherVersion(i, b[i])
}

func otherVersion(offset int, major byte) error {
	return bad(offset, 505, "this is HTTP/%c: here HTTP/1.0 and HTTP/1.1 are spoken (RFC 9110 section 15.6.6)", major)
}

const versionRule = "a version is one digit, a dot, one digit (RFC 9112 section 2.3)"

// space takes the one space that may stand between two parts of a first line.
func (s *scanner) space(before string) error {
	if s.i < len(s.b) && s.b[s.i] == ' ' {
		s.take(Space, s.i+1)
		return nil
	}
	return s.badSpace(before)
}

// badSpace says why there is no space here.
func (s *scanner) badSpace(before string) error {
	if s.i == len(s.b) {
		return ErrMore
	}
	c := s.b[s.i]
	if c == '\r' {
		return bad(s.i, 400, "the line ends after the %s: a space has to follow, even if nothing comes after it (RFC 9112 section 4)", before)
	}
	return misplaced(s.i, c, "first line", "exactly one space has to follow the "+before+" (RFC 9112 sections 3 and 4)")
}
