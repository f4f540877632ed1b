package step

import (
	"errors"
	"fmt"

	"fd3/httpmini"
	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets/stage"
)

// maxShown is how many bytes of a message are drawn, and maxBody how many of its
// body. The rest is counted.
const (
	maxShown = 1024
	maxBody  = 96
)

func shownBytes(data []byte, spans []lesson.Span) int {
	shown := min(len(data), maxShown)
	for _, span := range spans {
		if span.Name == httpmini.MessageBody.String() {
			shown = min(shown, span.Start+maxBody)
		}
	}
	return shown
}

// bytes shows the bytes of a step: the struct of an address, or what a send or a
// recv carried, cut into the pieces that httpmini sees in it.
func (r *Runner) bytes(s *scene) {
	switch {
	case s.step.Struct:
		r.showAddress(s)
	case len(s.call.Data) > 0 && s.call.Errno == 0:
		r.showMessage(s)
	}
}

func (r *Runner) showAddress(s *scene) {
	addr := s.order.Addr
	if s.opts.Explain != lesson.Full || len(addr) == 0 {
		return
	}
	e := lesson.Event{Kind: lesson.KindBytes, Form: "struct", Title: fmt.Sprintf("%d, %s", len(addr), addr.CType()), Data: addr}
	for _, f := range addr.Fields() {
		e.Spans = append(e.Spans, lesson.Span{Name: f.Name, Start: f.Start, End: f.End, Value: f.Value})
	}
	r.show(s, e)
}

func (r *Runner) showMessage(s *scene) {
	data := s.call.Data
	what, spans, problem := tokens(s, data)
	title := fmt.Sprint(len(data))
	if what != "" {
		title += ", " + what
	}
	if shown := shownBytes(data, spans); shown < len(data) {
		title += fmt.Sprintf(" (the first %d are drawn)", shown)
		data = data[:shown]
	}
	e := lesson.Event{Kind: lesson.KindBytes, Form: "message", Title: title, Data: data, Text: problem}
	for _, span := range spans {
		if span.Start < len(data) {
			span.End = min(span.End, len(data))
			e.Spans = append(e.Spans, span)
		}
	}
	r.show(s, e)
}

// tokens reads the bytes as HTTP: a request where the server receives or the
// client sends, a response the other way. Bytes that are no HTTP are only bytes;
// problem says what is wrong with some that nearly are.
func tokens(s *scene, data []byte) (what string, spans []lesson.Span, problem string) {
	if x, _ := s.socket(); !x.Stream() {
		message, cut := s.cut()
		switch {
		case cut && message > 0:
			return fmt.Sprintf("the beginning of one message of %d", message), nil, ""
		case cut:
			return "one message or its beginning", nil, ""
		}
		return "one message", nil, ""
	}
	request := (s.call.Name == "recvfrom") == (s.role == stage.Server)
	var found []httpmini.Token
	var err error
	if request {
		what = "an HTTP request"
		var req httpmini.Request
		var n int
		if n, err = req.Parse(data, &found); err == nil {
			content := req.Content()
			_, err = content.Span(data, n, &found)
		}
	} else {
		what = "an HTTP response"
		var resp httpmini.Response
		var n int
		if n, err = resp.Parse(data, &found); err == nil {
			content := resp.Content("GET")
			_, err = content.Span(data, n, &found)
		}
	}
	for _, t := range found {
		spans = append(spans, lesson.Span{Name: t.Kind.String(), Start: t.Start, End: t.End})
	}
	var bad *httpmini.BadError
	switch {
	case errors.As(err, &bad):
		return "not HTTP", spans, fmt.Sprintf("Byte %d: %s", bad.Offset, words.Literal(bad.Why))
	case err != nil:
		return what + ", not yet complete", spans, ""
	}
	return what, spans, ""
}
