package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// question is what a client has to remember of a request to read its answer.
type question struct {
	head    bool // HEAD: the answer has no content
	old     bool // HTTP/1.0
	expects bool // it has content and asked for 100-continue
}

// response is an answer as it came.
type response struct {
	raw    string // status line and fields, with all line ends
	status int
	fields [][2]string
	body   string
	at     time.Time // when it was read
}

func (r *response) all(name string) (values []string) {
	for _, f := range r.fields {
		if strings.EqualFold(f[0], name) {
			values = append(values, f[1])
		}
	}
	return values
}

func (r *response) has(name string) bool { return len(r.all(name)) > 0 }

// get is the value of a field, "" without it.
func (r *response) get(name string) string { return strings.Join(r.all(name), ", ") }

// closes reports whether the server is going to close, by what it says.
func (r *response) closes() bool { return slices.Contains(list(r.get("Connection")), "close") }

// list is the elements of a comma-separated list.
func list(value string) (elements []string) {
	if value == "" {
		return nil
	}
	for e := range strings.SplitSeq(value, ",") {
		elements = append(elements, strings.Trim(e, " \t"))
	}
	return elements
}

const maxHead = 64 << 10

// readResponse reads one response, and nothing that lies behind it. It is io.EOF
// if the connection ends before. It is only as strict as it needs to be: the rest
// is for the laws.
func readResponse(in *bufio.Reader, q question) (*response, error) {
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := in.ReadString('\n')
		head.WriteString(line)
		switch {
		case err == io.EOF && head.Len() == 0:
			return nil, io.EOF
		case err != nil:
			return nil, fmt.Errorf("after %q: %w", head.String(), err)
		case head.Len() > maxHead:
			return nil, fmt.Errorf("a head of more than %d bytes: %.200q", maxHead, head.String())
		}
	}
	r := &response{raw: head.String(), at: time.Now()}
	lines := strings.Split(strings.TrimSuffix(r.raw, "\r\n\r\n"), "\r\n")
	if _, err := fmt.Sscanf(lines[0], "HTTP/1.1 %3d ", &r.status); err != nil {
		return nil, fmt.Errorf("status line %q: %w", lines[0], err)
	}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("field line %q", line)
		}
		r.fields = append(r.fields, [2]string{name, strings.Trim(value, " \t")})
	}
	if q.head || r.status < 200 || r.status == 204 || r.status == 304 {
		return r, nil
	}
	length, err := strconv.Atoi(r.get("Content-Length"))
	if err != nil {
		return nil, fmt.Errorf("no Content-Length to read the content by: %q", r.raw)
	}
	content := make([]byte, length)
	if n, err := io.ReadFull(in, content); err != nil {
		return nil, fmt.Errorf("%d bytes of content, not %d: %w", n, length, err)
	}
	r.body = string(content)
	return r, nil
}

// A law holds for each response of each test. The name is that of the test that
// applies it to responses of all kinds.
type law struct {
	name string
	kept func(q question, r *response) error
}

