package httpmini

import "bytes"

// Form is one of the four ways to write a target. RFC 9112 section 3.2.
type Form uint8

const (
	// OriginForm is a path and perhaps a query: the usual one. Section 3.2.1.
	OriginForm Form = iota + 1
	// AbsoluteForm is a whole URI, as for a proxy; every server has to take
	// it, and its authority counts more than Host. Section 3.2.2.
	AbsoluteForm
	// AuthorityForm is host and port, for CONNECT alone. Section 3.2.3.
	AuthorityForm
	// AsteriskForm is "*", the server as a whole, for OPTIONS alone.
	// Section 3.2.4.
	AsteriskForm
)

var forms = [...]string{
	OriginForm:    "origin-form",
	AbsoluteForm:  "absolute-form",
	AuthorityForm: "authority-form",
	AsteriskForm:  "asterisk-form",
}

// String returns the name of the form in RFC 9112.
func (f Form) String() string {
	if f == 0 || int(f) >= len(forms) {
		return "unknown"
	}
	return forms[f]
}

// root is the path of a URI that has none. RFC 9110 section 4.2.3.
var root = []byte{'/'}

// target takes the target and the space after it.
func (s *scanner) target(r *Request) error {
	start := s.i
	b := s.b[:min(len(s.b), start+MaxTarget+1)] // one octet too many shows
	end := targetChar.span(b, start)
	query := end
	if end < len(b) && b[end] != ' ' {
		query, end = targetEnd(b, end)
	}
	if end == len(b) || b[end] != ' ' || end == start {
		return badTarget(b, start, end, r.Method)
	}
	r.Target = b[start:end:end]
	if b[start] == '/' && string(r.Method) != "CONNECT" {
		r.Form = OriginForm
		r.Path = b[start:query:query]
		if query < end {
			r.Query = b[query+1 : end : end]
		}
	} else if err := r.splitTarget(start); err != nil {
		return err
	}
	s.take(Target, end)
	s.take(Space, end+1)
	return nil
}

// targetEnd goes on where targetChar ends, and finds the end of the target, or
// the "%" that has not its two digits. In a query it may stand alone: nobody decodes
// that here, and a browser sends it as it was typed. The query is where the first "?"
// is, else the end.
func targetEnd(b []byte, i int) (query, end int) {
	query = -1
	for i < len(b) && (b[i] == '?' || b[i] == '%' && (query >= 0 || isEscape(b[i:]))) {
		switch {
		case b[i] == '%' && query < 0:
			i += len("%20")
		case query < 0:
			query = i
			i++
		default:
			i++
		}
		i = targetChar.span(b, min(i, len(b)))
	}
	if query < 0 {
		query = i
	}
	return query, i
}

// isEscape reports whether two hexadecimal digits follow the first octet, as far as
// they are there.
func isEscape(b []byte) bool {
	return (len(b) < 2 || hexDigit.has(b[1])) && (len(b) < 3 || hexDigit.has(b[2]))
}

// badTarget says why the octets from start to end are no target with its space.
func badTarget(b []byte, start, end int, method []byte) error {
	if start == len(b) {
		return ErrMore
	}
	if err := targetStart(start, b[start], method); err != nil {
		return err
	}
	if end-start > MaxTarget {
		return bad(start+MaxTarget, 414, "the target is longer than %d bytes (RFC 9112 section 3)", MaxTarget)
	}
	if end == len(b) {
		return ErrMore
	}
	switch c := b[end]; c {
	case '%':
		return bad(end, 400, `a "%%" in the target is not followed by two hexadecimal digits (RFC 3986 section 2.1)`)
	case '\r':
		return bad(end, 400, "the line ends before a version: that is how HTTP/0.9 asked, before 1996 (RFC 9112 section 3)")
	case '#':
		return bad(end, 400, `a "#" stands in the target: a fragment stays with the client (RFC 9110 section 7.1)`)
	default:
		return misplaced(end, c, "target", escapeRule(c))
	}
}

// targetStart refuses a target by its first byte where that is enough.
func targetStart(offset int, c byte, method []byte) error {
	switch {
	case c == ' ':
		return bad(offset, 400, "a second space follows the method: one separates, and the target is not empty (RFC 9112 section 3)")
	case c == '*' && string(method) != "OPTIONS":
		return bad(offset, 400, `the target "*" is for OPTIONS alone (RFC 9112 section 3.2.4)`)
	case c == '/' || c == '*' || alpha.has(c) || string(method) == "CONNECT":
		return nil
	}
	return misplaced(offset, c, "target", `a target starts with "/", or is a whole URI such as http://host/ (RFC 9112 section 3.2)`)
}

const hexits = "0123456789ABCDEF"

func escapeRule(c byte) string {
	return "a URI has it only as %" + string([]byte{hexits[c>>4], hexits[c&15]}) + " (RFC 3986 section 2.1)"
}

// splitTarget finds the form of a target that is no path, and its parts.
func (r *Request) splitTarget(offset int) error {
	t := r.Target
	if err := targetStart(offset, t[0], r.Method); err != nil {
		return err
	}
	switch {
	case string(r.Method) == "CONNECT":
		r.Form = AuthorityForm
		r.Host = t
		port, at, why := authority(t)
		if why == "" && len(port) == 0 {
			at, why = len(t), "the port is missing"
		}
		if why != "" {
			return bad(offset+at, 400, "the target of CONNECT is no host and port: %s (RFC 9112 section 3.2.3)", why)
		}
	case t[0] == '*':
		r.Form = AsteriskForm
		if len(t) > 1 {
			return bad(offset+1, 400, `%s follows the "*", which is a target by itself (RFC 9112 section 3.2.4)`, octet(t[1]))
		}
	default:
		r.Form = AbsoluteForm
		return r.splitURI(offset)
	}
	return nil
}

// splitURI takes scheme "://" authority from an absolute-form.
func (r *Request) splitURI(offset int) error {
	t := r.Target
	i := schemeChar.span(t, 0)
	const mark = "://"
	if len(t) < i+len(mark) || string(t[i:i+len(mark)]) != mark {
		return bad(offset, 400, `the target is no path, since it does not start with "/", and no URI such as http://host/ (RFC 9112 section 3.2)`)
	}
	start := i + len(mark)
	end := start
	for end < len(t) && t[end] != '/' && t[end] != '?' {
		end++
	}
	r.Host = t[start:end:end]
	if _, at, why := authority(r.Host); why != "" {
		return bad(offset+start+at, 400, "the URI has no good host: %s (RFC 9110 section 4.2)", why)
	}
	r.splitPath(t[end:])
	return nil
}

func (r *Request) splitPath(t []byte) {
	r.Path = t
	if i := bytes.IndexByte(t, '?'); i >= 0 {
		r.Path, r.Query = t[:i:i], t[i+1:]
	}
	if len(r.Path) == 0 {
		r.Path = root
	}
}
