package step

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Listen lets the kernel take connections.
var Listen = add(Step{
	Name:  "listen",
	Call:  "listen",
	On:    these(quiet),
	Needs: plan.bound,
	Order: func(s *scene) stage.Order { return stage.Order{FD: s.call.FD, Backlog: s.opts.Backlog} },
	Facts: []fact{accepting, listenRow, procRow, clamp, threadState},
	Cases: func(s *scene, c *cases) {
		x, _ := s.socket()
		q, known := s.after.queue(s.role, x)
		c.add(known && q.Backlog < s.order.Backlog, "clamped")
		c.add(s.was().Listening, "again")
		c.add(s.call.Errno == 0 && !s.was().Bound(), "unbound")
		c.add(broadcast(s.was().Local), "broadcast")
	},
	Values: func(s *scene, v map[string]string) { v["backlog"] = fmt.Sprint(s.order.Backlog) },
})

func accepting(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok {
		return nil
	}
	return one(facts.Accepting(x.Listening))
}

func procRow(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	inode, known := s.inode()
	if !ok || !known || x.Domain == unix.AF_UNIX {
		return nil
	}
	rows, err := s.asked().Table(facts.Table(x.Domain))
	i := slices.IndexFunc(rows, func(r kernel.Row) bool { return r.Inode == inode })
	if err != nil || i < 0 {
		return nil
	}
	e, ok := facts.RawRow(s.pid(), facts.Table(x.Domain), rows[i])
	if !ok {
		return nil
	}
	return one(e)
}

func clamp(s *scene) []lesson.Evidence {
	value, err := s.setting("net.core.somaxconn")
	if err != nil {
		return nil
	}
	return one(facts.Somaxconn(value))
}

// threadState shows that the call did not leave the server blocked.
func threadState(s *scene) []lesson.Evidence {
	t, err := kernel.Thread(s.pid(), s.after.ends[s.role].TID)
	if err != nil {
		return nil
	}
	e := facts.Thread(s.pid(), t)
	e.Note = "Not in `" + s.call.Name + "`: that call is over."
	return one(e)
}
