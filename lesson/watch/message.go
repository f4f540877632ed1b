package watch

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fd3/httpmini"
	"fd3/httpmini/page"
	"fd3/lesson"
	"fd3/sockets"
)

// A direction is what has gone one way over a socket.
type direction struct {
	masker page.Masker // of what was last begun
	unread []byte      // what came last, and the masker has not seen: it is not shown
	head   []byte      // of a message that is not whole yet
	opaque bool        // what goes on is no head
	begun  bool
	over   bool // the other end has spoken since: what comes next begins another message
}

// A message is a head of HTTP.
type message struct {
	line   string // its first line, masked
	fields int
	data   []byte // masked
	spans  []lesson.Span
}

// add takes bytes and returns the head that they complete, if they do. tls reports that
// they begin a TLS handshake (RFC 8446, section 5.1).
func (d *direction) add(data []byte) (m *message, tls bool) {
	first := !d.begun
	d.begun = true
	if d.opaque || len(data) == 0 {
		return nil, false
	}
	d.head = append(d.head, data...)
	if first && len(d.head) > 2 && d.head[0] == 22 && d.head[1] == 3 {
		d.opaque, d.head = true, nil
		return nil, true
	}
	var tokens []httpmini.Token
	var n int
	var err error
	var fields int
	if strings.HasPrefix(string(d.head[:min(len(d.head), 5)]), "HTTP/"[:min(len(d.head), 5)]) {
		var r httpmini.Response
		n, err = r.Parse(d.head, &tokens)
		fields = len(r.Fields)
	} else {
		var r httpmini.Request
		n, err = r.Parse(d.head, &tokens)
		fields = len(r.Fields)
	}
	if errors.Is(err, httpmini.ErrMore) && len(d.head) < httpmini.MaxHead {
		return nil, false
	}
	whole := d.head
	d.opaque, d.head = true, nil
	if err != nil {
		return nil, false
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(whole[:n], "\r\n"), []byte("\n"))
	m = &message{fields: fields, data: new(page.Masker).Append(nil, whole[:n])}
	m.line = string(new(page.Masker).Append(nil, bytes.TrimSpace(line)))
	for _, t := range tokens {
		if t.End <= n {
			m.spans = append(m.spans, lesson.Span{Name: t.Kind.String(), Start: t.Start, End: t.End})
		}
	}
	return m, false
}

// literal is a string as strace(1) prints it. One of a struct iovec has its length behind
// it; what else is in a message is no data.
var literal = regexp.MustCompile(`(iov_base=|^)"(?:[^"\\]|\\.)*"(?:\.\.\.)?(?:, iov_len=(\d+))?`)

// mask hides the secrets in the bytes that a call has moved, and in its arguments. Of a
// call that has moved nothing the bytes are not shown: nobody knows where in a message
// they stand. Call.Data has the bytes that are shown, and perhaps more.
func (d *direction) mask(c sockets.Call) sockets.Call {
	switch {
	case c.Errno != 0:
		return hidden(c)
	case c.Ret == 0:
		return c
	}
	c.C, c.Go = "", "" // they have the bytes, too
	d.masker.Pass(d.unread)
	d.unread = nil
	const shown, most = sockets.QuoteLimit + 1, 1 << 10 // and one more says that they are cut; what is kept for each socket
	if slices.ContainsFunc(c.Args, func(a sockets.Arg) bool { return a.Name == "buf" }) && len(c.Data) > shown && len(c.Data) <= most {
		c.Data, d.unread = c.Data[:shown], c.Data[shown:]
	}
	cut := int64(len(c.Data)+len(d.unread)) < moved(c) // the rest is not known
	masked := d.masker.Append(make([]byte, 0, len(c.Data)), c.Data)
	if len(c.Data) > 0 && cut {
		d.masker.Inside()
	}
	if string(masked) == string(c.Data) {
		return c
	}
	rest := masked
	c = replaced(c, func(length int) string {
		n := len(rest)
		if length >= 0 {
			n = min(length, n)
		}
		if n == 0 && length > 0 {
			return `"..."`
		}
		shown := sockets.Quote(rest[:n])
		rest = rest[n:]
		return shown
	})
	c.Data = masked
	return c
}

// hidden is a call without the bytes that it moves.
func hidden(c sockets.Call) sockets.Call {
	c = replaced(c, func(int) string { return `"..."` })
	c.Data = nil
	return c
}

// replaced is a call with other strings for the bytes that it moves: each by its length,
// which is -1 where it is that of all.
func replaced(c sockets.Call, by func(length int) string) sockets.Call {
	c.C, c.Go = "", "" // they have the bytes, too
	args := make([]sockets.Arg, len(c.Args))
	copy(args, c.Args)
	c.Args = args
	for i, a := range args {
		if a.Name != "buf" && a.Name != "iov" && a.Name != "msg" && a.Name != "msgvec" {
			continue
		}
		args[i].Value = literal.ReplaceAllStringFunc(a.Value, func(s string) string {
			parts := literal.FindStringSubmatch(s)
			n, tail := -1, ""
			if length := parts[2]; length != "" {
				n, _ = strconv.Atoi(length)
				tail = ", iov_len=" + length
			}
			return parts[1] + by(n) + tail
		})
	}
	return c
}
