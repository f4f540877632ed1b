package serve

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/httpmini/server"
	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/lesson/step"
	"fd3/lesson/words"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Narrator tells what a Server does, as it happens. Under load the story has
// gaps, and says how long they are.
type Narrator struct {
	Server *server.Server
	Loop   server.Loop
	Show   func(lesson.Event)
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
func (n *Narrator) Tell() {
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	n.measured = time.Now()
	n.before = n.Server.Stats()
	stopping := n.Stopping
	for {
		select {
		case e, more := <-n.Server.Events():
			if !more {
				n.gap()
				n.end()
				return
			}
			n.event(e)
		case <-stopping:
			stopping, n.stopped = nil, time.Now()
		case <-tick.C:
			n.gap()
			n.holdUp()
			n.load()
			n.waiting()
		}
	}
}

func (n *Narrator) show(e lesson.Event) {
	e.Process, e.PID = string(stage.Server), os.Getpid()
	n.Show(e)
}

// event tells of one thing that happened.
func (n *Narrator) event(e server.Event) {
	if e.Conn != 0 && e.Conn != n.told {
		n.told = e.Conn
		n.show(lesson.Event{Kind: lesson.KindConnection, Connection: e.Conn, FD: &e.FD, Peer: e.Peer, Loop: n.place(e), Thread: e.TID})
	}
	switch e.Kind {
	case server.Called:
		r := lesson.Returned(e.Call)
		r.Recap, r.Connection, r.Step = true, e.Conn, "serve"
		r.Text = r.Took + n.note(e.Call)
		n.show(r)
	case server.Answered:
		n.show(lesson.Event{Kind: lesson.KindRequest, Connection: e.Conn, FD: &e.FD, Peer: e.Peer, Request: e.Request,
			Status: e.Status, Length: e.Length, Text: words.Literal(e.Why), Value: fmt.Sprintf("%d %s", e.Status, httpmini.StatusText(e.Status))})
	case server.Closed:
		n.say("closed", e, map[string]string{"number": fmt.Sprint(e.Conn), "requests": lesson.Counted(int64(e.Requests), "request"), "age": lesson.Took(e.Age)})
	case server.Ran:
		n.say("ran out "+e.Why, e, map[string]string{"fd": fmt.Sprint(e.FD), "peer": e.Peer})
	case server.Exhausted:
		n.exhaust(e)
	default:
		n.say(string(e.Kind), e, map[string]string{"number": fmt.Sprint(e.Conn), "why": e.Why})
	}
}

// note says what a call sets that shows in its bytes alone.
func (n *Narrator) note(c sockets.Call) string {
	if c.Timeout == 0 {
		return ""
	}
	section := map[int]string{unix.SO_RCVTIMEO: "SO_RCVTIMEO", unix.SO_SNDTIMEO: "SO_SNDTIMEO"}[c.Option]
	text, _ := page().Section(section)
	text, _ = words.Fill(text, map[string]string{"limit": lesson.Took(c.Timeout)})
	return ", " + text
}

// exhaust tells that accept4 fails for want of something, once for all loops.
func (n *Narrator) exhaust(e server.Event) {
	if !n.exhausted.IsZero() && time.Since(n.exhausted) < exhaustedAgain {
		return
	}
	n.exhausted = time.Now()
	call := lesson.Returned(e.Call)
	call.Recap, call.Step, call.Text = true, "serve", call.Took
	n.show(call)
	values := map[string]string{"reason": sockets.Meaning(e.Call.Errno)}
	var limit unix.Rlimit
	if e.Call.Errno == unix.EMFILE && unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		values["limit"] = fmt.Sprint(limit.Cur)
	}
	if waiting, ok := n.queued(); ok {
		values["waiting"] = lesson.Counted(waiting, "client")
	}
	n.say("exhausted", e, values)
}

// queued is how many connections wait for accept at all listeners.
func (n *Narrator) queued() (sum int64, ok bool) {
	seen := make(map[int]bool)
	for _, x := range n.before {
		if seen[x.Listener] {
			continue
		}
		seen[x.Listener] = true
		waiting, _ := n.queue(x.Listener)
		if waiting < 0 {
			return 0, false
		}
		sum += int64(waiting)
	}
	return sum, true
}

