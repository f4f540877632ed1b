package http

import (
	"errors"
	"fmt"
	"time"

	"fd3/httpmini"
	"fd3/lesson"
	"fd3/lesson/course/lab"
)

// These are the answers of parseRequest for bytes that are no bad request.
const (
	partialRequest = "not complete yet"
	wholeRequest   = "a complete request"
)

// parseRequest says what the parser makes of the beginning of a request.
func parseRequest(data []byte) (verdict string, r httpmini.Request) {
	n, err := r.Parse(data, nil)
	if err == nil {
		content := r.Content()
		_, err = content.Span(data, n, nil)
	}
	if err == nil {
		return wholeRequest, r
	}
	if problem := problemOf(err); problem != "" {
		return problem, r
	}
	return partialRequest, r
}

// parseResponse is the content of the response to a GET, and what is wrong with it;
// over says that no more bytes come.
func parseResponse(data []byte, over bool) (body []byte, problem string) {
	var r httpmini.Response
	n, err := r.Parse(data, nil)
	if err != nil {
		if problem = problemOf(err); over && problem == "" {
			problem = "the end, before the empty line"
		}
		return nil, problem
	}
	content := r.Content("GET")
	body, _, err = content.Next(data[n:], nil)
	if problem = problemOf(err); err != nil && over && problem == "" && r.BodyLength("GET") >= 0 {
		problem = fmt.Sprintf("the end, with %d of %d bytes of content", len(body), r.BodyLength("GET"))
	}
	return body, problem
}

// problemOf is a bad byte in words; "" where only more bytes are needed.
func problemOf(err error) string {
	var bad *httpmini.BadError
	if errors.As(err, &bad) {
		return fmt.Sprintf("byte %d: %s", bad.Offset, bad.Why)
	}
	return ""
}

// draw draws a message, each byte under the name of the piece that it belongs
// to, as the parser saw it.
func draw(l *lab.Lab, data []byte, request bool) {
	var tokens []httpmini.Token
	what := "an HTTP response"
	if request {
		what = "an HTTP request"
		var r httpmini.Request
		if n, err := r.Parse(data, &tokens); err == nil {
			content := r.Content()
			content.Span(data, n, &tokens)
		}
	} else {
		var r httpmini.Response
		if n, err := r.Parse(data, &tokens); err == nil {
			content := r.Content("GET")
			content.Span(data, n, &tokens)
		}
	}
	e := lesson.Event{Kind: lesson.KindBytes, Form: "message", Recap: true, Title: fmt.Sprintf("%d, %s", len(data), what), Data: data}
	for _, t := range tokens {
		e.Spans = append(e.Spans, lesson.Span{Name: t.Kind.String(), Start: t.Start, End: t.End})
	}
	l.Tell(e)
}

// respond is what a server without any file says.
func respond(request []byte) []byte {
	m := httpmini.Message{Status: 404, Date: time.Now(), ContentType: "text/html", Connection: "close"}
	_, r := parseRequest(request)
	switch method := string(r.Method); {
	case method == "GET" || method == "HEAD":
	case httpmini.Registered(r.Method):
		m.Status, m.Fields = 405, []httpmini.FieldLine{{Name: "Allow", Value: "GET, HEAD"}}
	default:
		m.Status = 501
	}
	m.Body = fmt.Appendf(nil, "<h1>%d %s</h1>", m.Status, httpmini.StatusText(m.Status))
	return httpmini.AppendResponse(nil, m)
}
