package server

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/httpmini/page"
	"fd3/httpmini/server/docroot"
)

// conn is one client's connection, from accept to close. Ten thousand of them
// may be idle, so what few need is behind a pointer.
type conn struct {
	fd       int
	turned   bool   // away: it is above MaxConnections, and gets a 503
	id       uint64 // from 1, in the order of accept
	requests uint64 // answered so far
	phase    phase
	waits    wait          // what the epoll instance watches for
	watched  bool          // the epoll instance knows the descriptor
	closing  bool          // no request is read after the answer that is on its way
	lingers  bool          // the client may still send then, for all that is known
	slow     bool          // it has not taken an answer at once
	late     bool          // it was accepted while the server is drained
	deadline time.Duration // on the worker's clock: when patience with the present wait ends
	answer   progress      // of sending, while the client does not take all at once
	unsent   int           // lingering: bytes that wait for room at the client
	rest     []byte        // received and not understood yet: part of a head, or requests behind an unsent answer
	out      []byte        // of answers, not taken by the send buffer yet, or put off
	peer     string        // who it is, if anybody asks
	began    time.Duration // when it was accepted
	receive  time.Duration // blocking: what SO_RCVTIMEO is
	transmit time.Duration // blocking: what SO_SNDTIMEO is
	rare     *rare
}

// rare is the part of a connection that an idle one does not have.
type rare struct {
	file *docroot.File // to be sent by sendfile(2), from off to end
	off  int64
	end  int64
	next []part   // what follows it
	list *listing // to be made and sent

	content  httpmini.Content // of the request that is being read
	head     []byte           // its head
	request  httpmini.Request // of that, until it is answered
	mask     page.Masker      // of its content, for who is shown it
	size     int64            // of its content so far
	received progress         // of its content
	visit    visit
}

// part is a stretch of an answer: bytes, then a range of the file.
type part struct {
	head     []byte
	off, end int64
}

// phase is where a connection is in its life.
type phase uint8

const (
	inHead    phase = iota // the bytes of a head come; or none yet on a new connection
	inBody                 // the content of a request comes
	idle                   // between two requests
	lingering              // answered for the last time, reading until the client ends too
)

// wait is what a connection waits for.
type wait uint8

const (
	forBytes   wait = iota // the client's next bytes
	forRoom                // room in the send buffer
	forTurn                // nothing: its answers are sent at the end of the batch
	forNothing             // it is over
)

// maxOut is how many bytes of answers to pipelined requests are collected for one
// send(2).
const maxOut = 64 << 10

// maxMoved is how many bytes a connection is sent before the others on its epoll
// loop get their turn.
const maxMoved = 2 << 20

func (c *conn) sending() bool {
	return len(c.out) > 0 || c.rare != nil && (c.rare.file != nil || c.rare.list != nil)
}

// needsRoom reports whether the client has to read before anything else happens: there
// is something to send, or requests whose answers nobody has composed yet.
func (c *conn) needsRoom() bool { return c.waits == forRoom && c.watched || c.sending() }

// silent reports whether nothing of a request has come that has no answer yet.
func (c *conn) silent() bool {
	return (c.phase == idle || c.phase == inHead) && nothing(c.rest) && !c.sending()
}

// nothing reports whether the bytes are none of a request: some clients send an empty
// line after what they have sent. RFC 9112 section 2.2.
func nothing(b []byte) bool { return len(b) == 0 || strings.HasPrefix("\r\n", string(b)) }

// seldom is the rare part, made when it is first needed.
func (c *conn) seldom() *rare {
	if c.rare == nil {
		c.rare = new(rare)
	}
	return c.rare
}

