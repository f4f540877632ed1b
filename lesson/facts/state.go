package facts

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// States is the TCP state of an end, and that of the other where it is known.
func States(own stage.Role, state kernel.State, other stage.Role, peer *kernel.InetSocket, command string) lesson.Evidence {
	value := fmt.Sprintf("%s: %s", own, state)
	if peer != nil {
		value += fmt.Sprintf(", %s: %s", other, peer.State)
	}
	return lesson.Evidence{Fact: "states", Value: value, Source: "TCP_INFO and sock_diag(7)", Command: command}
}

// End is what is left of one end of a connection after its close; row is nil where
// nothing is.
func End(whose stage.Role, row *kernel.InetSocket, command string) lesson.Evidence {
	e := lesson.Evidence{Fact: string(whose) + "'s end", Value: "gone", Source: "sock_diag(7)", Command: command}
	if row == nil {
		return e
	}
	e.Value = fmt.Sprintf("%s, inode %d", row.State, row.Inode)
	if row.State == kernel.TimeWait {
		e.Note = fmt.Sprintf("This end has TIME_WAIT, for another %s.", lesson.Took(row.Expires.Round(time.Second)))
	}
	return e
}

// Unaccepted is a connection that waits in the accept queue.
func Unaccepted(row *kernel.InetSocket, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "server's end", Value: fmt.Sprintf("%s to %s, inode %d", row.Local, row.Remote, row.Inode), Source: "sock_diag(7)", Command: command,
		Note: "Inode 0: no process has a descriptor for it. It waits in the accept queue."}
}

// ClientState is the state of one of several clients.
func ClientState(x stage.Socket) lesson.Evidence {
	return lesson.Evidence{Fact: fmt.Sprintf("client fd %d", x.FD), Value: fmt.Sprintf("%s from %s", x.State(), x.Local), Source: "TCP_INFO"}
}

// TimeWaiting is how many connections of a port are in TIME_WAIT.
func TimeWaiting(n int, port uint16) lesson.Evidence {
	return lesson.Evidence{Fact: "TIME_WAIT", Value: fmt.Sprintf("%d on port %d", n, port), Source: "sock_diag(7)", Command: SS("-tan state time-wait", From(port))}
}

// Listeners is the addresses that listen on a port.
func Listeners(port uint16, at []netip.AddrPort) lesson.Evidence {
	return lesson.Evidence{Fact: "listeners", Value: onPort(port, at), Source: "sock_diag(7)", Command: SS("-ltn", From(port))}
}

// Receivers is the addresses that UDP sockets have on a port.
func Receivers(port uint16, at []netip.AddrPort) lesson.Evidence {
	return lesson.Evidence{Fact: "UDP sockets", Value: onPort(port, at), Source: "sock_diag(7)", Command: SS("-uan", From(port))}
}

func onPort(port uint16, at []netip.AddrPort) string {
	if len(at) == 0 {
		return fmt.Sprintf("none on port %d", port)
	}
	return "on " + Places(at)
}

