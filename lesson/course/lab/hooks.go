package lab

import (
	"fmt"

	"fd3/lesson"
	tell "fd3/lesson/hooks"
	"fd3/sockets/hooks"
)

// Try sends one packet from the client's host to the server's, with something at a place on
// its way, and tells of the client's call, of the packet's way, and of what the server
// got. Both calls are those of processes that are there for this alone.
func (n *Network) Try(o hooks.Order) *hooks.Trial {
	l := n.lab
	n.line.Lock()
	t, err := hooks.Try(l.ctx, n.up, o)
	n.line.Unlock()
	if err != nil {
		l.Fatalf("%w", err)
	}
	sent := lesson.Returned(t.Sent)
	sent.Process, sent.PID, sent.Title, sent.Recap = string(Client), t.PID[string(Client)], string(Client), true
	l.Tell(sent)
	way := tell.Way(t)
	l.Tell(lesson.Event{Kind: lesson.KindWay, Way: &way})
	for _, e := range tell.Counted(t) {
		l.Show(e)
	}
	got := "nothing, " + t.Received.ErrnoName()
	if t.Received.Errno == 0 {
		got = fmt.Sprintf("%s, type of service %#x", lesson.Counted(len(t.Received.Data), "byte"), t.Service)
	}
	l.Show(lesson.Evidence{Fact: "the server got", Value: got, Source: "recvmsg(2), with IP_RECVTOS (ip(7))"})
	return t
}
