package server

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/httpmini/page"
	"fd3/httpmini/server/docroot"
	"fd3/sockets"
)

// turnedAway is how many connections above MaxConnections get their 503 at a
// time.
const turnedAway = 16

// An answer is what the server says to a request.
type answer struct {
	status    int
	mediaType string
	fields    []httpmini.FieldLine
	body      []byte
	state     httpmini.Validators
	file      *docroot.File // sent from off, length bytes of it
	off       int64
	length    int64
	parts     []part
	list      *listing // to be made while it is sent
	close     bool     // no request is read after it
	why       string   // for the narration
}

// request has a whole head. rest is what came behind it.
func (w *worker) request(c *conn, head, rest []byte) {
	r := &w.req
	c.phase = idle
	if r.ContentLength == 0 {
		w.answer(c, rest)
		return
	}
	switch expects100, ok := r.Expects(); {
	case !ok:
		w.answerEarly(c) // with a 417
		return
	case r.ContentLength > w.config.MaxBody:
		w.tooLarge(c)
		return
	case expects100 && len(rest) == 0:
		if !w.readsContent(r) {
			w.answerEarly(c)
			return
		}
		w.out = append(w.out, "HTTP/1.1 100 Continue\r\n\r\n"...)
	}
	m := c.seldom()
	m.content = r.Content()
	m.head = append(m.head[:0], head...)
	m.request.Parse(m.head, nil) // as before, but in bytes that stay
	m.size, m.received = 0, progress{since: w.now}
	m.mask = page.Masker{}
	m.mask.Content()
	m.mask.Append(nil, rest)
	c.phase = inBody
}

// answer answers the request in w.req, which is whole, and goes on with the
// connection if both sides want to. rest is what came behind it.
func (w *worker) answer(c *conn, rest []byte) {
	r := &w.req
	if w.plainFile(c, r, rest) {
		return
	}
	defer w.visited(c, rest)
	a := w.choose(c, r, rest)
	if !r.KeepAlive {
		a.close = true
		c.lingers = len(rest) > 0 // it said that nothing follows: RFC 9112 section 9.6
	} else if a.close || w.server.drains.Load() {
		a.close, c.lingers = true, true
	}
	w.reply(c, r, a)
}

// answerEarly answers a request whose content does not matter and has not been
// sent yet. Whether it still comes nobody knows, so the connection ends. RFC 9110
// section 10.1.1.
func (w *worker) answerEarly(c *conn) {
	a := w.choose(c, &w.req, nil)
	a.close, c.lingers = true, true
	w.reply(c, &w.req, a)
}

// dateAt is where the Date is in an answer that was composed before.
const dateAt = len("HTTP/1.1 200 OK\r\nDate: ")

// plainFile is the way of most requests: a small file, from memory. The answer was
// composed before; its date changes, and what it says of the connection.
func (w *worker) plainFile(c *conn, r *httpmini.Request, rest []byte) bool {
	if w.cache == nil || r.Conditional || r.Expect != nil || r.Minor == 0 || r.Form != httpmini.OriginForm || string(r.Method) != "GET" || w.foreign(r) {
		return false
	}
	e := w.fresh(r.Path)
	if e == nil || len(e.Answer) == 0 {
		return false
	}
	at := len(w.out)
	if r.KeepAlive && !w.server.drains.Load() {
		w.out = append(w.out, e.Answer...)
	} else {
		c.closing, c.lingers = true, r.KeepAlive || len(rest) > 0
		head := len(e.Answer) - len(e.Content) - len("\r\n")
		w.out = append(w.out, e.Answer[:head]...)
		w.out = append(w.out, "Connection: close\r\n"...)
		w.out = append(w.out, e.Answer[head:]...)
	}
	copy(w.out[at+dateAt:], w.date)
	w.answered(c, r, 200, int64(len(e.Content)), "")
	return true
}

// fresh is what the cache has for a path, and the disk too. Requests that one
// epoll_wait(2) has reported are often for the same: the disk is asked once for them.
func (w *worker) fresh(path []byte) *docroot.Entry {
	if w.last == nil || w.lastAt != w.now || string(path) != string(w.lastPath) {
		w.last, w.lastAt, w.lastPath = w.cache.Fresh(w.teller(), path, w.now), w.now, append(w.lastPath[:0], path...)
	}
	return w.last
}

