package facts

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

// Kind is what a socket was made as.
func Kind(x kernel.Asked) lesson.Evidence {
	return lesson.Evidence{Fact: "kind", Value: fmt.Sprintf("SO_DOMAIN %s, SO_TYPE %s, SO_PROTOCOL %s", sockets.DomainName(x.Domain), sockets.TypeName(x.Type), Protocol(x.Protocol)),
		Source: "getsockopt(2)"}
}

// Protocol returns the number of a protocol, with its name if it is one of TCP,
// UDP and MPTCP.
func Protocol(number int) string {
	switch number {
	case unix.IPPROTO_TCP:
		return "6 (TCP)"
	case unix.IPPROTO_UDP:
		return "17 (UDP)"
	case unix.IPPROTO_MPTCP:
		return "262 (MPTCP)"
	}
	return fmt.Sprint(number)
}

// ReuseAddr is SO_REUSEADDR before and after a call.
func ReuseAddr(was, is bool) lesson.Evidence {
	return lesson.Evidence{Fact: "SO_REUSEADDR", Value: fmt.Sprintf("%s before, %s now", onOff(was), onOff(is)), Source: "getsockopt(2)"}
}

// Accepting is SO_ACCEPTCONN.
func Accepting(listening bool) lesson.Evidence {
	e := lesson.Evidence{Fact: "SO_ACCEPTCONN", Value: onOff(listening), Source: "getsockopt(2)", Note: "0: not a listening socket."}
	if listening {
		e.Note = "1: a passive socket, for `accept4` only."
	}
	return e
}

func onOff(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// Timeout is the limit of SO_RCVTIMEO or SO_SNDTIMEO.
func Timeout(option string, limit time.Duration) lesson.Evidence {
	return lesson.Evidence{Fact: option, Value: lesson.Took(limit), Source: "getsockopt(2)"}
}

// NonBlocking is O_NONBLOCK, where it is set.
func NonBlocking(pid, fd int) lesson.Evidence {
	return lesson.Evidence{Fact: "non-blocking", Value: "O_NONBLOCK is set", Source: "fcntl(2) F_GETFL", Command: "cat " + proc(pid, fmt.Sprintf("fdinfo/%d", fd))}
}

// SendBuffer is the size of the send buffer.
func SendBuffer(bytes int) lesson.Evidence {
	return lesson.Evidence{Fact: "send buffer", Value: fmt.Sprintf("%d bytes", bytes), Source: "getsockopt(2) SO_SNDBUF"}
}

// TCPInfo is what TCP has measured on a connection.
func TCPInfo(t *unix.TCPInfo, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "TCP_INFO",
		Value:  fmt.Sprintf("rtt %.3f ms, mss %d, cwnd %d, bytes received %d, bytes acked %d", float64(t.Rtt)/1000, t.Snd_mss, t.Snd_cwnd, t.Bytes_received, t.Bytes_acked),
		Source: "getsockopt(2) TCP_INFO", Command: command,
		Note: "rtt: there and back. mss: most data in one segment. cwnd: segments that may be under way. A SYN and a FIN count as a byte each."}
}
