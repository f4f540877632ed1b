package lesson

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
		choices = []func(stage.Socket) bool{conversation, receiver}
	case "close":
		choices = []func(stage.Socket) bool{conversation}
	}
	choices = append(choices, func(stage.Socket) bool { return true })
	for _, is := range choices {
		if x, ok := s.last(role, is); ok {
			return x.FD
		}
	}
	return 3
}
