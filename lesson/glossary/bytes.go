package glossary

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
)

func oneStream(p *pair) []lesson.Evidence {
	command := trace("stream", "sendto", "recvfrom")
	return []lesson.Evidence{
		told("first send", command, p.Send(p.client, []byte("hel"), unix.MSG_NOSIGNAL), ""),
		told("second send", command, p.Send(p.client, []byte("lo"), unix.MSG_NOSIGNAL), ""),
		told("one receive", command, p.Recv(p.server, 4096, 0), "Where one send ended, nothing tells any more."),
	}
}

func twoDatagrams(p *pair) []lesson.Evidence {
	reader, writer := p.otherBound(unix.SOCK_DGRAM), p.other(unix.SOCK_DGRAM)
	if p.Connect(writer, sockets.Sockname(reader)).Err() != nil {
		return nil
	}
	p.Send(writer, []byte("hel"), unix.MSG_NOSIGNAL)
	p.Send(writer, []byte("lo"), unix.MSG_NOSIGNAL)
	command := trace("datagram", "sendto", "recvfrom")
	return []lesson.Evidence{
		told("first receive", command, p.Recv(reader, 4096, unix.MSG_DONTWAIT), ""),
		told("second receive", command, p.Recv(reader, 4096, unix.MSG_DONTWAIT), "Two sends, and each came out by itself."),
	}
}

func fewBytes(p *pair) []lesson.Evidence {
	p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL)
	return []lesson.Evidence{told("asked for 4096", trace("partial read", "recvfrom"), p.Recv(p.server, 4096, 0), "Five bytes were there.")}
}

func endOfFile(p *pair) []lesson.Evidence {
	p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL)
	command := trace("EOF", "shutdown", "recvfrom")
	return []lesson.Evidence{
		told("the peer", command, p.Shutdown(p.client, unix.SHUT_WR), ""),
		told("first receive", command, p.Recv(p.server, 4096, 0), ""),
		told("second receive", command, p.Recv(p.server, 4096, 0), "0: the end."),
	}
}

func peeked(p *pair) []lesson.Evidence {
	p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL)
	command := trace("MSG_PEEK", "recvfrom")
	return []lesson.Evidence{
		told("first receive", command, p.Recv(p.server, 4096, unix.MSG_PEEK), ""),
		told("second receive", command, p.Recv(p.server, 4096, 0), "The same bytes: the first one left them there."),
	}
}

func closedUnanswered(p *pair) []lesson.Evidence {
	p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL)
	p.Recv(p.server, 4096, 0)
	p.Shutdown(p.server, unix.SHUT_WR)
	return []lesson.Evidence{told("the client", trace("empty reply", "recvfrom"), p.Recv(p.client, 4096, 0), "The server has read 5 bytes and ended the connection.")}
}

// plenty is more bytes than the buffers of a connection take at once.
const plenty = 64 << 20

func (p *pair) sendPlenty() sockets.Call {
	return p.Send(p.client, make([]byte, plenty), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
}

func muchAtOnce(p *pair) []lesson.Evidence {
	c := p.sendPlenty()
	return []lesson.Evidence{{Fact: "one send", Value: fmt.Sprintf("%d bytes of %d taken", c.Ret, plenty), Source: "sendto(2), made just now", Command: trace("partial write", "sendto"),
		Note: "The peer reads nothing, and `MSG_DONTWAIT` says not to wait for room."}}
}
