package step

import (
	"golang.org/x/sys/unix"

	"fd3/sockets/stage"
)

// A todo is a step that a process has to take.
type todo struct {
	step string
	role stage.Role
}

// firstMissing is the first step that has to be taken before this one makes
// sense, from what the kernel says now. made are the steps that this command has
// already taken for the purpose: where it made the connection itself it also
// lets the client speak, so that recv has something to read.
func firstMissing(t todo, o Options, s sight, made map[todo]bool) (todo, bool) {
	server := func(step string) (todo, bool) { return todo{step, stage.Server}, true }
	client := func(step string) (todo, bool) { return todo{step, stage.Client}, true }
	connect := func() (todo, bool) {
		o.Addr = nil // a destination of send is no address to connect to
		if step, missing := firstMissing(todo{"connect", stage.Client}, o, s, made); missing {
			return step, missing
		}
		return client("connect")
	}
	if o.FD >= 0 {
		return todo{}, false
	}
	switch t.step {
	case "socket":
		return todo{}, false
	case "setsockopt", "bind":
		return missingForBind(t, s)
	case "listen":
		return missingForListen(t, s)
	case "connect":
		if _, ok := s.listener(); !ok && o.Addr == nil {
			if step, ok := missingForListen(todo{"listen", stage.Server}, s); ok {
				return step, ok
			}
			if x, ok := s.last(stage.Server, quiet); ok && x.Stream() {
				return server("listen")
			}
		}
		if _, ok := s.last(stage.Client, quiet); !ok && o.Count <= 1 { // several make their own
			return client("socket")
		}
		return todo{}, false
	}

	// From here on the step needs a listener or a connection.
	if t.role == stage.Client {
		if _, ok := s.last(stage.Client, conversation); !ok {
			if t.step == "close" {
				if _, ok := s.last(stage.Client, quiet); ok {
					return todo{}, false
				}
			}
			return connect()
		}
		if t.step == "recv" && made[todo{"connect", stage.Client}] {
			return firstUntaken(made, todo{"accept", stage.Server}, todo{"send", stage.Client},
				todo{"recv", stage.Server}, todo{"send", stage.Server})
		}
		return todo{}, false
	}
	if _, ok := s.last(stage.Server, conversation); ok && t.step != "accept" {
		if made[todo{"accept", stage.Server}] && made[todo{"connect", stage.Client}] {
			return firstUntaken(made, before(t.step)...)
		}
		return todo{}, false
	}
	if x, ok := s.last(stage.Server, quiet); ok && (t.step == "close" || receiver(x)) {
		return todo{}, false
	}
	x, ok := s.last(stage.Server, listening)
	if !ok {
		if step, ok := missingForListen(todo{"listen", stage.Server}, s); ok {
			return step, ok
		}
		return server("listen")
	}
	length, _, _ := s.queue(x)
	switch {
	case length > 0 && t.step == "accept":
		return todo{}, false
	case length > 0:
		return server("accept")
	case t.step == "accept" && !made[todo{"listen", stage.Server}]:
		return todo{}, false // the learner made the listener, and accept waits for a real client
	case made[todo{"connect", stage.Client}]:
		return todo{}, false
	}
	return connect()
}

// before are the steps of a conversation that come before a step of the server's.
func before(step string) []todo {
	request := []todo{{"send", stage.Client}}
	switch step {
	case "recv":
		return request
	case "send":
		return append(request, todo{"recv", stage.Server})
	}
	return append(request, todo{"recv", stage.Server}, todo{"send", stage.Server}, todo{"recv", stage.Client})
}

func firstUntaken(made map[todo]bool, steps ...todo) (todo, bool) {
	for _, t := range steps {
		if !made[t] {
			return t, true
		}
	}
	return todo{}, false
}

func missingForBind(t todo, s sight) (todo, bool) {
	x, ok := s.last(t.role, quiet)
	switch {
	case !ok:
		return todo{"socket", t.role}, true
	case t.step == "bind" && t.role == stage.Server && reusable(x) && fresh(x):
		return todo{"setsockopt", t.role}, true
	}
	return todo{}, false
}

func missingForListen(t todo, s sight) (todo, bool) {
	x, ok := s.last(t.role, quiet)
	switch {
	case !ok:
		return todo{"socket", t.role}, true
	case !x.Bound():
		if step, missing := missingForBind(todo{"bind", t.role}, s); missing {
			return step, true
		}
		return todo{"bind", t.role}, true
	}
	return todo{}, false
}

// reusable tells whether SO_REUSEADDR should be set before bind: on TCP, unless
// it is. On UDP it would let two sockets take the same port, which is no default.
func reusable(x stage.Socket) bool { return x.Protocol == unix.IPPROTO_TCP && !x.ReuseAddr }
