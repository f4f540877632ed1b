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