// run takes the connection as far as it goes with one recv(2), and says what it
// waits for then. In blocking mode the waiting has been done in the call.
func (w *worker) run(c *conn) wait {
	w.moved = 0
	if c.needsRoom() {
		if next := w.flush(c); next != forBytes || c.phase == lingering {
			return next
		}
		if len(c.rest) == 0 {
			return w.await(c, nil)
		}
		return w.understand(c, w.in[:copy(w.in, c.rest)])
	}
	old := copy(w.in, c.rest)
	n, errno := w.recv(c, w.in[old:])
	if w.blocking {
		w.server.blocking.working(c)
	}
	switch {
	case errno == unix.EAGAIN && w.hurry:
		return forNothing
	case errno == unix.EAGAIN && w.blocking:
		return w.expire(c)
	case errno == unix.EAGAIN:
		return forBytes
	case errno != 0:
		return forNothing
	case n == 0:
		return w.ended(c)
	case c.phase == lingering:
		return forBytes
	case c.phase == inBody && !w.telling:
		c.rare.mask.Inside() // a secret may have begun in what nobody was shown
	}
	in := w.in[:old+n]
	if c.phase == inHead && old > 0 && !worthParsing(in, old) {
		return w.await(c, in)
	}
	return w.understand(c, in)
}

// worthParsing reports whether the bytes from old on can change what the parser
// says. It starts from the front each time: a head of many small pieces would
// cost the square of its length.
func worthParsing(in []byte, old int) bool {
	const stretch = 1 << 10
	return old/stretch != len(in)/stretch || bytes.IndexByte(in[old:], '\n') >= 0
}

// understand answers the requests that are whole in the bytes, and sends.
func (w *worker) understand(c *conn, in []byte) wait {
	for {
		rest, needsMore := w.requests(c, in)
		in = rest
		if w.batching && !w.telling && len(w.out) > w.from {
			c.keep(in)
			w.putOff(c)
			return forTurn
		}
		if next := w.flush(c); next != forBytes {
			c.keep(in)
			return next
		}
		if c.phase == lingering {
			return forBytes
		}
		if needsMore {
			return w.await(c, in)
		}
		if w.moved > maxMoved && !w.blocking { // the others first: there is room, so it goes on soon
			c.keep(in)
			return w.awaitRoom(c, nil)
		}
	}
}

// requests goes through the bytes. It stops where more bytes are needed, or
// before that where an answer has to go out first.
func (w *worker) requests(c *conn, in []byte) (rest []byte, needsMore bool) {
	for !c.closing && !c.sending() && len(w.out)-w.from < maxOut {
		if c.phase == inBody {
			if len(in) == 0 {
				return in, true
			}
			in = w.content(c, in)
			continue
		}
		if len(in) == 0 {
			return in, true
		}
		n, err := w.req.Parse(in, nil)
		if err == nil {
			w.request(c, in[:n], in[n:])
			in = in[n:]
			continue
		}
		if err == httpmini.ErrMore {
			return in, true
		}
		w.refuse(c, in, err.(*httpmini.BadError))
		return nil, true
	}
	if c.closing && len(in) > 0 {
		c.lingers = true
		in = nil
	}
	return in, false
}

// content reads on in the content of a request; the answer follows its end.
func (w *worker) content(c *conn, in []byte) (rest []byte) {
	m := c.rare
	data, n, err := m.content.Next(in, nil)
	m.size += int64(len(data))
	m.received.moved += int64(n)
	switch {
	case m.size > w.config.MaxBody, len(m.visit.received) > maxReceives:
		w.recall(c)
		w.tooLarge(c)
	case err == httpmini.ErrMore:
	case err != nil:
		w.recall(c)
		w.refuse(c, in, err.(*httpmini.BadError))
	default:
		w.recall(c)
		c.phase = idle
		w.answer(c, in[n:])
		m.head = m.head[:0]
	}
	return in[n:]
}