// choose decides what to answer.
func (w *worker) choose(c *conn, r *httpmini.Request, rest []byte) answer {
	if _, ok := r.Expects(); !ok {
		a := w.fault(r, 417, "Expect names something else than 100-continue, and nothing else is known here (RFC 9110 section 10.1.1)")
		a.close = true
		return a
	}
	if r.Form == httpmini.AbsoluteForm && !r.HasScheme("http") {
		return w.fault(r, 421, "the target's scheme is not http, and this connection is plain HTTP (RFC 9110 section 7.4)")
	}
	if w.foreign(r) {
		return w.fault(r, 421, "the request is for another host than this machine, which may be a page of somebody's that wants to read what is here (DNS rebinding): ask for localhost or an IP address")
	}
	method := string(r.Method) // does not escape, so nothing is allocated
	switch method {
	case "GET", "HEAD":
	case "OPTIONS":
		return answer{status: 204, fields: w.allow(r)}
	default:
		if w.readsContent(r) {
			break
		}
		if !httpmini.Registered(r.Method) {
			return w.fault(r, 501, "this method is unknown here: "+w.methods(r)+" are known (RFC 9110 section 9.1)")
		}
		what := "files are read here and not changed: "
		if w.root == nil {
			what = "there is one page here, to be read and not changed: "
		}
		a := w.fault(r, 405, what+w.methods(r)+" are allowed (RFC 9110 section 15.5.6)")
		a.fields = append(a.fields, w.allow(r)...)
		a.close = method == "CONNECT" // what follows may be meant for a tunnel
		return a
	}
	var a answer
	if w.root == nil {
		a = w.visitPage(c, r, rest)
	} else {
		a = w.files(r)
	}
	if r.Conditional && a.status == 200 {
		return w.onCondition(r, a)
	}
	return a
}

// onCondition answers where a would be the answer to the request without its
// conditions and ranges, which count only with a 200: RFC 9110 sections 13.2.1 and
// 14.2. What is made here has no state to tell apart, and no ranges.
func (w *worker) onCondition(r *httpmini.Request, a answer) answer {
	status := r.Precondition(a.state)
	if status == 0 && a.state.ETag != "" {
		w.ranges, status = r.Ranges(a.length, a.state, w.wall, w.ranges[:0])
	}
	switch status {
	case 206:
		return w.partial(r, a)
	case 304:
		a.drop()
		return answer{status: 304, fields: essential(a.fields)}
	case 412:
		a.drop()
		return w.fault(r, 412, "what is here is not in the state that the request wants (RFC 9110 section 13.1)")
	case 416:
		a.drop()
		return w.unsatisfied(r, a.length)
	}
	return a
}

// drop gives up an answer that is not sent.
func (a answer) drop() {
	if a.file != nil {
		a.file.Close()
	}
	if a.list != nil {
		a.list.names.Close(nil)
	}
}

// readsContent reports whether the answer depends on the content: the visitor's page
// shows it.
func (w *worker) readsContent(r *httpmini.Request) bool {
	return w.root == nil && string(r.Method) == "POST" && string(r.Path) == "/"
}

// methods are those that the target has.
func (w *worker) methods(r *httpmini.Request) string {
	if w.root == nil && (string(r.Path) == "/" || r.Form == httpmini.AsteriskForm) {
		return "GET, HEAD, OPTIONS, POST"
	}
	return "GET, HEAD, OPTIONS"
}

func (w *worker) allow(r *httpmini.Request) []httpmini.FieldLine {
	return []httpmini.FieldLine{{Name: "Allow", Value: w.methods(r)}}
}

// reply composes the answer behind those that wait in w.out, and counts it.
func (w *worker) reply(c *conn, r *httpmini.Request, a answer) {
	m := httpmini.Message{
		Status: a.status, Date: w.wall, ContentType: a.mediaType, Body: a.body, Length: a.length,
		Head: string(r.Method) == "HEAD", Fields: a.fields, Chunked: a.list != nil && a.list.chunked,
	}
	switch {
	case a.close:
		c.closing = true
		m.Connection = "close"
	case r.Minor == 0:
		m.Connection = "keep-alive"
	}
	w.out = httpmini.AppendResponse(w.out, m)
	length := int64(len(a.body))
	if length == 0 {
		length = a.length
	}
	if m.Head || a.status == 304 || a.status == 204 {
		length = 0
	}
	if a.file != nil {
		if length > 0 {
			m := c.seldom()
			m.file, m.off, m.end, m.next = a.file, a.off, a.off+a.length, a.parts
			if a.parts != nil {
				m.end = m.off // all of it is in the parts
			}
		} else {
			a.file.Close()
		}
	}
	switch {
	case a.list == nil:
		w.answered(c, r, a.status, length, a.why)
	case m.Head:
		a.list.names.Close(w.teller())
		w.answered(c, r, a.status, 0, a.why)
	default:
		a.list.request, a.list.status = w.requestLine(r), a.status
		c.seldom().list = a.list
	}
}

