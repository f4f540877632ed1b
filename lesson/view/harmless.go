package view

import (
	"slices"
	"strings"

	"fd3/lesson"
)

// harmless returns an Event without control characters in the strings that may come
// from outside: the name of another process, a path, a value. On a terminal they would
// be orders.
func harmless(e lesson.Event) lesson.Event {
	for _, s := range []*string{&e.Title, &e.Text, &e.Name, &e.Strace, &e.Result, &e.C, &e.Go, &e.Fact, &e.Value, &e.Source, &e.Command, &e.Peer, &e.Request} {
		*s = withoutControl(*s)
	}
	e.Spans = slices.Clone(e.Spans)
	for i := range e.Spans {
		e.Spans[i].Name, e.Spans[i].Value = withoutControl(e.Spans[i].Name), withoutControl(e.Spans[i].Value)
	}
	e.Packet = harmlessPacket(e.Packet)
	return e
}

func withoutControl(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && ' ' <= s[i] && s[i] < 0x7f
	}
	if plain {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case r < ' ', r >= 0x7f && r < 0xa0:
			return '?'
		}
		return r
	}, s)
}
