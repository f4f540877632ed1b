package step

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets/stage"
)

// Accept takes a connection from the accept queue.
var Accept = add(Step{
	Name:   "accept",
	Call:   "accept4",
	Blocks: unix.SYS_ACCEPT4,
	Makes:  true,
	On:     these(listening, quiet),
	Needs: func(p plan) (todo, bool) {
		if x, ok := p.now.last(server, quiet); ok && receiver(x) {
			return nothing()
		}
		x, ok := p.now.last(server, listening)
		if q, _ := p.now.queue(server, x); ok && (q.Waiting > 0 || !p.madeBy("listen", server)) {
			return nothing() // the learner made the listener, and accept waits for a real client
		}
		return p.waiting()
	},
	Order: func(s *scene) stage.Order { return stage.Order{FD: s.call.FD, Flags: unix.SOCK_CLOEXEC} },
	Facts: []fact{descriptors, fourTuple, localName, acceptQueue, states},
	Values: func(s *scene, v map[string]string) {
		if s.call.Returned && s.call.Errno == 0 {
			v["conn"] = fmt.Sprint(s.call.Ret)
			v["fd"] = fmt.Sprint(s.call.FD)
		}
	},
	Take: within(unix.SO_RCVTIMEO),
})

func fourTuple(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.Domain == unix.AF_UNIX || !x.Connected() {
		return nil
	}
	return one(facts.FourTuple(x.Local, x.Peer, facts.Show(x)))
}
