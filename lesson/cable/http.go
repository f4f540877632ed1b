package cable

import (
	"bytes"
	"slices"

	"fd3/httpmini"
	"fd3/sockets/wire"
)

// Contain names the tokens of an HTTP message that begins in a packet. What is none, and
// the middle of one, stay bytes.
func Contain(p *wire.Packet) {
	l := p.Layer("payload")
	if _, ok := p.Segment(); !ok || l == nil {
		return
	}
	data := p.Data[l.Start:l.End]
	var tokens []httpmini.Token
	if !message(data, &tokens) {
		return
	}
	var fields []wire.Field
	for _, t := range tokens {
		fields = append(fields, wire.Field{Name: t.Kind.String(), Start: l.Start + t.Start, End: l.Start + t.End})
	}
	p.Contain("HTTP", "RFC 9112", fields)
}

// message reads a message, as far as it is there, and reports whether it is one: its first
// line has a version.
func message(data []byte, tokens *[]httpmini.Token) bool {
	var request httpmini.Request
	var response httpmini.Response
	var content httpmini.Content
	var n int
	var err error
	if bytes.HasPrefix(data, []byte("HTTP/")) {
		if n, err = response.Parse(data, tokens); err == nil {
			content = response.Content("GET")
		}
	} else if n, err = request.Parse(data, tokens); err == nil {
		content = request.Content()
	}
	if err == nil {
		content.Span(data, n, tokens)
		return true
	}
	return err == httpmini.ErrMore && slices.ContainsFunc(*tokens, func(t httpmini.Token) bool { return t.Kind == httpmini.Version })
}