var (
	statusLine   = regexp.MustCompile(`^HTTP/1\.1 [1-5]\d\d [ \x21-\x7e]*\r\n`)
	fieldLines   = regexp.MustCompile("^[^\r]*\r\n([!#$%&'*+.^_`|~0-9A-Za-z-]+:( [\x21-\x7e]+([ \t]+[\x21-\x7e]+)*)?\r\n)*\r\n$")
	number       = regexp.MustCompile(`^\d+$`)
	entityTag    = regexp.MustCompile(`^(W/)?"[\x21\x23-\x5b\x5d-\x7e]*"$`) // and no backslash: RFC 9110 section 8.8.3
	methods      = regexp.MustCompile(`^([A-Z]+(, [A-Z]+)*)?$`)
	localPath    = regexp.MustCompile("^/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})([/?A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*$")
	product      = regexp.MustCompile(`^[a-z0-9]{1,20}(/\d+(\.\d+){0,2})?$`)
	fieldNames   = regexp.MustCompile(`^[A-Za-z-]+(, [A-Za-z-]+)*$`)
	unsatisfied  = regexp.MustCompile(`^bytes \*/\d+$`)
	listOfTokens = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+(, [!#$%&'*+.^_`|~0-9A-Za-z-]+)*$")
)

var laws = []law{
	{"9112 2.2 CR and LF only end lines", func(_ question, r *response) error {
		ends := strings.Count(r.raw, "\r\n")
		return holds(ends == strings.Count(r.raw, "\r") && ends == strings.Count(r.raw, "\n"))
	}},
	{"9112 4 status line", func(_ question, r *response) error {
		return match(statusLine, r.raw)
	}},
	{"9112 5 field lines", func(_ question, r *response) error {
		return match(fieldLines, r.raw)
	}},
	{"9112 6.1 no Transfer-Encoding", func(_ question, r *response) error {
		return holds(!r.has("Transfer-Encoding") && !r.has("Trailer"))
	}},
	{"9112 9.6 close is said", func(q question, r *response) error { // that it is done, say tests
		switch {
		case r.status < 200:
			return holds(!r.has("Connection"))
		case q.old && !r.closes():
			return holds(r.get("Connection") == "keep-alive")
		}
		return nil
	}},
	{"9110 5.3 no field twice", func(_ question, r *response) error {
		for _, f := range r.fields {
			if n := len(r.all(f[0])); n > 1 {
				return fmt.Errorf("%s comes %d times", f[0], n)
			}
		}
		return nil
	}},
	{"9110 5.6.1.1 no empty list elements", func(_ question, r *response) error {
		for _, name := range []string{"Connection", "Vary", "Accept-Ranges", "Upgrade"} {
			if r.has(name) && !listOfTokens.MatchString(r.get(name)) {
				return fmt.Errorf("%s: %s", name, r.get(name))
			}
		}
		return nil
	}},
	{"9110 5.6.7 dates are IMF-fixdate", func(_ question, r *response) error {
		for _, name := range []string{"Date", "Last-Modified", "Expires"} {
			if r.has(name) && date(r.get(name)).Format(imfFormat) != r.get(name) {
				return fmt.Errorf("%s: %s", name, r.get(name))
			}
		}
		return nil
	}},
	{"9110 6.6.1 Date", func(_ question, r *response) error {
		if !r.has("Date") {
			return holds(r.status < 200 || r.status >= 500)
		}
		off := r.at.Sub(date(r.get("Date")))
		if off < -time.Second || off > patience { // other programs may slow the reading down
			return fmt.Errorf("Date is off by %v", off)
		}
		return nil
	}},
	{"9110 7.6.1 Connection names nothing end-to-end", func(_ question, r *response) error {
		for _, option := range list(r.get("Connection")) {
			if option != "close" && option != "keep-alive" {
				return fmt.Errorf("Connection: %s", option)
			}
		}
		return holds(!r.has("Keep-Alive") && !r.has("Upgrade") && !r.has("TE") && !r.has("Proxy-Connection") && !r.has("Close"))
	}},
	{"9110 8.3 Content-Type of all content", func(_ question, r *response) error {
		if !r.has("Content-Type") {
			return holds(r.body == "" || r.status == 206) // to If-Range: section 15.3.7
		}
		_, _, err := mime.ParseMediaType(r.get("Content-Type"))
		return err
	}},
	{"9110 8.4 no Content-Encoding", func(_ question, r *response) error {
		return holds(!r.has("Content-Encoding"))
	}},
	{"9110 8.6 Content-Length", func(_ question, r *response) error {
		if r.has("Content-Length") && r.status >= 200 && r.status != 204 {
			return match(number, r.get("Content-Length"))
		}
		return holds(!r.has("Content-Length") && (r.status < 200 || r.status == 204 || r.status == 304))
	}},
	{"9110 8.8.2.1 Last-Modified is not after Date", func(_ question, r *response) error {
		return holds(!r.has("Last-Modified") || !date(r.get("Last-Modified")).After(date(r.get("Date"))))
	}},
	{"9110 8.8.3 entity-tags", func(_ question, r *response) error {
		return matchIfThere(entityTag, r, "ETag")
	}},
	{"9110 10.2.1 Allow", func(_ question, r *response) error {
		if r.status == 405 && !r.has("Allow") {
			return errors.New("a 405 without")
		}
		return matchIfThere(methods, r, "Allow")
	}},
	{"9110 10.2.2 Location", func(_ question, r *response) error {
		if r.status/100 == 3 && r.status != 304 && !r.has("Location") {
			return errors.New("a redirection without")
		}
		return matchIfThere(localPath, r, "Location")
	}},
	{"9110 10.2.3 Retry-After", func(_ question, r *response) error {
		return matchIfThere(number, r, "Retry-After")
	}},
	{"9110 10.2.4 Server says little", func(_ question, r *response) error {
		return matchIfThere(product, r, "Server")
	}},
	{"9110 12.5.5 Vary names fields", func(_ question, r *response) error {
		return matchIfThere(fieldNames, r, "Vary")
	}},
	{"9110 14.4 Content-Range", func(q question, r *response) error {
		switch {
		case r.status == 416:
			return match(unsatisfied, r.get("Content-Range"))
		case r.status == 206 && !strings.HasPrefix(r.get("Content-Type"), "multipart/"):
			return goodRange(r.get("Content-Range"), len(r.body))
		}
		return holds(!r.has("Content-Range"))
	}},
	{"9110 15.2 no 1xx that was not asked for", func(q question, r *response) error {
		return holds(r.status >= 200 || r.status == 100 && q.expects && !q.old)
	}},
	{"9110 15.4.5 304 without metadata", func(_ question, r *response) error {
		if r.status != 304 {
			return nil
		}
		return holds(!r.has("Last-Modified") && !r.has("Content-Type"))
	}},
	{"9110 15.5 errors explain themselves", func(q question, r *response) error {
		return holds(r.status < 400 || q.head || len(r.body) > len("400 Bad Request\n"))
	}},
}

// check applies all laws.
func check(q question, r *response) error {
	for _, l := range laws {
		if err := l.kept(q, r); err != nil {
			return fmt.Errorf("law %q: %w: %q", l.name, err, r.raw)
		}
	}
	return nil
}

func holds(ok bool) error {
	if !ok {
		return errors.New("is broken")
	}
	return nil
}

func match(pattern *regexp.Regexp, text string) error {
	if !pattern.MatchString(text) {
		return fmt.Errorf("%q does not match %s", text, pattern)
	}
	return nil
}

func matchIfThere(pattern *regexp.Regexp, r *response, name string) error {
	if !r.has(name) {
		return nil
	}
	return match(pattern, r.get(name))
}

// goodRange checks the Content-Range of so many bytes.
func goodRange(value string, n int) error {
	var first, last, size int
	if _, err := fmt.Sscanf(value, "bytes %d-%d/%d", &first, &last, &size); err != nil {
		return fmt.Errorf("Content-Range %q: %w", value, err)
	}
	if first < 0 || last-first+1 != n || last >= size || value != fmt.Sprintf("bytes %d-%d/%d", first, last, size) {
		return fmt.Errorf("Content-Range %q of %d bytes", value, n)
	}
	return nil
}

// date is the zero time if the value is no IMF-fixdate.
func date(value string) time.Time {
	t, _ := time.Parse(imfFormat, value)
	return t
}
