package step

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Send writes bytes.
var Send = add(Step{
	Name:   "send",
	Call:   "sendto",
	Blocks: unix.SYS_SENDTO,
	On:     talking,
	Needs: func(p plan) (todo, bool) {
		if x, ok := p.now.last(p.role, quiet); ok && !x.Stream() && p.addressed && !p.has(p.role, conversation) {
			return nothing() // a datagram needs nobody at the other end
		}
		if p.role == client {
			return p.talk()
		}
		return p.talk(by(client, "send"), by(server, "recv"))
	},
	Order: func(s *scene) stage.Order {
		x, _ := s.socket()
		return stage.Order{FD: s.call.FD, Flags: unix.MSG_NOSIGNAL, Data: message(s, x), Addr: destination(s, x)}
	},
	Again: func(s *scene) bool { // the bytes that a partial write left
		if s.call.Errno != 0 || int(s.call.Ret) >= len(s.order.Data) {
			return false
		}
		s.order.Data = s.order.Data[s.call.Ret:]
		return true
	},
	Facts: []fact{unsent, sendBuffer, peerUnread, keptPeer, wildcardSent, pathInfo},
	Cases: func(s *scene, c *cases) {
		x, _ := s.socket()
		c.add(s.opts.Localhost, "localhost")
		c.add(s.call.Errno == 0 && s.peerGone(x), "gone")
		c.add(s.stream() && (x.Listening || s.call.Errno != 0 && !x.Conversation()), "unconnected")
		c.add(s.besidePeer() && s.stream(), "ignored")
		c.add(s.besidePeer() && !s.stream(), "elsewhere")
	},
	Values: func(s *scene, v map[string]string) {
		if s.call.Returned && s.call.Errno == 0 {
			v["bytes"] = fmt.Sprint(s.call.Ret)
		}
	},
	Take: within(unix.SO_SNDTIMEO),
})

// besidePeer reports whether the call names an address although the socket has a
// peer. TCP does not look at it (tcp_sendmsg_locked), a Unix stream refuses it, and a
// datagram goes there.
func (s *scene) besidePeer() bool { return len(s.order.Addr) > 0 && s.was().Connected() }

// keptPeer shows that an address in a send changes nothing about the peer.
func keptPeer(s *scene) []lesson.Evidence {
	if !s.besidePeer() {
		return nil
	}
	return peerName(s)
}

// wildcardSent shows where a datagram to the wildcard has gone.
func wildcardSent(s *scene) []lesson.Evidence {
	if s.stream() {
		return nil
	}
	return wildcardTaken(s)
}

// destination is where a datagram goes from a socket without a peer: where it was
// told to, else to the newest socket of the other process.
func destination(s *scene, x stage.Socket) sockets.Sockaddr {
	if s.opts.Addr != nil || x.Type != unix.SOCK_DGRAM || x.Connected() {
		return s.opts.Addr
	}
	if other, ok := s.after.last(client, conversation); ok && other.Bound() {
		return other.Local
	}
	return nil
}

// message is what send sends: the bytes that were given, else a request from the
// client and a response from the server.
func message(s *scene, x stage.Socket) []byte {
	switch {
	case s.opts.Data != nil:
		return s.opts.Data
	case x.Type == unix.SOCK_DGRAM && s.role == client:
		return []byte("one message\n")
	case x.Type == unix.SOCK_DGRAM:
		return []byte("one answer\n")
	case s.role == client:
		return httpmini.AppendRequest(nil, s.opts.Method, s.opts.Target, host(x))
	}
	return httpmini.AppendResponse(nil, httpmini.Message{
		Status:      s.opts.Status,
		Date:        time.Now(),
		ContentType: s.opts.MediaType,
		Body:        s.opts.Body,
		Connection:  "close",
	})
}

// host is the Host field for a connection: the peer's address and port, and
// localhost for a unix socket, as curl does it.
func host(x stage.Socket) string {
	if x.Domain == unix.AF_UNIX || !x.Connected() {
		return "localhost"
	}
	return x.Peer.String()
}

func unsent(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	switch {
	case !ok, x.Listening, x.Domain == unix.AF_UNIX: // there it counts kernel memory
		return nil
	case x.Stream():
		_, sent := s.after.queues(s.role, x)
		if x.State() == kernel.Close && sent.Bytes > 0 {
			return one(facts.Discarded(sent))
		}
		return one(facts.Unacknowledged(sent, facts.Show(x)))
	}
	return one(facts.Unsent(x.Unsent, facts.Show(x)))
}

func sendBuffer(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok {
		return nil
	}
	return one(facts.SendBuffer(x.SendBuf))
}

func peerUnread(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	waiting, there := s.atPeer(x)
	if !ok || !there || !x.Stream() {
		return nil
	}
	return one(facts.UnreadAtPeer(waiting, facts.Show(x)))
}