// place is which loop or thread it was, where there are several.
func (n *Narrator) place(e server.Event) string {
	switch {
	case n.Loop == server.Threads:
		return fmt.Sprintf("thread %d", e.TID)
	case len(n.before) > 1:
		return fmt.Sprintf("loop %d", e.Loop+1)
	}
	return ""
}

// say tells a section of serve.md.
func (n *Narrator) say(section string, e server.Event, values map[string]string) {
	text, _ := page().Section(section)
	text, _ = words.FillParagraphs(text, values)
	out := lesson.Event{Kind: lesson.KindText, Section: "serve", Step: "serve", Text: text, Connection: e.Conn}
	if e.Conn != 0 {
		out.FD = &e.FD
	}
	n.show(out)
}

// gap tells how much was not told of.
func (n *Narrator) gap() {
	connections, requests := n.Server.Skipped()
	var left []string
	if connections > 0 {
		left = append(left, lesson.Counted(connections, "connection"))
	}
	if requests > 0 {
		left = append(left, lesson.Counted(requests, "request"))
	}
	if left != nil {
		n.told = 0
		n.say("skipped", server.Event{}, map[string]string{"count": strings.Join(left, " and ")})
	}
}

// holdUp tells for whom the iterative loop lets the others wait.
func (n *Narrator) holdUp() {
	held := n.Server.HeldUp()
	section, since := "held up served", held.Served
	switch {
	case held.Full >= silence:
		section, since = "held up full", held.Full
	case held.Silent >= silence:
		section, since = "held up silent", held.Silent
	case held.Served < silence:
		n.heldUp = ""
		return
	}
	queue, err := kernel.Own().AcceptQueue(n.before[0].Listener)
	if err != nil || queue.Waiting == 0 {
		return
	}
	state := fmt.Sprint(section, held.Conn, " ", queue.Waiting)
	if state == n.heldUp {
		return
	}
	n.heldUp = state
	n.say(section, server.Event{FD: held.FD}, map[string]string{
		"fd": fmt.Sprint(held.FD), "peer": held.Peer, "since": lesson.Took(since.Round(time.Second)), "waiting": lesson.Counted(int64(queue.Waiting), "client"),
	})
	fact := facts.QueueUse(queue).Event()
	fact.Recap = true
	n.show(fact)
}

func (n *Narrator) load() {
	now, stats := time.Now(), n.Server.Stats()
	seconds := max(now.Sub(n.measured).Seconds(), 0.001)
	loads := make([]lesson.Load, len(stats))
	for i, x := range stats {
		l := lesson.Load{Loop: i + 1, Connections: x.Open, Listener: x.Listener}
		l.Requests = int64(float64(x.Requests-n.before[i].Requests)/seconds + 0.5)
		l.Bytes = int64(float64(x.Sent-n.before[i].Sent)/seconds + 0.5)
		if i > 0 && x.Listener == loads[i-1].Listener { // one listener for all loops
			l.Queue, l.Backlog = loads[i-1].Queue, loads[i-1].Backlog
		} else {
			l.Queue, l.Backlog = n.queue(x.Listener)
		}
		loads[i] = l
	}
	n.before, n.measured = stats, now
	n.show(lesson.Event{Kind: lesson.KindLoad, Loads: loads})
}

// queue is how many connections wait for accept at a listener, and how many may;
// -1 where the kernel does not say. While the server drains its listener is closed,
// and the number may be another's.
func (n *Narrator) queue(listener int) (waiting, backlog int) {
	select {
	case <-n.Stopping:
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
func (n *Narrator) waiting() {
	if n.stopped.IsZero() || time.Since(n.stopped) < loadEvery { // an idle client is gone at once
		return
	}
	var open int64
	for _, x := range n.before {
		open += x.Open
	}
	if open > 0 && open != n.left {
		n.left = open
		n.say("waiting", server.Event{}, map[string]string{"connections": lesson.Counted(open, "connection")})
	}
}

// end tells what the server did in its life.
func (n *Narrator) end() {
	var accepted, requests, sent int64
	for _, x := range n.Server.Stats() {
		accepted += x.Accepted
		requests += x.Requests
		sent += x.Sent
	}
	text := fmt.Sprintf("The server has ended. %s, %s, %s sent.",
		lesson.Counted(accepted, "connection"), lesson.Counted(requests, "request"), lesson.Counted(sent, "byte"))
	if n.Files != nil {
		text += step.Became(n.Files())
	}
	n.show(lesson.Event{Kind: lesson.KindEnd, Text: text})
}
