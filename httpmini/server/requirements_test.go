package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A rule is a requirement, or a few that one test shows, by its RFC and section.
// REQUIREMENTS.md has the requirements, each with the name of its rule.
type rule struct {
	name   string
	config Config // Timeouts and limits; Loop and Root are filled in
	visit  bool   // no Root: the visitor's page is served
	talks  []talk
	waits  bool                          // it takes time and no work; its talks are had once
	run    func(t *testing.T, s *served) // what takes more than talks
	unix   bool                          // run has its server on a Unix socket
}

func rules() (all []rule) {
	all = slices.Concat(messages, bodies, connections, semantics, methodRules, conditions, ranges)
	for _, l := range laws {
		all = append(all, rule{name: l.name, run: func(t *testing.T, s *served) { tour(t, s, l) }})
	}
	return all
}

// TestRequirements serves by each rule on each loop.
func TestRequirements(t *testing.T) {
	dir := documents(t)
	before := runtime.GOMAXPROCS(32) // threads that come back from the kernel find a place at once
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	busy := make(chan struct{}, 4*runtime.NumCPU())
	var all sync.WaitGroup
	for _, r := range rules() {
		all.Go(func() { // not by t.Parallel, which counts those that only wait
			if !r.waits {
				busy <- struct{}{}
				defer func() { <-busy }()
			}
			t.Run(r.name, func(t *testing.T) {
				var three sync.WaitGroup
				for number, loop := range loops {
					one := func() { t.Run(string(loop), func(t *testing.T) { r.test(t, dir, loop, number) }) }
					if r.waits {
						three.Go(one)
					} else {
						one()
					}
				}
				three.Wait()
			})
		})
	}
	all.Wait()
}

func (r rule) test(t *testing.T, dir string, loop Loop, number int) {
	c := r.config
	c.Loop = loop
	if !r.visit {
		c.Root = root(t, dir)
	}
	if r.run != nil {
		if r.unix {
			r.run(t, serveUnix(t, dir, c))
		} else {
			r.run(t, serve(t, dir, c))
		}
		return
	}
	onTCP, onUnix := serve(t, dir, c), serveUnix(t, dir, c)
	for _, k := range r.talks {
		k = k.withTag(func() string { return strongTag(t, onTCP) })
		k.have(t, onTCP, "at once", k.send)
		if r.waits || k.once {
			continue
		}
		k.have(t, onUnix, "byte by byte", cut(k.send)...)
		if k.then == closes || len(k.send) > 120 {
			continue
		}
		for i := 1 + number; i < len(k.send); i += len(loops) { // each split on one of the loops
			k.have(t, onUnix, "in two pieces", k.send[:i], k.send[i:])
		}
	}
}

// A talk is what a client sends on one connection and what has to come back.
type talk struct {
	send string // requests, or what is none
	half bool   // shutdown(2) follows the last byte: the client has finished sending
	want []want
	then then
	once bool // it tells nothing new in pieces
}

// then is what becomes of the connection after the last answer.
type then int

const (
	stays  then = iota // the next request is answered
	closes             // the server says so and closes; nothing else is answered
	either             // it does what it says, perhaps before the last answer
)

// want is an answer that has to come.
type want struct {
	question
	status []int
	body   *string
	has    []string // "Name: value", or a name alone
	lacks  []string // names
	that   func(r *response) error
}

// ask has requests answered by these, and the connection stay.
func ask(send string, wants ...want) talk { return talk{send: send, want: wants} }

func (k talk) closing() talk    { k.then = closes; return k }
func (k talk) perhaps() talk    { k.then = either; return k }
func (k talk) atOnce() talk     { k.once = true; return k }
func (k talk) halfClosed() talk { k.half, k.then = true, closes; return k }

// refused has each of these answered with the status, and the connection closed
// whatever comes after it.
func refused(status int, sends ...string) (talks []talk) {
	for _, s := range sends {
		w := is(status)
		w.head = strings.HasPrefix(s, "HEAD ")
		talks = append(talks, ask(s, w).closing(), ask(s+get("/hello.txt"), w).closing().atOnce())
	}
	return talks
}

// answered has each of these answered alike, and the connection stay.
func answered(w want, sends ...string) (talks []talk) {
	for _, s := range sends {
		talks = append(talks, ask(s, w))
	}
	return talks
}