// ended: the client has finished sending, with recv(2) returning 0. What it asked
// for before that has been answered; half a request gets an answer too.
func (w *worker) ended(c *conn) wait {
	if c.phase == lingering || c.phase != inBody && nothing(c.rest) {
		return forNothing
	}
	where, in := "head", c.rest
	if c.phase == inBody {
		where, in = "content", nil
	}
	w.recall(c)
	w.refuse(c, in, &httpmini.BadError{
		Offset: len(in), Status: 400,
		Why: "the client finished sending in the middle of the " + where + " (RFC 9112 section 8)",
	})
	c.lingers = false
	c.rest = nil
	return w.flush(c)
}

// await keeps the bytes of an unfinished request and sets the deadline of the
// wait for the others.
func (w *worker) await(c *conn, in []byte) wait {
	switch {
	case c.phase == inBody:
		c.deadline = c.rare.received.deadline(w.now, w.config.Timeouts.Body)
	case nothing(in) && c.requests > 0:
		c.phase = idle
		c.deadline = w.now + w.config.Timeouts.Idle
		if w.server.drains.Load() {
			c.deadline = w.now + drainGrace
		}
	case c.phase == idle && !nothing(in):
		c.phase = inHead
		c.deadline = w.now + w.config.Timeouts.Head
	}
	c.keep(in)
	return forBytes
}

func (c *conn) keep(in []byte) {
	if len(in) == 0 {
		c.rest = nil
		return
	}
	c.rest = append(c.rest[:0], in...)
}

// progress is how much has moved in the present stretch of patience.
type progress struct {
	since time.Duration // on the worker's clock; 0: nothing was waited for
	moved int64         // bytes
}

// deadline is when the present stretch ends. A new one begins when enough has
// moved in it: MinRate for its whole length.
func (p *progress) deadline(now, patience time.Duration) time.Duration {
	if p.since == 0 || p.moved >= int64(MinRate*patience.Seconds()) {
		*p = progress{since: now}
	}
	return p.since + patience
}

// flush sends what there is to send. It returns forBytes when all is in the
// hands of the kernel.
func (w *worker) flush(c *conn) wait {
	w.counted()
	out, more := c.out, true
	if len(out) == 0 {
		out = w.out[w.from:]
	}
	for more {
		for len(out) > 0 {
			n, errno := w.send(c, out)
			if n > 0 {
				out = out[n:]
				c.answer.moved += int64(n)
				w.moved += n
			}
			switch {
			case errno == unix.EAGAIN:
				return w.awaitRoom(c, out)
			case errno != 0:
				return w.drop(c)
			}
		}
		var next wait
		if out, more, next = w.sendOn(c); next != forBytes {
			return next
		}
	}
	w.out = w.out[:w.from]
	c.out = nil
	c.answer = progress{}
	if c.closing {
		return w.finish(c)
	}
	return forBytes
}

// counted counts what was answered, for who asks for the Stats.
func (w *worker) counted() {
	if w.answers > 0 {
		w.count.requests.Add(w.answers)
		w.answers = 0
	}
}

// sendOn goes on with what is no bytes yet: the rows of a listing, the ranges of a file.
// It returns the bytes that come next, and whether there is more; next is forBytes
// unless it has to wait.
func (w *worker) sendOn(c *conn) (out []byte, more bool, next wait) {
	m := c.rare
	switch {
	case m == nil:
		return nil, false, forBytes
	case m.list != nil:
		out, again, err := w.listOn(c)
		switch {
		case err != nil:
			return nil, false, w.drop(c)
		case !again:
			return nil, false, w.awaitRoom(c, nil)
		}
		return out, true, forBytes
	case m.file == nil:
		return nil, false, forBytes
	case m.off < m.end:
		n, errno := w.sendfile(c, m)
		c.answer.moved += int64(max(n, 0))
		w.moved += max(n, 0)
		switch {
		case errno == unix.EAGAIN:
			return nil, false, w.awaitRoom(c, nil)
		case errno != 0, n == 0: // 0: the file has become shorter than its Content-Length
			return nil, false, w.drop(c)
		case w.moved > maxMoved && !w.blocking && m.off < m.end:
			return nil, false, w.awaitRoom(c, nil)
		}
		return nil, true, forBytes
	case len(m.next) == 0:
		m.file.Close()
		m.file = nil
		return nil, false, forBytes
	}
	p := m.next[0]
	m.next, m.off, m.end = m.next[1:], p.off, p.end
	return p.head, true, forBytes
}

