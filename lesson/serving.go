package lesson

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/httpmini/server"
	"fd3/lesson/words"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Serving tells of what a Server does, as it happens. Under load the story has
// gaps, and says how long they are.
type Serving struct {
	Server *server.Server
	Loop   server.Loop
	Show   func(Event)
	// Stopping is closed when the server is told to drain.
	Stopping <-chan struct{}
	// Files tells what became of the files of the server's unix sockets. It is called
	// when the server has ended.
	Files func() []stage.Removal

	told      uint64 // the connection that the last event was about
	before    []server.LoopStats
	measured  time.Time
	heldUp    string    // what was last told of who holds up the others
	exhausted time.Time // when it was last told that nobody can be accepted
	stopped   time.Time // when Stopping was closed
	left      int64     // how many connections were left when that was last told
}

const (
	loadEvery = time.Second

	// silence is how long a client of the iterative loop says nothing until it
	// counts as one that blocks the others.
	silence = time.Second

	// exhaustedAgain is how long nothing is told of loops that cannot accept after
	// one of them could not.
	exhaustedAgain = 10 * time.Second
)

// Tell tells until the server has ended.
func (s *Serving) Tell() {
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	s.measured = time.Now()
	s.before = s.Server.Stats()
	stopping := s.Stopping
	for {
		select {
		case e, more := <-s.Server.Events():
			if !more {
				s.gap()
				s.end()
				return
			}
			s.event(e)
		case <-stopping:
			stopping, s.stopped = nil, time.Now()
		case <-tick.C:
			s.gap()
			s.holdUp()
			s.load()
			s.waiting()
		}
	}
}

func (s *Serving) show(e Event) {
	e.Process, e.PID = string(stage.Server), os.Getpid()
	s.Show(e)
}

// event tells of one thing that happened.
func (s *Serving) event(e server.Event) {
	if e.Conn != 0 && e.Conn != s.told {
		s.told = e.Conn
		s.show(Event{Kind: KindConnection, Connection: e.Conn, FD: &e.FD, Peer: e.Peer, Loop: s.place(e), Thread: e.TID})
	}
	switch e.Kind {
	case server.Called:
		r := Returned(e.Call)
		r.Recap, r.Connection, r.Step = true, e.Conn, "serve"
		r.Text = r.Took + s.note(e.Call)
		s.show(r)
	case server.Answered:
		s.show(Event{Kind: KindRequest, Connection: e.Conn, FD: &e.FD, Peer: e.Peer, Request: e.Request,
			Status: e.Status, Length: e.Length, Text: e.Why, Value: fmt.Sprintf("%d %s", e.Status, httpmini.StatusText(e.Status))})
	case server.Closed:
		s.say("closed", e, map[string]string{"number": fmt.Sprint(e.Conn), "requests": Counted(int64(e.Requests), "request"), "age": Took(e.Age)})
	case server.Ran:
		s.say("ran out "+e.Why, e, map[string]string{"fd": fmt.Sprint(e.FD), "peer": e.Peer})
	case server.Exhausted:
		s.exhaust(e)
	default:
		s.say(string(e.Kind), e, map[string]string{"number": fmt.Sprint(e.Conn)})
	}
}

// note says what a call sets that shows in its bytes alone.
func (s *Serving) note(c sockets.Call) string {
	if c.Timeout == 0 || len(c.Args) < 3 {
		return ""
	}
	text, _ := page("serve").Section(strings.TrimSuffix(c.Args[2].Value, "_OLD"))
	text, _ = words.Fill(text, map[string]string{"limit": Took(c.Timeout)})
	return ", " + text
}

// exhaust tells that accept4 fails for want of something, once for all loops.
func (s *Serving) exhaust(e server.Event) {
	if !s.exhausted.IsZero() && time.Since(s.exhausted) < exhaustedAgain {
		return
	}
	s.exhausted = time.Now()
	call := Returned(e.Call)
	call.Recap, call.Step, call.Text = true, "serve", call.Took
	s.show(call)
	values := map[string]string{"reason": sockets.Meaning(e.Call.Errno)}
	var limit unix.Rlimit
	if e.Call.Errno == unix.EMFILE && unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		values["limit"] = fmt.Sprint(limit.Cur)
	}
	if waiting, ok := s.queued(); ok {
		values["waiting"] = Counted(waiting, "client")
	}
	s.say("exhausted", e, values)
}

// queued is how many connections wait for accept at all listeners.
func (s *Serving) queued() (sum int64, ok bool) {
	seen := make(map[int]bool)
	for _, x := range s.before {
		if seen[x.Listener] {
			continue
		}
		seen[x.Listener] = true
		waiting, _ := s.queue(x.Listener)
		if waiting < 0 {
			return 0, false
		}
		sum += int64(waiting)
	}
	return sum, true
}

// place is which loop or thread it was, where there are several.
func (s *Serving) place(e server.Event) string {
	switch {
	case s.Loop == server.Threads:
		return fmt.Sprintf("thread %d", e.TID)
	case len(s.before) > 1:
		return fmt.Sprintf("loop %d", e.Loop+1)
	}
	return ""
}