// followed has each of these answered alike, and the request that is behind it too.
func followed(w want, sends ...string) (talks []talk) {
	for _, s := range sends {
		talks = append(talks, ask(s+get("/kilo.bin"), w, gives(kilo)))
	}
	return talks
}

func is(status ...int) want               { return want{status: status} }
func gives(body string) want              { return want{status: []int{200}, body: &body} }
func (w want) to10() want                 { w.old = true; return w }
func (w want) toHEAD() want               { w.head = true; return w }
func (w want) with(fields ...string) want { w.has = append(slices.Clip(w.has), fields...); return w }
func (w want) without(names ...string) want {
	w.lacks = append(slices.Clip(w.lacks), names...)
	return w
}
func (w want) where(f func(*response) error) want { w.that = f; return w }

// get is a request for a path, with further field lines.
func get(path string, fields ...string) string { return request("GET "+path, fields...) }

// request is the head of a request in HTTP/1.1, with Host.
func request(methodAndTarget string, fields ...string) string {
	return head(methodAndTarget+" HTTP/1.1", append([]string{"Host: a"}, fields...)...)
}

// old is the head of a request in HTTP/1.0, without Host.
func old(methodAndTarget string, fields ...string) string {
	return head(methodAndTarget+" HTTP/1.0", fields...)
}

