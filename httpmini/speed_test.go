package httpmini_test

import (
	"testing"

	"fd3/httpmini"
)

// Without tokens a Request that has grown its Fields parses for free, and so
// does one with them once their slice has grown.
func TestParseAllocatesNothing(t *testing.T) {
	request, response := []byte(browser), []byte(goodResponses["RFC 9112 4 plain"])
	chunks := []byte(goodChunks["RFC 9112 7.1.1 extensions"].b)
	var r httpmini.Request
	var p httpmini.Response
	var tokens []httpmini.Token
	out := make([]byte, 0, 4096)
	m := httpmini.Message{Status: 200, Date: then, ContentType: "text/plain", Body: []byte("hi"), Connection: "close"}
	for name, f := range map[string]func(){
		"request":             func() { r.Parse(request, nil) },
		"request, need more":  func() { r.Parse(request[:200], nil) },
		"request with tokens": func() { r.Parse(request, &tokens) },
		"response":            func() { p.Parse(response, nil) },
		"content":             func() { c := chunked(); drain(&c, chunks) },
		"field":               func() { r.Fields.Get("accept-language") },
		"compose a response":  func() { httpmini.AppendResponse(out, m) },
		"compose a request":   func() { httpmini.AppendRequest(out, "GET", "/", "localhost") },
	} {
		f() // grow what is kept
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkRequestParse(b *testing.B) {
	for _, name := range []string{"wrk", "curl", "browser"} {
		message := []byte(goodRequests[name])
		b.Run(name, func(b *testing.B) {
			var r httpmini.Request
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Parse(message, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("browser with tokens", func(b *testing.B) {
		var r httpmini.Request
		var tokens []httpmini.Token
		message := []byte(browser)
		b.SetBytes(int64(len(browser)))
		b.ReportAllocs()
		for b.Loop() {
			r.Parse(message, &tokens)
		}
	})
}

func BenchmarkContent(b *testing.B) {
	message := []byte(goodChunks["RFC 9112 7.1 plain"].b)
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		c := chunked()
		drain(&c, message)
	}
}

// drain goes through b as a server does that wants to know only how long it is.
func drain(c *httpmini.Content, b []byte) (length int) {
	for {
		data, n, err := c.Next(b, nil)
		length += len(data)
		b = b[n:]
		if err != httpmini.ErrMore || len(b) == 0 {
			return length
		}
	}
}

func BenchmarkResponseParse(b *testing.B) {
	message := []byte(goodResponses["RFC 9112 4 plain"])
	var r httpmini.Response
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		r.Parse(message, nil)
	}
}

func BenchmarkAppendResponse(b *testing.B) {
	out := make([]byte, 0, 4096)
	m := httpmini.Message{Status: 200, Date: then, ContentType: "text/plain", Body: make([]byte, 512)}
	b.ReportAllocs()
	for b.Loop() {
		out = httpmini.AppendResponse(out[:0], m)
	}
}
