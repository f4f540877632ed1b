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
	x, _ := s.socket()
	c.add(s.call.Errno == unix.EAGAIN && x.NonBlock, "nonblock")
	c.add(!s.stream(), "dgram")
	c.add(s.domain() == unix.AF_UNIX, "unix")
	c.add(s.domain() == unix.AF_INET6, "inet6")
	c.add(s.role == client, "client")
	if s.domain() == unix.AF_UNIX {
		return withFamily(c, "unix")
	}
	return c
}

// withFamily puts before each situation the same one for a family, for words that
// hold only there: "many unix" before "many".
func withFamily(plain cases, family string) []string {
	var all []string
	for _, name := range plain {
		if name != family {
			all = append(all, name+" "+family)
		}
		all = append(all, name)
	}
	return all
}
