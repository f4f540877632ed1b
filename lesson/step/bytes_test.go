package step

import (
	"slices"
	"testing"

	"fd3/lesson"
)

// The bytes that recv carries are named piece by piece, in chunks too.
func TestBytesOfChunks(t *testing.T) {
	h := newStagehand(t)
	h.start()
	h.do("connect")
	h.do("accept")
	h.do("send", asClient, func(o *Options) {
		o.Data = []byte("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nwiki\r\n0\r\nA: b\r\n\r\n")
	})
	h.do("recv")
	i := len(h.events) - 1
	for h.events[i].Kind != lesson.KindBytes {
		i--
	}
	e := h.events[i]
	var names []string
	for _, s := range e.Spans {
		names = append(names, s.Name)
	}
	first := slices.Index(names, "empty line") + 1
	want := []string{"chunk size", "chunk extension", "CRLF", "body", "CRLF", "last chunk", "CRLF",
		"field name", "colon", "optional whitespace", "field value", "CRLF", "empty line"}
	if !slices.Equal(names[first:], want) || e.Title != "79, an HTTP request" {
		t.Errorf("%s: %q, want %q", e.Title, names[first:], want)
	}
}
