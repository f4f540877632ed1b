package page

import "fd3/httpmini"

// secrets are the fields whose values let their owner in: RFC 9110 sections
// 11.6.2 and 11.7.2, RFC 6265 section 4, and what programs have made up besides. A
// page is put on projectors and copied into bug reports.
var secrets = [...]string{
	"cookie", "set-cookie", "authorization", "proxy-authorization",
	"x-api-key", "api-key", "apikey", "x-auth-token", "x-access-token", "x-csrf-token", "x-xsrf-token", "x-session-token",
	"x-amz-security-token", "x-vault-token", "private-token", "job-token",
}

// mask returns a copy of a request, of the same length, with each byte of a secret
// value replaced by "*". Whitespace and line ends stay, so the offsets and the
// shape are those of the request. Of the body only the values of secretKeys are masked;
// bytes that no token covers, as after an error, are taken for a part of a head.
//
// A request is masked first and cut then, such as for one recvfrom(2) of several: a
// fragment alone may be the middle of anything. A Masker masks bytes that arrive
// before the rest of the request does.
func mask(request []byte, tokens []httpmini.Token) []byte {
	masked := make([]byte, 0, len(request))
	var m Masker
	var content values
	body := false // the head is behind
	for _, t := range tokens {
		if t.Start < len(masked) || t.Start > len(request) {
			continue
		}
		if body && !ofHead(t.Kind) {
			masked = m.Append(masked, request[len(masked):t.Start])
			for _, c := range request[t.Start:min(t.End, len(request))] {
				if t.Kind == httpmini.MessageBody && content.hides(c) && !blank(c) { // not the size of a chunk of it
					c = '*'
				}
				masked = append(masked, c)
			}
			m = Masker{}
		}
		body = body || t.Kind == httpmini.EmptyLine
	}
	return m.Append(masked, request[len(masked):])
}

// ofHead reports whether a token is a part of a field line, in the head or, in a
// chunked message, in the trailer.
func ofHead(k httpmini.Kind) bool {
	switch k {
	case httpmini.FieldName, httpmini.Colon, httpmini.OptionalWhitespace, httpmini.FieldValue, httpmini.CRLF, httpmini.EmptyLine:
		return true
	}
	return false
}

// Masker masks a head that comes in pieces, in whatever way it was cut: all
// pieces together come out as the whole would. The zero value is at
// the start of a head. Content behind it is masked where it looks like a secret field
// as well, and the values of secretKeys in it are. Take a new one per request.
//
// It reads more loosely than a parser does, because the bytes of a refused
// request are shown too: the value behind a secret name is masked, with anything
// around that name.
type Masker struct {
	place place
	name  [len("x-amz-security-token")]byte // the name so far, in lower case
	n     int                               // its length, more than fits into name when it is none of secrets
	begun bool                              // a line with something in it has begun
	line  bool                              // the line has something in it
	body  bool                              // behind the head
	lost  bool                              // in the middle of content of which nothing is known
	open  values                            // in what may be read; in a head its form alone
}

// place says where in a line the next byte stands.
type place uint8

const (
	lineStart  place = iota // also behind what stands before a name
	inName                  //
	secretName              // behind a secret name, before its colon
	secretLine              // in a secret value
	secretFold              // behind its line: whitespace goes on with the value (obs-fold)
	openLine                // in a line that may be read
)

// Inside has the Masker go on in the middle of what may be secret: the rest of the line is
// masked, and of content all that is left.
func (m *Masker) Inside() { m.place, m.lost = secretLine, m.body }

// Content has the Masker begin behind a head.
func (m *Masker) Content() { m.body = true }

// Append appends b, masked, to dst.
func (m *Masker) Append(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, m.next(c))
	}
	return dst
}

// Pass has the Masker go on behind b.
func (m *Masker) Pass(b []byte) {
	for _, c := range b {
		m.next(c)
	}
}

func (m *Masker) next(c byte) byte {
	switch begins := m.place == lineStart || m.place == secretFold; {
	case m.place == inName:
		m.inName(c)
	case begins && nameByte(c):
		m.place, m.n = inName, 0
		m.inName(c)
	case begins && httpmini.TokenChar(c): // before what may be a name of ours
		m.place = lineStart
	}
	secret := m.place == secretName || m.place == secretLine || m.place == secretFold
	hidden := m.hides(c)
	switch c {
	case '\n':
		m.place = lineStart
		if secret {
			m.place = secretFold
		}
		return c
	case '\r':
		if !secret {
			m.place = lineStart // some programs take a bare CR for the end of a line
		}
		return c
	case ' ', '\t':
		if m.place == secretFold {
			m.place = secretLine
		}
		return c
	}
	if secret {
		hidden = m.place != secretName || c != ':'
		m.place = secretLine
	}
	if hidden {
		return '*'
	}
	return c
}

// hides reports whether the next byte is of the value of a secretKey: in a head in a query,
// and behind it in content.
func (m *Masker) hides(c byte) bool {
	switch {
	case c == '\n':
		m.body, m.line = m.body || m.begun && !m.line, false
	case c != '\r':
		m.begun, m.line = true, true
	}
	if !m.body {
		return m.open.form.hides(c)
	}
	return m.lost || m.open.hides(c)
}

// inName takes a byte of a name, or finds that the name has ended before it. A
// byte that does not print is passed over: it breaks a name for us, and perhaps
// not for the program that reads on.
func (m *Masker) inName(c byte) {
	switch {
	case nameByte(c):
		if m.n < len(m.name) {
			m.name[m.n] = lower(c)
		}
		m.n = min(m.n+1, len(m.name)+1)
	case c < ' ' && c != '\t' && c != '\r' && c != '\n' || c >= 0x7f:
	default:
		m.place = openLine
		for _, s := range secrets {
			if m.n == len(s) && string(m.name[:m.n]) == s {
				m.place = secretName
			}
		}
	}
}

// blank reports whether c is one of the bytes that give a text its shape.
func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// nameByte reports whether c may stand in the name of a secret field.
func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || '0' <= c && c <= '9'
}
