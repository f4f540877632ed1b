package httpmini

import (
	"strconv"
	"time"
)

// FieldLine is a field to send. Take care that a name and a value do not come
// from the other side: a CR LF in a value would end the line and start a field
// of the attacker's (response splitting). An octet that may not stand in a value is
// sent as a space, which RFC 9110 section 5.5 allows, and in a name as "-".
type FieldLine struct {
	Name, Value string
}

// Message is a response to compose. The zero value of each field leaves it out,
// except for Status, which has to be there.
type Message struct {
	// Status is the code, 100 to 599. Any other is sent as a 500.
	Status int
	// Date is when the response is made. A server that has a clock has to send
	// it (RFC 9110 section 6.6.1).
	Date time.Time
	// ContentType of the body. RFC 9110 section 8.3.
	ContentType string
	// Body to send. Its length goes into Content-Length.
	Body []byte
	// Length of a body that is sent apart, as by sendfile(2), for Content-Length
	// when Body is empty. Below 0 nobody knows it yet, and there is no such field.
	Length int64
	// Chunked says that the body follows in chunks: see AppendChunk.
	Chunked bool
	// Head leaves the body out and says everything else as it would be with
	// it: the answer to HEAD. RFC 9110 section 9.3.2.
	Head bool
	// Connection is "close" when the server closes after this, "keep-alive" to
	// an HTTP/1.0 client that asked for it. RFC 9112 section 9.3.
	Connection string
	// Fields are sent after those above.
	Fields []FieldLine
}

// AppendResponse appends the whole response to dst. With room enough in dst it
// allocates nothing. The version is HTTP/1.1 even to an HTTP/1.0 client, since
// it tells what the server can do (RFC 9110 section 6.2).
//
// 1xx, 204, 205 and 304 have no body, whatever Body says (RFC 9110 section
// 6.4.1); with 1xx and 204 there may not even be a Content-Length (section 8.6),
// and with 304 it is left out, as the length of nothing would be wrong.
func AppendResponse(dst []byte, m Message) []byte {
	status := m.Status
	if status < 100 || status > 599 {
		status = 500
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ') // also without a reason: RFC 9112 section 4
	dst = append(dst, StatusText(status)...)
	dst = append(dst, "\r\n"...)

	if !m.Date.IsZero() {
		dst = append(dst, "Date: "...)
		dst = AppendDate(dst, m.Date)
		dst = append(dst, "\r\n"...)
	}
	if m.ContentType != "" {
		dst = appendField(dst, "Content-Type", m.ContentType)
	}
	body := m.Body
	length := int64(len(body))
	if length == 0 {
		length = m.Length
	}
	if status == 205 {
		length = 0
	}
	switch {
	case status < 200 || status == 204 || status == 304:
	case m.Chunked:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case length >= 0:
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, length, 10)
		dst = append(dst, "\r\n"...)
	}
	if m.Connection != "" {
		dst = appendField(dst, "Connection", m.Connection)
	}
	for _, f := range m.Fields {
		dst = appendField(dst, f.Name, f.Value)
	}
	dst = append(dst, "\r\n"...)

	if m.Head || status < 200 || status == 204 || status == 205 || status == 304 {
		return dst
	}
	return append(dst, body...)
}

// AppendChunk appends a chunk of a body, RFC 9112 section 7.1. One without data is the
// last, with the end of the body.
func AppendChunk(dst, data []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(data)), 16)
	dst = append(dst, "\r\n"...)
	dst = append(dst, data...)
	return append(dst, "\r\n"...)
}

// AppendRequest appends a plain request, as curl would send it, with extra
// fields after the usual ones. Close is FieldLine{"Connection", "close"}. An
// octet that no target holds is sent as its %-escape, an empty target as "/".
func AppendRequest(dst []byte, method, target, host string, extra ...FieldLine) []byte {
	dst = appendName(dst, method)
	dst = append(dst, ' ')
	dst = appendTarget(dst, target)
	dst = append(dst, " HTTP/1.1\r\n"...)
	dst = appendField(dst, "Host", host)
	dst = appendField(dst, "User-Agent", "fd3")
	dst = appendField(dst, "Accept", "*/*")
	for _, f := range extra {
		dst = appendField(dst, f.Name, f.Value)
	}
	return append(dst, "\r\n"...)
}

// AppendDate appends the time as IMF-fixdate, the one form that may be sent,
// always in GMT: Sun, 06 Nov 1994 08:49:37 GMT. RFC 9110 section 5.6.7.
func AppendDate(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "Mon, 02 Jan 2006 15:04:05 GMT")
}

func appendField(dst []byte, name, value string) []byte {
	dst = appendName(dst, name)
	dst = append(dst, ": "...)
	start := len(dst)
	dst = append(dst, value...)
	for i := start; i < len(dst); i++ {
		if !textChar.has(dst[i]) {
			dst[i] = ' '
		}
	}
	return append(dst, "\r\n"...)
}

// appendName appends a token: a field name or a method.
func appendName(dst []byte, name string) []byte {
	start := len(dst)
	dst = append(dst, name...)
	for i := start; i < len(dst); i++ {
		if !tokenChar.has(dst[i]) {
			dst[i] = '-'
		}
	}
	return dst
}

func appendTarget(dst []byte, target string) []byte {
	if target == "" {
		return append(dst, '/')
	}
	for i := range len(target) {
		if c := target[i]; c == '%' || c == '?' || targetChar.has(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hexits[c>>4], hexits[c&15])
		}
	}
	return dst
}