// recall has w.req, which all connections share, say again what is known of this
// one's request.
func (w *worker) recall(c *conn) {
	if c.phase == inBody {
		w.req, c.rare.request = c.rare.request, httpmini.Request{} // which holds on to nothing then
		return
	}
	w.req.Parse(c.rest, nil) // a part of a head leaves what was understood
}

// refuse answers bytes that are no request, or not a whole one. Nobody knows where
// the next request would begin, so it is the last answer.
func (w *worker) refuse(c *conn, in []byte, bad *httpmini.BadError) {
	r := &w.req
	if c.phase == inBody && c.rare.content.InTrailer() {
		in = nil // a secret may have begun before these bytes
	}
	kind, body := page.Fault{Status: bad.Status, Why: bad.Why, Bytes: in, Offset: bad.Offset}.Page(r.PrefersHTML(false))
	a := answer{status: bad.Status, mediaType: kind, body: body, fields: w.errorFields(), close: true, why: bad.Why}
	c.lingers = true
	if c.phase != inBody {
		w.line = firstLine(in)
		defer func() { w.line = nil }()
	}
	w.reply(c, r, a)
	w.dropContent(c)
}

// firstLine is the first line with anything in it, with what may be a secret masked.
func firstLine(b []byte) []byte {
	line, _, _ := bytes.Cut(bytes.TrimLeft(b, "\r\n"), []byte{'\n'})
	var m page.Masker
	return m.Append(nil, bytes.TrimRight(line, "\r"))
}

// fault is an error page for a request that was understood.
func (w *worker) fault(r *httpmini.Request, status int, why string) answer {
	kind, body := page.Error(status, why, "", r.PrefersHTML(false))
	a := answer{status: status, mediaType: kind, body: body, fields: w.errorFields(), why: why}
	if status == 503 {
		a.fields = append(a.fields, httpmini.FieldLine{Name: "Retry-After", Value: "1"})
	}
	return a
}

// errorFields are those of the pages that are made here. Which form a page has
// depends on Accept (RFC 9110 section 12.5.5).
func (w *worker) errorFields() []httpmini.FieldLine {
	return append(page.Fields(), httpmini.FieldLine{Name: "Vary", Value: "Accept"})
}

func (w *worker) tooLarge(c *conn) {
	a := w.fault(&w.req, 413, "the content is longer than "+strconv.FormatInt(w.config.MaxBody, 10)+" bytes, which is all that is read here (RFC 9110 section 15.5.14)")
	a.close, c.lingers = true, true
	w.reply(c, &w.req, a)
	w.dropContent(c)
}

func (w *worker) dropContent(c *conn) {
	if c.phase == inBody {
		c.phase = idle
	}
}

// turnAway answers a connection for which there is no room.
func (w *worker) turnAway(c *conn) {
	w.recall(c)
	a := w.fault(&w.req, 503, "there are "+strconv.Itoa(w.config.MaxConnections)+" connections already, and that is the limit here (RFC 9110 section 15.6.4)")
	a.close, c.lingers = true, true
	w.reply(c, &w.req, a)
	w.tell(w.event(Full, c))
}

// exhausted reports whether accept4 found no descriptor or memory for a connection,
// and tells of it once until one is accepted again.
func (w *worker) exhausted(call sockets.Call, errno unix.Errno) bool {
	switch errno {
	case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
	default:
		return false
	}
	if !w.starved {
		w.starved = true
		e := w.event(Exhausted, nil)
		e.Call, e.FD = call, call.FD
		w.tell(e)
	}
	return true
}

// answered counts a request, logs it, and tells of it if this turn is told of.
func (w *worker) answered(c *conn, r *httpmini.Request, status int, length int64, why string) {
	var line []byte
	if w.server.log != nil || w.story {
		line = w.requestLine(r)
	}
	w.noted(c, line, status, length, why)
}

// noted is answered where the request is not there any more.
func (w *worker) noted(c *conn, line []byte, status int, length int64, why string) {
	c.requests++
	w.answers++
	if w.server.log != nil {
		w.server.log.line(c.peer, w.wall, line, status, length)
	}
	if w.config.Quiet {
		return
	}
	if !w.story {
		w.server.queue.skipped.Add(1)
		return
	}
	e := w.event(Answered, c)
	var m page.Masker
	e.Request, e.Status, e.Length, e.Why, e.Requests = string(appendHarmless(nil, m.Append(nil, line))), status, length, why, c.requests
	w.server.queue.put(e)
}

// requestLine is the first line of the request, as it came.
func (w *worker) requestLine(r *httpmini.Request) []byte {
	if w.line != nil {
		return w.line
	}
	if len(r.Method) == 0 {
		return nil
	}
	return bytes.TrimRight(bytes.Join([][]byte{r.Method, r.Target, r.Version}, []byte{' '}), " ")
}
