package step

import (
	"fd3/sockets/stage"
)

// pick chooses the descriptor that a step acts on: the newest connection, the
// only listener. When there is none it is the number that the next socket would
// get, so that the kernel can say what it thinks of the call.
func pick(step string, role stage.Role, s sight) int {
	var choices []func(stage.Socket) bool
	switch step {
	case "bind", "setsockopt":
		choices = []func(stage.Socket) bool{fresh, quiet}
	case "listen":
		choices = []func(stage.Socket) bool{quiet}
	case "connect":
		choices = []func(stage.Socket) bool{quiet}
	case "accept":
		choices = []func(stage.Socket) bool{listening, quiet}
	case "recv", "send", "shutdown", "drain":
		choices = []func(stage.Socket) bool{s.accepted(role), open, conversation, receiver}
	case "close":
		choices = []func(stage.Socket) bool{s.accepted(role), conversation}
	}
	choices = append(choices, func(stage.Socket) bool { return true })
	for _, is := range choices {
		if x, ok := s.last(role, is); ok {
			return x.FD
		}
	}
	return 3
}

func open(x stage.Socket) bool { return x.Conversation() && x.Connected() }

// accepted tells of a client's socket whether the server's newest connection is
// its other end: of several clients that is the one that is being served.
func (s sight) accepted(role stage.Role) func(stage.Socket) bool {
	theirs, ok := s.last(stage.Server, conversation)
	return func(x stage.Socket) bool {
		return ok && role == stage.Client && x.Conversation() && theirs.With.AddrPort().IsValid() && x.Local.AddrPort() == theirs.With.AddrPort()
	}
}