// lookAgain is how often sending is tried while there is no room. The kernel reports
// room only when a third of the send buffer is free (sk_stream_is_writeable()), so a
// slow reader is noticed by what a try can send.
const lookAgain = time.Second

// awaitRoom keeps what the send buffer does not take now, and gives up a client that
// has not read for too long.
func (w *worker) awaitRoom(c *conn, out []byte) wait {
	end := c.answer.deadline(w.now, w.config.Timeouts.Write)
	if w.now >= end {
		return w.giveUp(c)
	}
	if w.config.Loop == Iterative {
		w.server.blocking.needsRoom(c, w.now-c.answer.since)
	}
	c.slow = true
	c.out = slices.Clone(out)
	w.out = w.out[:w.from]
	c.deadline = min(end, w.now+lookAgain)
	return forRoom
}

// giveUp ends a connection whose client does not read.
func (w *worker) giveUp(c *conn) wait {
	w.tellWhy(c, "write")
	w.reset(c)
	return w.drop(c)
}

// drop leaves a connection whose answer cannot be sent to its end.
func (w *worker) drop(c *conn) wait {
	w.out = w.out[:w.from]
	c.out = nil
	if c.rare != nil && c.rare.file != nil {
		c.rare.file.Close()
		c.rare.file = nil
	}
	if c.rare != nil && c.rare.list != nil {
		w.listed(c)
	}
	return forNothing
}

// finish ends the server's direction after the last answer. close(2) with bytes that
// nobody has read resets the connection, and so do bytes that come after it; what has
// not been sent is lost then. What is on its way has a good chance to come before the
// reset. RFC 9112 section 9.6.
func (w *worker) finish(c *conn) wait {
	const segment = 536 // of the default size, RFC 9293 section 3.7.1: any client has room for one
	switch {
	case c.lingers:
	case c.requests == 1 && !c.slow && w.moved <= segment:
		return forNothing
	case unsent(c.fd) == 0 && unread(c.fd) == 0:
		return forNothing
	}
	c.unsent = unsent(c.fd)
	w.shutdown(c)
	c.phase = lingering
	c.rest = nil
	c.answer = progress{since: w.now}
	c.deadline = w.now + LingerTime
	return forBytes
}

// linger goes on with a client that has not left: it may still read.
func (w *worker) linger(c *conn) wait {
	before := c.unsent
	c.unsent = unsent(c.fd)
	c.answer.moved += int64(before - c.unsent)
	switch end := c.answer.deadline(w.now, w.config.Timeouts.Write); {
	case c.unsent == 0:
		return forNothing
	case w.now >= end:
		return w.giveUp(c)
	default:
		c.deadline = min(w.now+LingerTime, end)
		return forBytes
	}
}

// expire ends the patience with a connection.
func (w *worker) expire(c *conn) wait {
	switch {
	case c.needsRoom():
		return w.run(c)
	case c.phase == lingering:
		return w.linger(c)
	case c.silent() && w.server.drains.Load():
		return forNothing
	case c.phase == idle:
		w.tellWhy(c, "idle")
		return forNothing
	case c.phase == inHead && nothing(c.rest):
		w.tellWhy(c, "silent")
		return forNothing
	}
	why := "the request was not whole in time: its head has to come within " + w.config.Timeouts.Head.String()
	if c.phase == inBody {
		why = fmt.Sprintf("the content of the request came too slowly: less than %d bytes a second for %v", MinRate, w.config.Timeouts.Body)
	}
	w.recall(c)
	w.refuse(c, c.rest, &httpmini.BadError{Offset: len(c.rest), Status: 408, Why: why + " (RFC 9110 section 15.5.9)"})
	return w.flush(c)
}