// Places returns addresses in a row, each once.
func Places(at []netip.AddrPort) string {
	var names []string
	for _, a := range at {
		if name := a.String(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// State is the TCP state of a socket.
func State(state kernel.State, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "state", Value: state.String(), Source: "getsockopt(2) TCP_INFO", Command: command}
}

// StateOf is the TCP state of one of several sockets of a party.
func StateOf(owner stage.Role, fd int, state kernel.State, command string) lesson.Evidence {
	e := State(state, command)
	e.Fact = fmt.Sprintf("%s fd %d", owner, fd)
	return e
}

// BothStates are the TCP states of a server and its client, each as its own process
// sees it.
func BothStates(server, client kernel.State, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "states", Value: fmt.Sprintf("%s: %s, %s: %s", stage.Server, server, stage.Client, client), Source: "getsockopt(2) TCP_INFO", Command: command}
}

// EndState is the state of one end of a connection as the kernel's table has it, or
// "none" for the state 0, where the table has no such end.
func EndState(whose stage.Role, state kernel.State, command string) lesson.Evidence {
	e := lesson.Evidence{Fact: string(whose) + "'s end", Value: "none", Source: "sock_diag(7)", Command: command}
	if state != 0 {
		e.Value = state.String()
	}
	return e
}

// EndTimer is the state of one end with its timer; row is nil where nothing is left
// of it.
func EndTimer(whose stage.Role, row *kernel.InetSocket) lesson.Evidence {
	e := lesson.Evidence{Fact: string(whose) + "'s end", Value: "gone", Source: "sock_diag(7)"}
	if row != nil {
		e.Value = Timer(row)
	}
	return e
}

// Timer returns a state, and when the kernel will end it by itself.
func Timer(row *kernel.InetSocket) string {
	switch {
	case row.State == kernel.TimeWait:
		return fmt.Sprintf("%s, %s left", row.State, TimeLeft(row))
	case row.Timer == kernel.TimerOff:
		return fmt.Sprintf("%s, no timer", row.State)
	}
	return fmt.Sprintf("%s, a timer, %s left", row.State, TimeLeft(row))
}

// RunningTimer is which timer of an end runs, as ss(8) names it.
func RunningTimer(whose stage.Role, timer kernel.Timer, command string) lesson.Evidence {
	return lesson.Evidence{Fact: string(whose) + "'s timer", Value: timer.String(), Source: "sock_diag(7)", Command: command}
}

// TimeLeft returns how long the timer of a socket still runs, in whole seconds.
func TimeLeft(row *kernel.InetSocket) string { return fmt.Sprintf("%.0f s", row.Expires.Seconds()) }

// Leftover is what a connection has left at a port whose process is gone.
func Leftover(row *kernel.InetSocket) lesson.Evidence {
	return lesson.Evidence{Fact: "server's port", Value: fmt.Sprintf("%s, inode %d", Timer(row), row.Inode), Source: "sock_diag(7)",
		Command: SS("-tane", From(row.Local.Port())), Note: "Inode 0 means that no process has it open."}
}

// StatesOfPort are the states of all sockets of a port.
func StatesOfPort(states []string, port uint16) lesson.Evidence {
	return lesson.Evidence{Fact: "server's sockets", Value: strings.Join(states, " and "), Source: "sock_diag(7)", Command: SS("-tan", From(port))}
}

// CloseWaiting is how many connections of a port are in CLOSE_WAIT.
func CloseWaiting(n int, port uint16) lesson.Evidence {
	return lesson.Evidence{Fact: "CLOSE_WAIT", Value: fmt.Sprintf("%d on port %d", n, port), Source: "sock_diag(7)", Command: SS("-tan state close-wait", From(port))}
}

// Packets is how many packets one end of a connection has sent and received.
func Packets(owner stage.Role, sent, received uint32, port uint16) lesson.Evidence {
	return lesson.Evidence{Fact: string(owner) + "'s packets", Value: fmt.Sprintf("%d sent, %d received", sent, received), Source: "getsockopt(2) TCP_INFO",
		Command: SS("-tin", To(port)), Note: "segs_out and segs_in in the output of `ss`."}
}

// SYNAgain is how often the SYN of a client was sent again.
func SYNAgain(state kernel.State, times uint32, port uint16) lesson.Evidence {
	return lesson.Evidence{Fact: "client", Value: fmt.Sprintf("%s, SYN sent again: %d", state, times), Source: "getsockopt(2) TCP_INFO", Command: SS("-tano", To(port))}
}

// EndUnread is one end of a connection as its own process sees it, with what it has
// not read; received is the same queue as ss(8) counts it.
func EndUnread(whose stage.Role, x stage.Socket, received kernel.Queued) lesson.Evidence {
	return lesson.Evidence{Fact: string(whose) + "'s end", Value: fmt.Sprintf("%s, %s unread", x.State(), lesson.Counted(x.Unread, "byte")),
		Source: "getsockopt(2) TCP_INFO, ioctl(2) SIOCINQ", Command: SS("-tan", From(x.Local.Port())), Note: RecvQ(received)}
}
