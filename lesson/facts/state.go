package facts

import (
	"fmt"
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

// NobodyListens says that no listener has a port.
func NobodyListens(port uint16) lesson.Evidence {
	return lesson.Evidence{Fact: "listeners", Value: fmt.Sprintf("none on port %d", port), Source: "sock_diag(7)", Command: SS("-ltn", From(port))}
}
