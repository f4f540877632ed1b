package step

import "fd3/sockets/stage"

// life is the names of the steps of a socket's life in their order, for either end.
func life(role stage.Role) []string {
	if role == client {
		return []string{"socket", "connect", "send", "recv", "shutdown", "close"}
	}
	return []string{"socket", "bind", "listen", "accept", "recv", "send", "shutdown", "close"}
}