func head(requestLine string, fields ...string) string {
	return requestLine + "\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

// cut makes single bytes of it, or two hundred pieces.
func cut(send string) (pieces []string) {
	n := 1
	if len(send) > 400 {
		n = len(send)/200 + 1
	}
	for i := 0; i < len(send); i += n {
		pieces = append(pieces, send[i:min(i+n, len(send))])
	}
	return pieces
}

// withTag puts the entity-tag of /hello.txt where the talk says $etag.
func (k talk) withTag(tag func() string) talk {
	if strings.Contains(k.send, "$etag") {
		k.send = strings.ReplaceAll(k.send, "$etag", tag())
	}
	k.want = slices.Clone(k.want)
	for i := range k.want {
		k.want[i].has = slices.Clone(k.want[i].has)
		for j, f := range k.want[i].has {
			if strings.Contains(f, "$etag") {
				k.want[i].has[j] = strings.ReplaceAll(f, "$etag", tag())
			}
		}
	}
	return k
}

// have has the talk on a new connection.
func (k talk) have(t *testing.T, s *served, how string, pieces ...string) {
	t.Helper()
	w, err := connect(s.addr)
	if err == nil {
		err = k.over(w, pieces)
		w.Close()
	}
	if err != nil {
		t.Fatalf("%s (%d pieces): %.300q\n%v", how, len(pieces), k.send, err)
	}
}

func (k talk) over(w *wire, pieces []string) error {
	sent := deliver(w, pieces, k.half)
	in := bufio.NewReader(w)
	last, err := k.answers(in)
	switch {
	case err != nil:
		return errors.Join(err, sent)
	case last == nil || last.closes() || k.half: // not all could be sent perhaps, but all answers have come
	case sent != nil:
		return sent
	default:
		if err := probe(w, in); err != nil {
			return err
		}
	}
	return ended(in)
}

// deliver sends the pieces, the next when the server has read the one before.
func deliver(w *wire, pieces []string, half bool) error {
	for _, p := range pieces {
		if _, err := io.WriteString(w, p); err != nil {
			return err
		}
		if len(pieces) > 1 {
			if err := w.allRead(); err != nil {
				return err
			}
		}
	}
	if half {
		return w.closeWrite()
	}
	return nil
}

// answers reads the answers that have to come, and gives the last.
func (k talk) answers(in *bufio.Reader) (last *response, err error) {
	for i, w := range k.want {
		w.expects = strings.Contains(strings.ToLower(k.send), "100-continue")
		r, err := final(in, w.question)
		if err != nil {
			return nil, fmt.Errorf("answer %d: %w", i+1, err)
		}
		if err := w.fits(r); err != nil {
			return nil, fmt.Errorf("answer %d: %w: %q %.1000q", i+1, err, r.raw, r.body)
		}
		last = r
		if !r.closes() {
			continue
		}
		if k.then == either {
			break
		}
		if i+1 < len(k.want) {
			return nil, fmt.Errorf("answer %d closes, and %d should follow", i+1, len(k.want)-i-1)
		}
	}
	switch {
	case last != nil && last.closes() && k.then == stays:
		return nil, fmt.Errorf("it closes: %q", last.raw)
	case last != nil && !last.closes() && k.then == closes:
		return nil, fmt.Errorf("it does not close: %q", last.raw)
	}
	return last, nil
}

// final reads a final response that keeps the laws, and one interim response
// before it if that was asked for.
func final(in *bufio.Reader, q question) (*response, error) {
	for interim := 0; ; interim++ {
		r, err := readResponse(in, q)
		if err != nil {
			return nil, err
		}
		if err := check(q, r); err != nil {
			return nil, err
		}
		if r.status >= 200 {
			return r, nil
		}
		if interim > 0 {
			return nil, fmt.Errorf("a second interim response: %q", r.raw)
		}
	}
}

func (w want) fits(r *response) error {
	if !slices.Contains(w.status, r.status) {
		return fmt.Errorf("status %d, not %v", r.status, w.status)
	}
	if w.body != nil && r.body != *w.body && !w.head {
		return fmt.Errorf("%d bytes of content, not the %d of %.100q", len(r.body), len(*w.body), *w.body)
	}
	for _, f := range w.has {
		name, value, given := strings.Cut(f, ": ")
		if !r.has(name) || given && r.get(name) != value {
			return fmt.Errorf("no %s", f)
		}
	}
	for _, name := range w.lacks {
		if r.has(name) {
			return fmt.Errorf("%s: %s", name, r.get(name))
		}
	}
	if w.that != nil {
		return w.that(r)
	}
	return nil
}

// probe asks for one more page and for the end of the connection.
func probe(c io.Writer, in *bufio.Reader) error {
	if _, err := io.WriteString(c, get("/", "Connection: close")); err != nil {
		return err
	}
	r, err := final(in, question{})
	if err != nil {
		return fmt.Errorf("afterwards: %w", err)
	}
	if r.status != 200 || !r.closes() {
		return fmt.Errorf("afterwards: %q", r.raw)
	}
	return nil
}

// ended sees that the connection is over, in an orderly way.
func ended(in *bufio.Reader) error {
	b, err := in.ReadByte()
	switch {
	case err == io.EOF:
		return nil
	case err == nil:
		rest, _ := in.Peek(in.Buffered())
		return fmt.Errorf("more comes after the last answer: %.200q", string(b)+string(rest))
	}
	return fmt.Errorf("instead of the end of the connection: %w", err)
}

// one asks for one thing on a connection of its own.
func one(t *testing.T, s *served, send string) *response {
	t.Helper()
	c := s.dial(t)
	defer c.Close()
	if _, err := io.WriteString(c, send); err != nil {
		t.Fatal(err)
	}
	r, err := final(bufio.NewReader(c), question{head: strings.HasPrefix(send, "HEAD ")})
	if err != nil {
		t.Fatalf("%.300q: %v", send, err)
	}
	return r
}

// strongTag is the entity-tag of /hello.txt. For as long as the file is new it is
// a weak one: RFC 9110 section 8.8.1.
func strongTag(t *testing.T, s *served) string {
	t.Helper()
	strongTags.Lock()
	defer strongTags.Unlock()
	tag := strongTags.of[s.dir]
	for end := time.Now().Add(patience); tag == ""; time.Sleep(50 * time.Millisecond) {
		tag = one(t, s, get("/hello.txt", "Connection: close")).get("ETag")
		if time.Now().After(end) {
			t.Fatalf("ETag: %s after %v", tag, patience)
		}
		tag = strings.TrimPrefix(tag, "W/"+strings.TrimPrefix(tag, "W/"))
	}
	strongTags.of[s.dir] = tag
	return tag
}

var strongTags = struct {
	sync.Mutex
	of map[string]string // by directory
}{of: map[string]string{}}

// sights are requests that together draw answers of all kinds.
var sights = []talk{
	ask(get("/hello.txt"), is(200)),
	ask(get("/empty.txt"), is(200)),
	ask(get("/large.bin"), is(200)),
	ask(get("/future.txt"), is(200)),
	ask(get("/data.gz"), is(200)),
	ask(get("/noext"), is(200)),
	ask(get("/"), is(200)),
	ask(get("/dir?a=b"), is(301)),
	ask(get("/hello.txt", "Range: bytes=1-2"), is(206)),
	ask(get("/hello.txt", "Range: bytes=1-2,4-5"), is(206)),
	ask(get("/hello.txt", "If-None-Match: *"), is(304)),
	ask(get("/hello.txt", "If-Match: \"x\""), is(412)),
	ask(get("/hello.txt", "Range: bytes=99-"), is(416)),
	ask(get("/none"), is(404)),
	ask(get("/none", "Accept: text/html"), is(404)),
	ask(get("/bare/"), is(403)),
	ask(request("HEAD /hello.txt"), is(200).toHEAD()),
	ask(request("HEAD /none"), is(404).toHEAD()),
	ask(request("OPTIONS /hello.txt"), is(204)),
	ask(request("POST /hello.txt", "Content-Length: 3")+"abc", is(405)),
	ask(request("BREW /hello.txt"), is(501)),
	ask(old("GET /hello.txt"), is(200).to10()),
	ask(old("GET /hello.txt", "Connection: keep-alive"), is(200).to10()),
	ask(get("/hello.txt", "Connection: close"), is(200)),
	ask(get("/hello.txt", "Expect: 100-continue", "Content-Length: 3")+"abc", is(200)),
	ask(get("/hello.txt", "Expect: more"), is(417)),
	ask("nonsense\r\n\r\n", is(400)),
	ask("GET / HTTP/2.0\r\n\r\n", is(505)),
	ask(request("GET /"+strings.Repeat("a", 9000)), is(414)),
	ask(get("/", "A: "+strings.Repeat("a", 60000)), is(431)),
	ask(request("POST /", "Content-Length: 99999999"), is(413)),
	ask(request("GET https://a/"), is(421)),
}

// tour applies one law to answers of all kinds.
func tour(t *testing.T, s *served, l law) {
	for _, k := range sights {
		c := s.dial(t)
		w := k.want[0]
		w.expects = strings.Contains(k.send, "100-continue")
		go io.WriteString(c, k.send)
		in := bufio.NewReader(c)
		for {
			r, err := readResponse(in, w.question)
			if err != nil {
				t.Fatalf("%.300q: %v", k.send, err)
			}
			if err := l.kept(w.question, r); err != nil {
				t.Errorf("%.300q: %v: %q", k.send, err, r.raw)
			}
			if r.status < 200 {
				continue
			}
			if !slices.Contains(w.status, r.status) {
				t.Errorf("%.300q: status %d, not %v", k.send, r.status, w.status)
			}
			break
		}
		c.Close()
	}
}

// TestRequirementsAreTested holds REQUIREMENTS.md and the rules together: each
// requirement has a test or says why not, and each test has its requirement. For
// a MUST there is no "why not", only "does not apply".
func TestRequirementsAreTested(t *testing.T) {
	text, err := os.ReadFile("REQUIREMENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]int{}
	for _, r := range rules() {
		if there[r.name]++; there[r.name] > 1 {
			t.Errorf("two tests are called %q", r.name)
		}
	}
	named := map[string]bool{}
	quoted := regexp.MustCompile("`(91(?:10|12) [^`]+)`")
	rows := 0
	for n, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, " | ")
		if !regexp.MustCompile(`^\| \d`).MatchString(line) {
			continue
		}
		rows++
		if len(cells) != 4 {
			t.Errorf("line %d has %d cells, not 4: %s", n+1, len(cells), line)
			continue
		}
		level, by := cells[1], strings.TrimSuffix(cells[3], " |")
		if !slices.Contains([]string{"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "ought"}, level) {
			t.Errorf("line %d: level %q", n+1, level)
		}
		tests := quoted.FindAllStringSubmatch(by, -1)
		for _, m := range tests {
			named[m[1]] = true
			if there[m[1]] == 0 {
				t.Errorf("line %d: no test is called %q", n+1, m[1])
			}
		}
		switch {
		case len(tests) > 0 || strings.HasPrefix(by, "does not apply: "):
		case strings.HasPrefix(by, "not followed: ") && !strings.HasPrefix(level, "MUST"):
		case strings.HasPrefix(by, "not taken: ") && level == "MAY":
		default:
			t.Errorf("line %d: neither a test nor a reason: %s", n+1, line)
		}
	}
	for name := range there {
		if !named[name] {
			t.Errorf("no requirement names the test %q", name)
		}
	}
	if rows < 100 {
		t.Errorf("%d requirements", rows)
	}
}
