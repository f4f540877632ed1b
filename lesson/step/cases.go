package step

import "golang.org/x/sys/unix"

// cases are the names of the situations that a step is in, the most telling first.
// A section of its words may exist for some of them.
type cases []string

func (c *cases) add(when bool, name string) {
	if when {
		*c = append(*c, name)
	}
}

// cases are those of the step itself, and then those that any step may be in.
func (s *scene) cases() []string {
	var c cases
	if s.step.Cases != nil {
		s.step.Cases(s, &c)
	}
	if s.call.Errno != 0 {
		s.causes(&c)
	}
	c.add(!s.stream(), "dgram")
	c.add(s.domain() == unix.AF_UNIX, "unix")
	c.add(s.domain() == unix.AF_INET6, "inet6")
	if s.role == client {
		c = narrowed(append(c, "client"), "client")
	}
	if s.domain() == unix.AF_UNIX {
		c = narrowed(c, "unix")
	}
	return c
}

// narrowed puts first, for each situation, the same one for some sockets only, for
// words that hold only there: "many unix" and "client unix" before "many" and "unix".
func narrowed(plain cases, to string) cases {
	var all cases
	for _, name := range plain {
		if name != to {
			all = append(all, name+" "+to)
		}
	}
	return append(all, plain...)
}
