package server

import (
	"sync/atomic"
	"time"

	"fd3/sockets"
)

// Kind says what an Event tells.
type Kind string

const (
	Called    Kind = "called"    // a system call has returned: Call
	Answered  Kind = "answered"  // a request has its answer: Request, Status, Length, Why
	Closed    Kind = "closed"    // the connection is over: Requests, Age
	Ran       Kind = "ran out"   // patience ran out: Why names the timeout
	Full      Kind = "full"      // MaxConnections is reached: a client is turned away
	NoThread  Kind = "no thread" // a client is turned away since it gets no thread: Why names the limit
	Exhausted Kind = "exhausted" // accept4 failed: Call says why; the clients wait in the queue
	Draining  Kind = "draining"  // no new connections
	Gone      Kind = "gone"      // the root is not where it was: Why
)

// Event is what happened on one connection. Which fields are filled, Kind says.
type Event struct {
	Kind Kind
	Loop int    // which loop, from 0
	TID  int    // the thread
	Conn uint64 // number of the connection, from 1; 0: of none
	FD   int
	Peer string // as ss writes it

	Call sockets.Call // without the bytes themselves

	Request  string // method, target and version, masked of secrets and control bytes
	Status   int
	Length   int64  // bytes of content in the answer
	Why      string // why an answer is what it is, if that is not plain
	Requests uint64
	Age      time.Duration
}

// queue takes events to one reader. It is bounded, and put never waits: under load
// whole stretches of the story are left out and counted.
type queue struct {
	events  chan Event
	skipped atomic.Int64 // requests that were not told of
	unheard atomic.Int64 // connections that were not
	window  atomic.Int64 // the present stretch of time, in windowLength
	told    atomic.Int64 // in the present window
}

const (
	queueLength  = 4096
	windowLength = time.Second

	// maxTold is how many turns of connections are told of in a window. Nobody
	// reads a hundredth of it, and telling costs a hundred times what serving does.
	maxTold = 500

	// reserved is room for what is rare, and is not left out.
	reserved = 64

	// longestStory is how many events one turn of a connection has at most,
	// apart from one with many pipelined requests.
	longestStory = 128
)

// room reports whether the next turn of a connection can be told of.
func (q *queue) room(now time.Duration) bool {
	if len(q.events) > queueLength-longestStory {
		return false
	}
	window := int64(now / windowLength)
	if q.window.Load() != window {
		q.window.Store(window)
		q.told.Store(0)
	}
	return q.told.Add(1) <= maxTold
}

// calm reports whether the reader keeps up with ease, so that a call that belongs to
// no connection can be told of too.
func (q *queue) calm(now time.Duration) bool {
	return len(q.events) < longestStory && (q.window.Load() != int64(now/windowLength) || q.told.Load() < maxTold/2)
}

func (q *queue) put(e Event) {
	if routine := e.Kind == Called || e.Kind == Answered || e.Kind == Closed; routine && len(q.events) > cap(q.events)-reserved {
		if e.Kind == Answered {
			q.skipped.Add(1)
		}
		return
	}
	select {
	case q.events <- e:
	default:
		if e.Kind == Answered {
			q.skipped.Add(1)
		}
	}
}
