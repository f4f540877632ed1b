package glossary

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

// queues shows both columns of ss(8) for a socket.
func (p *pair) queues(fd int, fact, command, note string) []lesson.Evidence {
	row := p.row(fd)
	if row == nil {
		return nil
	}
	return []lesson.Evidence{{Fact: fact, Value: fmt.Sprintf("Recv-Q %d, Send-Q %d", row.RQueue, row.WQueue), Source: "sock_diag(7)", Command: command, Note: note}}
}

// waiting shows a listener with a connection that nobody has accepted.
func waiting(p *pair) []lesson.Evidence {
	return p.queues(p.listener, "a listener", "ss -ltn", fmt.Sprintf("A new one, with a backlog of %d, to which one client has connected.", unix.SOMAXCONN))
}

func unread(p *pair) []lesson.Evidence {
	p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL)
	return p.queues(p.server, "a connection", "ss -tan", "A new one: the peer has sent 5 bytes, and nobody has read them.")
}

func unacknowledged(p *pair) []lesson.Evidence {
	c := p.sendPlenty()
	return p.queues(p.client, "a connection", "ss -tan", fmt.Sprintf("A new one: %d bytes were written, and the peer reads none.", c.Ret))
}

// clamped asks for more than the kernel allows and reads back what it took.
func clamped(p *pair) []lesson.Evidence {
	const tooMany = 1 << 20
	p.Listen(p.listener, tooMany)
	row := p.row(p.listener)
	if row == nil {
		return nil
	}
	return []lesson.Evidence{{Fact: "asked for", Value: fmt.Sprintf("%d, and the kernel made it %d", tooMany, row.WQueue), Source: "listen(2), sock_diag(7)", Command: "fd3 listen --backlog 1048576"}}
}

func bothNames(p *pair) []lesson.Evidence {
	return []lesson.Evidence{{Fact: "a connection", Value: fmt.Sprintf("%s, its peer %s", sockets.Sockname(p.server), sockets.Peername(p.server)), Source: "getsockname(2), getpeername(2)", Command: "ss -tan",
		Note: "A new one, over loopback: the end that the server has accepted."}}
}

// tcpInfo reads TCP_INFO of a connection that has just been opened.
func tcpInfo(fact string, say func(*unix.TCPInfo) string) question {
	return connected(func(p *pair) []lesson.Evidence {
		a, err := kernel.Ask(p.client)
		if err != nil || a.TCP == nil {
			return nil
		}
		return []lesson.Evidence{{Fact: fact, Value: say(a.TCP), Source: "getsockopt(2) TCP_INFO", Command: "ss -tani", Note: "Of a connection that fd3 has just opened over loopback."}}
	})
}

// milliseconds returns a time of TCP_INFO, where it is in microseconds.
func milliseconds(us uint32) string { return fmt.Sprintf("%.3f ms", float64(us)/1000) }

// acknowledged shows how many numbers five bytes have taken.
func acknowledged(p *pair) []lesson.Evidence {
	p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL)
	var a kernel.Asked
	var err error
	await(func() bool {
		a, err = kernel.Ask(p.client)
		return err != nil || a.Unsent == 0
	})
	if err != nil || a.TCP == nil {
		return nil
	}
	return []lesson.Evidence{{Fact: "acknowledged", Value: lesson.Counted(a.TCP.Bytes_acked, "number") + " after 5 bytes", Source: "getsockopt(2) TCP_INFO", Command: "ss -tani",
		Note: "Of a connection that fd3 has just opened over loopback. The SYN counts as one."}}
}

func halfClosed(p *pair) []lesson.Evidence {
	c := p.Shutdown(p.client, unix.SHUT_WR)
	var own *kernel.InetSocket
	await(func() bool {
		own = p.row(p.client)
		return own == nil || own.State != kernel.FinWait1
	})
	peer := p.row(p.server)
	if own == nil || peer == nil {
		return nil
	}
	return []lesson.Evidence{
		told("this end", trace("half-close", "shutdown"), c, ""),
		{Fact: "states", Value: fmt.Sprintf("this end: %s, its peer: %s", own.State, peer.State), Source: "sock_diag(7)", Command: "ss -tan"},
	}
}
