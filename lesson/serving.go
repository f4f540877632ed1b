package lesson

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/httpmini/server"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Serving tells of what a Server does, as it happens. Under load the story has
// gaps, and says how long they are.
type Serving struct {
	Server *server.Server
	Loop   server.Loop
	Show   func(Event)

	told     uint64 // the connection that the last event was about
	before   []server.LoopStats
	measured time.Time
	heldUp   int // how many waited when a silent client was last told of
}

const (
	loadEvery = time.Second

	// silence is how long a client of the iterative loop says nothing until it
	// counts as one that blocks the others.
	silence = time.Second
)

// Tell tells until the server has ended.
func (s *Serving) Tell() {
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	s.measured = time.Now()
	s.before = s.Server.Stats()
	for {
		select {
		case e, more := <-s.Server.Events():
			if !more {
				s.gap()
				s.end()
				return
			}
			s.event(e)
		case <-tick.C:
			s.gap()
			s.holdUp()
			s.load()
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
		r.Text = r.Took
		s.show(r)
	case server.Answered:
		s.show(Event{Kind: KindRequest, Connection: e.Conn, FD: &e.FD, Peer: e.Peer, Request: e.Request,
			Status: e.Status, Length: e.Length, Text: e.Why, Value: fmt.Sprintf("%d %s", e.Status, httpmini.StatusText(e.Status))})
	case server.Closed:
		s.say("closed", e, map[string]string{"number": fmt.Sprint(e.Conn), "requests": counted(int64(e.Requests), "request"), "age": Took(e.Age)})
	case server.Ran:
		s.say("ran out "+e.Why, e, map[string]string{"fd": fmt.Sprint(e.FD), "peer": e.Peer})
	case server.Exhausted:
		s.show(Returned(e.Call))
		s.say("exhausted", e, nil)
	default:
		s.say(string(e.Kind), e, map[string]string{"number": fmt.Sprint(e.Conn)})
	}
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
	text, _ := words("serve").section(section)
	text, _ = FillParagraphs(text, values)
	out := Event{Kind: KindText, Section: "serve", Step: "serve", Text: text, Connection: e.Conn}
	if e.Conn != 0 {
		out.FD = &e.FD
	}
	s.show(out)
}

// gap tells how many requests were not told of.
func (s *Serving) gap() {
	if n := s.Server.Skipped(); n > 0 {
		s.told = 0
		s.say("skipped", server.Event{}, map[string]string{"count": counted(n, "request")})
	}
}

// holdUp tells that a silent client keeps the iterative loop from the others.
func (s *Serving) holdUp() {
	fd, peer, silent := s.Server.HeldUp()
	if silent < silence {
		s.heldUp = 0
		return
	}
	waiting, backlog, source := waitingAt(s.before[0].Listener)
	if waiting == s.heldUp || waiting <= 0 {
		return
	}
	s.heldUp = waiting
	s.say("held up", server.Event{FD: fd}, map[string]string{
		"fd": fmt.Sprint(fd), "peer": peer, "silent": Took(silent.Round(time.Second)), "waiting": counted(int64(waiting), "client"),
	})
	s.show(Event{Kind: KindEvidence, Recap: true, Fact: "accept queue", Value: fmt.Sprintf("%d of %d", waiting, backlog), Source: source})
}

// Load is what a loop did in the last second, and what waits for it.
type Load struct {
	Loop        int   `json:"loop"` // from 1
	Connections int64 `json:"connections"`
	Requests    int64 `json:"requests"` // a second
	Bytes       int64 `json:"bytes"`    // a second
	Queue       int   `json:"queue"`    // finished handshakes that wait for accept; -1: not known
	Backlog     int   `json:"backlog"`
}

func (s *Serving) load() {
	now, stats := time.Now(), s.Server.Stats()
	seconds := max(now.Sub(s.measured).Seconds(), 0.001)
	loads := make([]Load, len(stats))
	for i, x := range stats {
		l := Load{Loop: i + 1, Connections: x.Open}
		l.Requests = int64(float64(x.Requests-s.before[i].Requests)/seconds + 0.5)
		l.Bytes = int64(float64(x.Sent-s.before[i].Sent)/seconds + 0.5)
		l.Queue, l.Backlog, _ = waitingAt(x.Listener)
		loads[i] = l
	}
	s.before, s.measured = stats, now
	s.show(Event{Kind: KindLoad, Loads: loads})
}

// waitingAt asks the kernel how many connections wait for accept at a listener
// of this process, and how many may. -1 where it does not say.
func waitingAt(listener int) (waiting, backlog int, source string) {
	asked, err := kernel.Ask(listener)
	switch {
	case err != nil || !asked.Listening:
	case asked.TCP != nil:
		return int(asked.TCP.Unacked), int(asked.TCP.Sacked), "getsockopt(2) TCP_INFO"
	case asked.Domain == unix.AF_UNIX:
		var st unix.Stat_t
		rows, err := kernel.UnixSockets()
		if err != nil || unix.Fstat(listener, &st) != nil {
			break
		}
		for _, row := range rows {
			if row.Inode == st.Ino {
				return int(row.RQueue), int(row.WQueue), "sock_diag(7)"
			}
		}
	}
	return -1, -1, ""
}

// end tells what the server did in its life.
func (s *Serving) end() {
	var accepted, requests, sent int64
	for _, x := range s.Server.Stats() {
		accepted += x.Accepted
		requests += x.Requests
		sent += x.Sent
	}
	s.show(Event{Kind: KindEnd, Text: fmt.Sprintf("The server has ended. %s, %s, %s sent.",
		counted(accepted, "connection"), counted(requests, "request"), counted(sent, "byte"))})
}

// counted is a number with its noun.
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
