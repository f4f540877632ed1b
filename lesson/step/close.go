package step

import (
	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Close gives a descriptor back.
var Close = add(Step{
	Name: "close",
	Call: "close",
	On: func(s sight, role stage.Role) []kind {
		return []kind{s.accepted(role), conversation}
	},
	Needs: func(p plan) (todo, bool) {
		if p.has(p.role, quiet) && !p.has(p.role, conversation) {
			return nothing()
		}
		return p.talk(conversed(p)...)
	},
	Order: func(s *scene) stage.Order { return stage.Order{FD: s.call.FD} },
	Facts: []fact{descriptors, afterClose, listenerGone},
	Cases: func(s *scene, c *cases) {
		x, ok := s.socket()
		if !ok {
			c.add(true, "other")
			return
		}
		c.add(!x.Conversation() && !x.Listening && s.stream(), "fresh")
		c.add(x.Listening, "listener")
		if s.domain() != unix.AF_UNIX && s.stream() && x.Conversation() {
			c.add(x.Became == "accept4" && x.TCP != nil && x.TCP.Bytes_sent == 0, "unanswered")
			c.add(true, s.howItEnded(x))
		}
	},
	Values: func(s *scene, v map[string]string) {
		x, ok := s.socket()
		if own, _ := s.rows(x); ok && own == nil && x.Domain != unix.AF_UNIX {
			delete(v, "state")
		}
	},
})

// howItEnded says which end of a closed connection finished first, which is the
// one that is in TIME_WAIT, or will be; and whether it ended in order at all.
func (s *scene) howItEnded(x stage.Socket) string {
	own, peer := s.before.rows(s.role, x)
	switch state := x.State(); {
	case state == kernel.SynSent:
		return "unfinished"
	case x.Unread > 0 && state != kernel.Close:
		return "reset"
	case state == kernel.CloseWait, state == kernel.LastAck, state == kernel.Close && peer != nil && peer.State == kernel.TimeWait:
		return "last"
	case state == kernel.Close && (own == nil || own.State != kernel.TimeWait):
		return "gone"
	}
	return "first"
}

// afterClose looks for what is left of a connection that has no descriptor here
// any more.
func afterClose(s *scene) []lesson.Evidence {
	x, ok := s.before.socket(s.role, s.call.FD)
	if !ok || !x.Conversation() || x.Domain == unix.AF_UNIX || !x.Stream() {
		return nil
	}
	own, peer := s.rows(x)
	return []lesson.Evidence{facts.End(s.role, own, facts.Show(x)), facts.End(s.other(), peer, facts.Show(x))}
}

func listenerGone(s *scene) []lesson.Evidence {
	x, ok := s.before.socket(s.role, s.call.FD)
	if !ok || !x.Listening || x.Domain == unix.AF_UNIX {
		return nil
	}
	if s.after.net(s.role).tcp.Listener(x.Local.AddrPort()) != nil {
		return nil
	}
	return one(facts.NoListenRow(x.Local, facts.Show(x)))
}
