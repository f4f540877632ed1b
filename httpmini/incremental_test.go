package httpmini_test

import (
	"slices"
	"strings"
	"testing"

	"fd3/httpmini"
)

// Any beginning of a good head asks for more, and the tokens so far cover it
// without a gap up to the piece that is in question.
func TestRequestEveryPrefix(t *testing.T) {
	for name, b := range goodRequests {
		t.Run(name, func(t *testing.T) {
			var r httpmini.Request
			var tokens []httpmini.Token
			for i := range len(b) {
				if n, err := r.Parse([]byte(b[:i]), &tokens); n != 0 || err != httpmini.ErrMore {
					t.Fatalf("%q: %d, %v, want ErrMore", b[:i], n, err)
				}
				covered := 0
				if len(tokens) > 0 {
					covered = tokens[len(tokens)-1].End
				}
				if covered > i {
					t.Fatalf("%q: tokens cover %d of %d bytes", b[:i], covered, i)
				}
				checkTokens(t, tokens, covered)
			}
			n, err := r.Parse([]byte(b), &tokens)
			if n != len(b) || err != nil {
				t.Fatalf("%q: %d, %v", b, n, err)
			}
			checkTokens(t, tokens, n)
		})
	}
}

func TestResponseEveryPrefix(t *testing.T) {
	for name, b := range goodResponses {
		t.Run(name, func(t *testing.T) {
			var r httpmini.Response
			var tokens []httpmini.Token
			for i := range len(b) {
				if n, err := r.Parse([]byte(b[:i]), &tokens); n != 0 || err != httpmini.ErrMore {
					t.Fatalf("%q: %d, %v, want ErrMore", b[:i], n, err)
				}
			}
			n, err := r.Parse([]byte(b), &tokens)
			if n != len(b) || err != nil {
				t.Fatalf("%q: %d, %v", b, n, err)
			}
			checkTokens(t, tokens, n)
		})
	}
}

// feed is the loop of a server: a buffer that grows by the given pieces, from
// which each message is taken as soon as it is whole. It says what it took.
func feed(t *testing.T, pieces []string) (targets, bodies []string) {
	t.Helper()
	var buf []byte
	var r httpmini.Request
	var tokens []httpmini.Token
	for _, piece := range pieces {
		buf = append(buf, piece...)
		for len(buf) > 0 {
			n, err := r.Parse(buf, &tokens)
			if err == httpmini.ErrMore {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			content := r.Content()
			end, err := content.Span(buf, n, &tokens)
			if err == httpmini.ErrMore {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			checkTokens(t, tokens, end)
			var body strings.Builder
			for _, k := range tokens {
				if k.Kind == httpmini.MessageBody {
					body.Write(buf[k.Start:k.End])
				}
			}
			targets = append(targets, string(r.Target))
			bodies = append(bodies, body.String())
			buf = append(buf[:0], buf[end:]...)
		}
	}
	if len(buf) > 0 {
		t.Fatalf("%q is left over", buf)
	}
	return targets, bodies
}

const pipeline = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n" +
	"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nGET /no HTTP/1.1\r\n\r\n" +
	"\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n" +
	"PUT /4 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nwiki\r\n5\r\npedia\r\n0\r\nA: b\r\n\r\n" +
	"PUT /5 HTTP/1.0\r\nContent-Length: 0\r\n\r\n"

var (
	pipelineTargets = []string{"/1", "/2", "/3", "/4", "/5"}
	pipelineBodies  = []string{"", "GET /no HTTP/1.1\r\n\r\n", "", "wikipedia", ""}
)

func checkPipeline(t *testing.T, pieces []string) {
	t.Helper()
	targets, bodies := feed(t, pieces)
	if !slices.Equal(targets, pipelineTargets) || !slices.Equal(bodies, pipelineBodies) {
		t.Fatalf("targets %q, bodies %q, from %q", targets, bodies, pieces)
	}
}

func TestPipelineAtOnce(t *testing.T) { checkPipeline(t, []string{pipeline}) }

func TestPipelineByteByByte(t *testing.T) { checkPipeline(t, strings.Split(pipeline, "")) }

func TestPipelineEverySplit(t *testing.T) {
	for i := range len(pipeline) {
		for j := i; j < len(pipeline); j++ {
			checkPipeline(t, []string{pipeline[:i], pipeline[i:j], pipeline[j:]})
		}
	}
}
