package step

import (
	"strings"

	"golang.org/x/sys/unix"
)

// cases are the names of the situations that a step is in, the most telling first.
// A section of its words may exist for some of them.
type cases []string

func (c *cases) add(when bool, name string) {
	if when {
		*c = append(*c, name)
	}
}

// cases are those of the step itself, and then those that any step may be in: the kind
// of the socket, and whose it is. Each of the step's own comes for that kind first, for
// words that hold only there: "many dgram unix" before "many unix" before "many".
func (s *scene) cases() []string {
	var own cases
	if s.step.Cases != nil {
		s.step.Cases(s, &own)
	}
	own.add(s.lies != nil, "held")
	if s.call.Errno != 0 {
		s.causes(&own)
	}
	var all cases
	kinds := s.kinds()
	for _, name := range own {
		for _, kind := range kinds {
			all = append(all, strings.TrimSpace(name+" "+kind))
		}
	}
	for _, kind := range kinds { // those of several words
		all.add(strings.Contains(kind, " "), kind)
	}
	all.add(s.abstract(), "abstract")
	all.add(!s.stream(), "dgram")
	all.add(s.domain() == unix.AF_UNIX, "unix")
	all.add(s.domain() == unix.AF_INET6, "inet6")
	all.add(s.role == client, "client")
	return all
}

// kinds are what kind of socket it is and whose, from all that there is to say of it,
// "dgram client unix", down to nothing.
func (s *scene) kinds() []string {
	kinds := []string{""}
	for _, part := range []struct {
		is   bool
		name string
	}{{s.role == client, "client"}, {!s.stream(), "dgram"}} {
		if part.is {
			kinds = append(prefixed(part.name, kinds), kinds...)
		}
	}
	plain := kinds
	if s.domain() == unix.AF_UNIX {
		kinds = append(joined(plain, "unix"), kinds...)
	}
	if s.abstract() {
		kinds = append(joined(plain, "abstract"), kinds...)
	}
	return kinds
}

func prefixed(name string, kinds []string) []string {
	all := make([]string, len(kinds))
	for i, kind := range kinds {
		all[i] = strings.TrimSpace(name + " " + kind)
	}
	return all
}

func joined(kinds []string, name string) []string {
	all := make([]string, len(kinds))
	for i, kind := range kinds {
		all[i] = strings.TrimSpace(kind + " " + name)
	}
	return all
}

// abstract reports whether the step is about an abstract name of AF_UNIX, which is no
// file (unix(7)): the one that the call names, else the socket's own.
func (s *scene) abstract() bool {
	name := s.order.Addr.Path()
	if x, ok := s.socket(); ok && name == "" {
		name = x.Local.Path()
	}
	return strings.HasPrefix(name, "@")
}
