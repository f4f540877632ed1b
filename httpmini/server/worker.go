package server

import (
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/httpmini/page"
	"fd3/httpmini/server/docroot"
	"fd3/sockets"
)

// worker is what one thread needs to serve connections: buffers that they share,
// since only one of them is served at a time, and the clock.
type worker struct {
	server   *Server
	config   *Config
	number   int // of the loop
	tid      int
	blocking bool
	root     *docroot.Root
	cache    *docroot.Cache
	count    *counters

	in     []byte // what recv(2) fills; an unfinished request is kept by its conn
	out    []byte // answers on their way to send(2)
	from   int    // where those of the present connection begin; before it are those put off
	req    httpmini.Request
	host   []byte // of the last request that was for this machine
	line   []byte // the first one of a request that was not understood; else nil
	fields []httpmini.FieldLine
	ranges []httpmini.Range

	batching bool    // what is answered is put off
	off      []*conn // whose answers are

	spare    []*conn        // ended, to be used again
	answers  int64          // not counted yet
	last     *docroot.Entry // what the cache had for lastPath at lastAt
	lastAt   time.Duration
	lastPath []byte

	now    time.Duration // since the server's start, read once for a turn
	wall   time.Time     // the second that date tells
	second int64
	date   []byte // of the present second, as the field Date has it

	told    sockets.Tracer  // makes the calls of a turn that is told of
	untold  sockets.Tracer  // makes those of any other
	calls   *sockets.Tracer // the one of both that this turn has
	telling bool            // it is told
	story   bool            // and into the queue of events
	current *conn           // whose calls they are
	hurry   bool            // blocking, while the server is drained: only what is there already is read
	moved   int             // bytes sent in this turn
	pieces  int             // of listings made since epoll_wait
	starved bool            // accept4 failed for want of a descriptor or memory, and that was told
	peer    sockets.Peer    // of the connection that was accepted last
}

const maxSpare = 256

// counters are read by others while the worker counts.
type counters struct {
	open, accepted, requests, sent atomic.Int64
	_                              [32]byte // a cache line of its own
}

// worker makes what the calling thread needs to serve connections of a loop.
func (s *Server) worker(number int) *worker {
	w := &worker{
		server: s, config: &s.config, number: number, count: &s.counts[number],
		tid: unix.Gettid(), blocking: s.config.Loop != Epoll,
		root: s.config.Root, cache: s.cache(number),
		in: make([]byte, httpmini.MaxHead), out: make([]byte, 0, 16<<10),
	}
	w.told.Observe = w.observe
	w.untold.Nonblocking = !w.blocking
	w.narrate(false)
	w.clock()
	return w
}

// turn begins a turn of a connection: from here on its calls are told of, or not.
func (w *worker) turn(c *conn) {
	w.current = c
	w.story = !w.config.Quiet && w.server.queue.room(w.now)
	w.narrate(w.story || w.root == nil) // the visitor's page shows the calls too
}

// narrate chooses the Tracer of the calls from here on: the one that tells, or not.
func (w *worker) narrate(telling bool) {
	w.telling, w.calls = telling, &w.untold
	if telling {
		w.calls = &w.told
	}
}

// teller returns the Tracer of a turn that is told of, else nil.
func (w *worker) teller() *sockets.Tracer {
	if !w.telling {
		return nil
	}
	return &w.told
}

func (w *worker) observe(call sockets.Call) {
	if !call.Returned || w.current == nil {
		return
	}
	w.tellCall(w.current, call)
}

func (w *worker) tellCall(c *conn, call sockets.Call) {
	if call.Name == "recvfrom" && call.Ret > 0 {
		if w.root == nil {
			w.arrived(c, call.Data)
		}
		call.Args = slices.Clone(call.Args)
		call.Args[1].Value = sockets.Quote(masked(c, call.Data))
	}
	if w.root == nil {
		w.remember(c, call)
	}
	if w.story {
		call.Data = nil // it is a view of a buffer; the text of the call has its beginning
		e := w.event(Called, c)
		e.Call = call
		w.server.queue.put(e)
	}
}

// masked is what has arrived now, with the secrets in it masked. Of a trailer, or
// of what comes behind the last answer, which may be content, the bytes before are not
// there any more.
func masked(c *conn, data []byte) []byte {
	if c.phase == inBody && !c.rare.content.InTrailer() {
		return c.rare.mask.Append(nil, data)
	}
	var m page.Masker
	switch c.phase {
	case lingering:
		m.Content()
		m.Inside()
	case inBody:
		m.Inside()
	}
	m.Append(nil, c.rest) // of the same head
	return m.Append(nil, data)
}

func (w *worker) event(k Kind, c *conn) Event {
	e := Event{Kind: k, Loop: w.number, TID: w.tid}
	if c != nil {
		e.Conn, e.FD, e.Peer = c.id, c.fd, c.peer
	}
	return e
}

// tell puts an event into the queue whether or not the turn is told of: what is
// rare is not left out.
func (w *worker) tell(e Event) {
	if !w.config.Quiet {
		w.server.queue.put(e)
	}
}

func (w *worker) tellWhy(c *conn, why string) {
	e := w.event(Ran, c)
	e.Why = why
	w.tell(e)
}

// closeListener is told of in any case.
func (w *worker) closeListener(fd int) {
	w.current = nil
	e := w.event(Called, nil)
	e.Call = w.told.Close(fd)
	w.tell(e)
}

// open makes a connection of an accepted descriptor.
func (w *worker) open(fd int, call sockets.Call) *conn {
	c := new(conn)
	if n := len(w.spare); n > 0 {
		c, w.spare = w.spare[n-1], w.spare[:n-1]
	}
	*c = conn{fd: fd, id: w.server.connections.Add(1), began: w.now, deadline: w.now + w.config.Timeouts.Head}
	if c.late = w.server.drains.Load(); c.late {
		c.deadline = w.now + drainGrace
	}
	w.starved = false
	w.server.open.Add(1)
	if c.turned = w.server.serving.Add(1) > int64(w.config.MaxConnections); c.turned {
		w.server.serving.Add(-1)
	}
	w.count.open.Add(1)
	w.count.accepted.Add(1)
	if !w.story && !w.config.Quiet {
		w.server.queue.unheard.Add(1)
	}
	if w.namesPeers() {
		c.peer = call.Addr.String()
	}
	if w.telling {
		w.current = c
		w.tellCall(c, call)
	}
	return c
}

// end closes the connection.
func (w *worker) end(c *conn) {
	w.drop(c)
	w.close(c)
	w.gone(c)
}

// gone counts a connection as closed.
func (w *worker) gone(c *conn) {
	w.server.open.Add(-1)
	if !c.turned {
		w.server.serving.Add(-1)
	}
	w.count.open.Add(-1)
	if w.story {
		w.clock() // this turn's calls count too
		e := w.event(Closed, c)
		e.Requests = c.requests
		e.Age = w.now - c.began
		w.server.queue.put(e)
	}
	if len(w.spare) < maxSpare {
		*c = conn{fd: -1}
		w.spare = append(w.spare, c)
	}
}
