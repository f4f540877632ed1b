package step

import (
	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets/stage"
)

// Setsockopt sets SO_REUSEADDR.
var Setsockopt = add(Step{
	Name:  "setsockopt",
	Call:  "setsockopt",
	On:    these(fresh, quiet),
	Needs: plan.socket,
	Order: func(s *scene) stage.Order {
		return stage.Order{FD: s.call.FD, Level: unix.SOL_SOCKET, Option: unix.SO_REUSEADDR, Value: 1}
	},
	Facts: []fact{reuseAddr},
	Cases: func(s *scene, c *cases) { c.add(s.domain() == unix.AF_UNIX, "unix") },
})

func reuseAddr(s *scene) []lesson.Evidence {
	x, ok := s.after.socket(s.role, s.call.FD)
	if !ok {
		return nil
	}
	return one(facts.ReuseAddr(s.was().ReuseAddr, x.ReuseAddr))
}
