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
	Facts: []fact{states, unread},
	Cases: func(s *scene, c *cases) {
		c.add(s.domain() == unix.AF_UNIX && !s.was().Connected() && !s.was().Listening, "alone")
		c.add(s.order.How == unix.SHUT_RD, "rd")
		c.add(s.order.How == unix.SHUT_RDWR, "both")
		c.add(s.was().State() == kernel.CloseWait, "last")
	},
	Values: func(s *scene, v map[string]string) {
		v["how"] = map[int]string{unix.SHUT_RD: "SHUT_RD", unix.SHUT_WR: "SHUT_WR", unix.SHUT_RDWR: "SHUT_RDWR"}[s.order.How]
	},
	Take: func(ctx context.Context, r *Runner, t todo, o Options, now sight) error {
		first := o
		if first.FD < 0 {
			first.FD = t.pick(now)
		}
		x, ok := now.socket(t.role, first.FD)
		first.goesOn = ok && x.Stream() && x.Conversation() && o.How != unix.SHUT_RD && !o.Only
		if _, err := r.stepFrom(ctx, t, first, now, now); err != nil || !first.goesOn {
			return err
		}
		rest := DefaultOptions()
		rest.Role, rest.FD, rest.Explain = o.Role, first.FD, o.Explain
		return drain(ctx, r, t.role, rest)
	},
})

// conversed is a whole conversation, before a step that ends it.
func conversed(p plan) []todo {
	if p.role == client {
		return nil
	}
	return []todo{by(client, "send"), by(server, "recv"), by(server, "send"), by(client, "recv")}
}
