package page

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	"fd3/httpmini"
)

// Fault is why a request is not answered as its client wished.
type Fault struct {
	Status int    // of the answer
	Why    string // a sentence, perhaps without a capital and a full stop, as in BadError.Why
	Hint   string // a remedy for the client; may be empty

	// Bytes of the request as far as they were read, and the Offset of the one
	// that shows the fault; len(Bytes) where something is missing. The page draws
	// a few around it, masked. Nil where the bytes are not to blame.
	Bytes  []byte
	Offset int
}

// Error returns the page of a fault that is not in the bytes. The content type is
// that of the body: HTML if html is true, else plain text.
func Error(status int, why, hint string, html bool) (contentType string, body []byte) {
	return Fault{Status: status, Why: why, Hint: hint}.Page(html)
}

// Moved returns the page of a redirect: few read it, but curl shows it to those who
// did not ask it to follow (RFC 9110 section 15.4). The location has to be a
// path, and is a field's value already, so it is percent-encoded.
func Moved(status int, location string, html bool) (contentType string, body []byte) {
	return faultView{Fault: Fault{Status: status}, Location: location}.page(html)
}

// Page returns the page that shows the fault, and its content type.
func (f Fault) Page(html bool) (contentType string, body []byte) {
	return faultView{Fault: f}.page(html)
}

// faultView holds the values of the templates error.html and error.txt.
type faultView struct {
	Fault
	Reason   string // the status in words
	Meaning  string // what a status like this says, "" for one that nobody explains
	Location string // of a redirect, else empty
	Excerpt  []line
	Masked   bool // secrets in the excerpt were masked
	End      bool // the fault is that the bytes end
}

// How many bytes of a request are drawn before the one that shows the fault, and
// how many from there on.
const (
	before = 64
	behind = 32
)

// meanings are the statuses in a sentence each, by code.
var meanings = sync.OnceValue(func() map[string]string { return words("status.words") })

func (v faultView) page(html bool) (contentType string, body []byte) {
	v.Why, v.Hint, v.Location = sentence(visible(v.Why)), sentence(visible(v.Hint)), visible(v.Location)
	v.Reason = httpmini.StatusText(v.Status)
	v.Meaning = meanings()[strconv.Itoa(v.Status)]
	if len(v.Bytes) > 0 && v.Offset >= 0 {
		v.excerpt()
	}
	return render("error", html, v)
}

// excerpt draws the line with the fault and the one before it, or the part of them
// that is near.
func (v *faultView) excerpt() {
	masked := mask(v.Bytes, nil)
	v.Offset = min(v.Offset, len(masked))
	from := 0
	if lf := bytes.LastIndexByte(masked[:v.Offset], '\n'); lf >= 0 {
		from = bytes.LastIndexByte(masked[:lf], '\n') + 1
	}
	from = max(from, v.Offset-before)
	to := len(masked)
	if lf := bytes.IndexByte(masked[v.Offset:], '\n'); lf >= 0 {
		to = v.Offset + lf + 1
	}
	to = min(to, v.Offset+behind)

	v.Masked = !bytes.Equal(masked[from:to], v.Bytes[from:to])
	v.Excerpt = cut(masked, []httpmini.Token{{Start: v.Offset, End: v.Offset + 1}}, nil, from, to)
	if v.End = v.Offset == len(masked); v.End {
		end := piece{Start: to, End: to}
		if n := len(v.Excerpt); n > 0 && masked[to-1] != '\n' {
			v.Excerpt[n-1].Pieces = append(v.Excerpt[n-1].Pieces, end)
		} else {
			v.Excerpt = append(v.Excerpt, line{Offset: to, Pieces: []piece{end}})
		}
	}
}

// sentence starts with a capital and ends with a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	if c := s[0]; 'a' <= c && c <= 'z' {
		s = string(c-'a'+'A') + s[1:]
	}
	if !strings.ContainsRune(".?:", rune(s[len(s)-1])) {
		s += "."
	}
	return s
}
