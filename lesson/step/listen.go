package step

import (
	"fmt"

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
	},
	Values: func(s *scene, v map[string]string) { v["backlog"] = fmt.Sprint(s.order.Backlog) },
})
