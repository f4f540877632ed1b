package step

import (
	"context"

	"golang.org/x/sys/unix"

	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Shutdown ends a direction, and then reads what the peer still sends, until it
// has finished or has nothing ready: a close with unread bytes would reset the
// connection.
var Shutdown = add(Step{
	Name:  "shutdown",
	Call:  "shutdown",
	On:    talking,
	Needs: func(p plan) (todo, bool) { return p.talk(conversed(p)...) },
	Order: func(s *scene) stage.Order { return stage.Order{FD: s.call.FD, How: s.opts.How} },
	Facts: []fact{states, unread, listenRow, listenerGone},
	Cases: func(s *scene, c *cases) {
		c.add(s.domain() == unix.AF_UNIX && !s.was().Connected() && !s.was().Listening, "alone")
		s.changes(c)
		c.add(s.order.How == unix.SHUT_RD, "rd")
		c.add(s.order.How == unix.SHUT_RDWR, "both")
	},
	Values: func(s *scene, v map[string]string) {
		v["how"] = map[int]string{unix.SHUT_RD: "SHUT_RD", unix.SHUT_WR: "SHUT_WR", unix.SHUT_RDWR: "SHUT_RDWR"}[s.order.How]
	},
	Take: func(ctx context.Context, r *Runner, t todo, o Options, now sight) error {
		first := o
		if first.FD == Fitting {
			first.FD = t.pick(now)
		}
		x, ok := now.socket(t.role, first.FD)
		first.goesOn = ok && x.Stream() && open(x) && o.How != unix.SHUT_RD && !o.Only
		if _, err := r.stepFrom(ctx, t, first, now, now); err != nil || !first.goesOn {
			return err
		}
		rest := DefaultOptions()
		rest.Role, rest.FD, rest.Explain = o.Role, first.FD, o.Explain
		return drain(ctx, r, t.role, rest)
	},
})

// changes are the cases of a shutdown of a stream, by what was over before it and what
// is over by it.
func (s *scene) changes(c *cases) {
	was, over := s.was(), s.over()
	reads, writes := s.order.How != unix.SHUT_WR, s.order.How != unix.SHUT_RD
	switch {
	case was.Listening:
		c.add(reads, "listener")
		c.add(!reads, "listening")
	case !s.stream(), !was.Conversation():
	case was.State() == kernel.SynSent:
		c.add(true, "unfinished")
	case (over.Read || !reads) && (over.Write || !writes):
		c.add(true, "again")
	case over.Write || !writes:
		c.add(over.Write, "rest")
	case was.State() == kernel.CloseWait:
		c.add(true, "last")
	default:
		c.add(reads || over.Read, "both")
	}
}

// over is the directions of the socket that were over before the call, as its row
// says. Where the row is not to be had, the states tell what FINs have done.
func (s *scene) over() kernel.Shut {
	x := s.was()
	if x.Domain == unix.AF_UNIX {
		inode, _ := s.inode()
		if own := s.before.unixByInode(s.role, inode); own != nil {
			return own.Shut
		}
		return kernel.Shut{}
	}
	if own, _ := s.before.rows(s.role, x); own != nil {
		return own.Shut
	}
	return kernel.Shut{Read: finCame(x.State()), Write: ownFIN(x)}
}

// finCame reports whether the peer has sent its FIN (RFC 9293, section 3.3.2).
func finCame(state kernel.State) bool {
	return state == kernel.CloseWait || state == kernel.Closing || state == kernel.LastAck
}

// conversed is a whole conversation, before a step that ends it.
func conversed(p plan) []todo {
	if p.role == client {
		return nil
	}
	return []todo{by(client, "send"), by(server, "recv"), by(server, "send"), by(client, "recv")}
}
