package httpmini_test

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fd3/httpmini"
)

// seeds calls add with what is short enough to be a good seed: the fuzzer is slow
// with long ones, and the limits have tests of their own.
func seeds(add func(b string), all ...string) {
	for _, b := range all {
		if len(b) < 2<<10 {
			add(b)
		}
	}
}

func FuzzRequest(f *testing.F) {
	add := func(b string) { f.Add([]byte(b)) }
	seeds(add, slices.Collect(maps.Values(goodRequests))...)
	seeds(add, nearlyBad...)
	for _, tt := range badRequests {
		seeds(add, strings.Replace(tt.b, "^", "", 1))
	}
	for _, d := range slices.Concat(netHTTPTakes, netHTTPRefuses) {
		seeds(add, d.b)
	}
	seeds(add, pipeline,
		top+"Content-Length: 5, 6\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"GET http://[::ffff:1.2.3.4]:99/%zz HTTP/2.0\n\n")
	f.Fuzz(func(t *testing.T, b []byte) {
		invariants(t, b, func() parser { return new(httpmini.Request) })
		compareRequest(t, b)
	})
}

// However the bytes of a content are split, its data, its end and what is wrong
// with it are the same.
func FuzzContent(f *testing.F) {
	add := func(b string) { f.Add([]byte(b), uint16(len(b)/2)) }
	for _, tt := range goodChunks {
		seeds(add, tt.b+"GET")
	}
	for _, tt := range badChunks {
		seeds(add, strings.Replace(tt.b, "^", "", 1))
	}
	for _, d := range slices.Concat(netHTTPTakesChunks, netHTTPRefusesChunks) {
		seeds(add, d.b)
	}
	f.Fuzz(func(t *testing.T, b []byte, at uint16) {
		if len(b) > 2*httpmini.MaxChunkExtensions {
			return // no rule needs that much
		}
		c := chunked()
		data, n, err := take(t, &c, string(b))
		i := min(int(at), len(b))
		for _, pieces := range [][]string{strings.Split(string(b), ""), {string(b[:i]), string(b[i:])}} {
			c := chunked()
			data2, n2, err2 := take(t, &c, pieces...)
			isBad := err != nil && err != httpmini.ErrMore
			if data2 != data || n2 != n && !isBad || !reflect.DeepEqual(err2, err) {
				t.Fatalf("%q: %q, %d, %v, at once %q, %d, %v", pieces, data2, n2, err2, data, n, err)
			}
		}
		compareChunks(t, b)
	})
}

func FuzzResponse(f *testing.F) {
	for _, b := range goodResponses {
		f.Add([]byte(b))
	}
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	f.Add([]byte("HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		invariants(t, b, func() parser { return new(httpmini.Response) })
	})
}

type parser interface {
	Parse(b []byte, tokens *[]httpmini.Token) (n int, err error)
}

// invariants are what holds for any bytes at all.
func invariants(t *testing.T, b []byte, fresh func() parser) {
	whole := fresh()
	var tokens []httpmini.Token
	n, err := whole.Parse(b, &tokens)

	silent := fresh()
	if n2, err2 := silent.Parse(b, nil); n2 != n || !reflect.DeepEqual(err2, err) || !reflect.DeepEqual(silent, whole) {
		t.Fatalf("%d, %v with tokens, %d, %v without", n, err, n2, err2)
	}

	covered := n
	var bad *httpmini.BadError
	switch {
	case err == nil:
		if n <= 0 || n > len(b) {
			t.Fatalf("n is %d of %d", n, len(b))
		}
		head := fresh()
		if n2, err := head.Parse(b[:n:n], nil); n2 != n || err != nil || !reflect.DeepEqual(head, whole) {
			t.Fatalf("the head alone: %d, %v, want %d", n2, err, n)
		}
	case err == httpmini.ErrMore:
		if n != 0 || len(b) >= httpmini.MaxHead {
			t.Fatalf("need more, with n %d of %d", n, len(b))
		}
	case errors.As(err, &bad):
		if n != 0 || bad.Offset < 0 || bad.Offset > len(b) || bad.Why == "" {
			t.Fatalf("n %d, %+v", n, bad)
		}
	default:
		t.Fatal(err)
	}
	if err != nil {
		covered = 0
		if len(tokens) > 0 {
			covered = tokens[len(tokens)-1].End
		}
		if covered > len(b) {
			t.Fatalf("tokens cover %d of %d", covered, len(b))
		}
	}
	checkTokens(t, tokens, covered)

	// Every beginning: it asks for more until the head is done or bad, and
	// from then on the answer stays the same.
	p := fresh()
	var seenBad error
	step := max(1, len(b)/300)
	for i := 0; i < len(b); i += step {
		n2, err2 := p.Parse(b[:i], nil)
		switch {
		case seenBad != nil:
			if !reflect.DeepEqual(err2, seenBad) {
				t.Fatalf("%d bytes: %v, after %v for fewer", i, err2, seenBad)
			}
		case err2 == httpmini.ErrMore:
			if err == nil && i >= n {
				t.Fatalf("%d bytes ask for more, though the head has %d", i, n)
			}
		case err2 == nil:
			if err != nil || n2 != n || i < n {
				t.Fatalf("%d bytes are done with %d; all of them: %d, %v", i, n2, n, err)
			}
		case !reflect.DeepEqual(err2, err):
			t.Fatalf("%d bytes are bad: %v; all of them: %v", i, err2, err)
		default:
			seenBad = err2
		}
	}
}