// say tells a section of serve.md.
func (s *Serving) say(section string, e server.Event, values map[string]string) {
	text, _ := page("serve").Section(section)
	text, _ = words.FillParagraphs(text, values)
	out := Event{Kind: KindText, Section: "serve", Step: "serve", Text: text, Connection: e.Conn}
	if e.Conn != 0 {
		out.FD = &e.FD
	}
	s.show(out)
}

// gap tells how much was not told of.
func (s *Serving) gap() {
	connections, requests := s.Server.Skipped()
	var left []string
	if connections > 0 {
		left = append(left, Counted(connections, "connection"))
	}
	if requests > 0 {
		left = append(left, Counted(requests, "request"))
	}
	if left != nil {
		s.told = 0
		s.say("skipped", server.Event{}, map[string]string{"count": strings.Join(left, " and ")})
	}
}

// holdUp tells for whom the iterative loop lets the others wait.
func (s *Serving) holdUp() {
	held := s.Server.HeldUp()
	section, since := "held up served", held.Served
	switch {
	case held.Full >= silence:
		section, since = "held up full", held.Full
	case held.Silent >= silence:
		section, since = "held up silent", held.Silent
	case held.Served < silence:
		s.heldUp = ""
		return
	}
	queue, err := kernel.Own().AcceptQueue(s.before[0].Listener)
	if err != nil || queue.Waiting == 0 {
		return
	}
	state := fmt.Sprint(section, held.Conn, " ", queue.Waiting)
	if state == s.heldUp {
		return
	}
	s.heldUp = state
	s.say(section, server.Event{FD: held.FD}, map[string]string{
		"fd": fmt.Sprint(held.FD), "peer": held.Peer, "since": Took(since.Round(time.Second)), "waiting": Counted(int64(queue.Waiting), "client"),
	})
	s.show(Event{Kind: KindEvidence, Recap: true, Fact: "accept queue", Value: fmt.Sprintf("%d of %d", queue.Waiting, queue.Backlog), Source: queue.Source})
}

// Load is what a loop did in the last second, and what waits for it.
type Load struct {
	Loop        int   `json:"loop"` // from 1
	Connections int64 `json:"connections"`
	Requests    int64 `json:"requests"` // a second
	Bytes       int64 `json:"bytes"`    // a second
	Listener    int   `json:"listener"` // the descriptor; loops may share one
	Queue       int   `json:"queue"`    // finished handshakes that wait for accept; -1: not known
	Backlog     int   `json:"backlog"`
}

func (s *Serving) load() {
	now, stats := time.Now(), s.Server.Stats()
	seconds := max(now.Sub(s.measured).Seconds(), 0.001)
	loads := make([]Load, len(stats))
	for i, x := range stats {
		l := Load{Loop: i + 1, Connections: x.Open, Listener: x.Listener}
		l.Requests = int64(float64(x.Requests-s.before[i].Requests)/seconds + 0.5)
		l.Bytes = int64(float64(x.Sent-s.before[i].Sent)/seconds + 0.5)
		if i > 0 && x.Listener == loads[i-1].Listener { // one listener for all loops
			l.Queue, l.Backlog = loads[i-1].Queue, loads[i-1].Backlog
		} else {
			l.Queue, l.Backlog = s.queue(x.Listener)
		}
		loads[i] = l
	}
	s.before, s.measured = stats, now
	s.show(Event{Kind: KindLoad, Loads: loads})
}

// queue is how many connections wait for accept at a listener, and how many may;
// -1 where the kernel does not say. While the server drains its listener is closed,
// and the number may be another's.
func (s *Serving) queue(listener int) (waiting, backlog int) {
	select {
	case <-s.Stopping:
		return -1, -1
	default:
	}
	q, err := kernel.Own().AcceptQueue(listener)
	if err != nil {
		return -1, -1
	}
	return q.Waiting, q.Backlog
}

// waiting tells for whom the server waits before it ends.
func (s *Serving) waiting() {
	if s.stopped.IsZero() || time.Since(s.stopped) < loadEvery { // who is idle is gone at once
		return
	}
	var open int64
	for _, x := range s.before {
		open += x.Open
	}
	if open > 0 && open != s.left {
		s.left = open
		s.say("waiting", server.Event{}, map[string]string{"connections": Counted(open, "connection")})
	}
}

// end tells what the server did in its life.
func (s *Serving) end() {
	var accepted, requests, sent int64
	for _, x := range s.Server.Stats() {
		accepted += x.Accepted
		requests += x.Requests
		sent += x.Sent
	}
	text := fmt.Sprintf("The server has ended. %s, %s, %s sent.",
		Counted(accepted, "connection"), Counted(requests, "request"), Counted(sent, "byte"))
	if s.Files != nil {
		text += became(s.Files())
	}
	s.show(Event{Kind: KindEnd, Text: text})
}
