package httpmini_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"fd3/httpmini"
)

// head is a request of exactly size bytes.
func head(size int) string {
	b := "GET / HTTP/1.1\r\nHost: a\r\n"
	for len(b)+len("\r\n") < size {
		n := min(size-len(b)-len("\r\n"), 8000)
		if left := size - len(b) - len("\r\n") - n; left > 0 && left < 4 {
			n -= 4
		}
		b += "X:" + strings.Repeat("a", n-4) + "\r\n"
	}
	return b + "\r\n"
}

func TestMaxHead(t *testing.T) {
	var r httpmini.Request
	b := []byte(head(httpmini.MaxHead))
	if len(b) != httpmini.MaxHead {
		t.Fatalf("%d bytes, want %d", len(b), httpmini.MaxHead)
	}
	if n, err := r.Parse(append(b, "next"...), nil); n != len(b) || err != nil {
		t.Errorf("a head of MaxHead bytes: %d, %v", n, err)
	}
	if _, err := r.Parse(b[:len(b)-1], nil); err != httpmini.ErrMore {
		t.Errorf("a head of MaxHead bytes, but one: %v", err)
	}
	b = []byte(head(httpmini.MaxHead + 1))
	for _, b := range [][]byte{b[:len(b)-1], b} {
		var e *httpmini.BadError
		if _, err := r.Parse(b, nil); !errors.As(err, &e) || e.Status != 431 || e.Offset != httpmini.MaxHead {
			t.Errorf("%d bytes without an end: %v", len(b), err)
		}
	}
}

// What is exactly as long as its limit is let through.
func TestLimitsAreReached(t *testing.T) {
	const top = "GET / HTTP/1.1\r\nHost: a\r\n"
	for name, b := range map[string]string{
		"MaxMethod":    strings.Repeat("M", httpmini.MaxMethod) + " / HTTP/1.0\r\n\r\n",
		"MaxTarget":    "GET /" + strings.Repeat("a", httpmini.MaxTarget-1) + " HTTP/1.0\r\n\r\n",
		"MaxFieldLine": top + "X:" + strings.Repeat("a", httpmini.MaxFieldLine-2) + "\r\n\r\n",
		"MaxFields":    top + strings.Repeat("X:\r\n", httpmini.MaxFields-1) + "\r\n",
	} {
		var r httpmini.Request
		if n, err := r.Parse([]byte(b), nil); n != len(b) || err != nil {
			t.Errorf("%s: %d of %d, %v", name, n, len(b), err)
		}
	}
	var r httpmini.Response
	b := "HTTP/1.1 200 " + strings.Repeat("a", httpmini.MaxReason) + "\r\n\r\n"
	if n, err := r.Parse([]byte(b), nil); n != len(b) || err != nil {
		t.Errorf("MaxReason: %d of %d, %v", n, len(b), err)
	}
}

// A "%" that reaches over the limit gets one answer, however many bytes came.
func TestMaxTargetWithEscape(t *testing.T) {
	for _, tail := range []string{"%20 HTTP/1.1\r\n", "a%20", "a%zz", "a%2g", "aa%20", "aa%2g", "%2", "%"} {
		b := []byte("GET /" + strings.Repeat("a", httpmini.MaxTarget-3) + tail)
		var r httpmini.Request
		var first error
		for i := range len(b) + 1 {
			_, err := r.Parse(b[:i], nil)
			if first != nil && !reflect.DeepEqual(err, first) {
				t.Fatalf("%q: %v, then %v", tail, first, err)
			}
			if err != httpmini.ErrMore {
				first = err
			}
		}
	}
}
