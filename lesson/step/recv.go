package step

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Recv reads bytes.
var Recv = add(Step{
	Name:   "recv",
	Call:   "recvfrom",
	Blocks: unix.SYS_RECVFROM,
	On:     talking,
	Needs: func(p plan) (todo, bool) {
		if p.role == client {
			return p.talk(by(server, "accept"), by(client, "send"), by(server, "recv"), by(server, "send"))
		}
		return p.talk(by(client, "send"))
	},
	Order:  func(s *scene) stage.Order { return receive(s, 0) },
	Facts:  []fact{unread, states, pathInfo},
	Cases:  readCases,
	Values: received,
	Take:   within(unix.SO_RCVTIMEO),
})

func receive(s *scene, flags int) stage.Order {
	x, _ := s.socket()
	return stage.Order{FD: s.call.FD, Type: x.Type, Size: s.opts.Size, Flags: flags}
}

// readCases are those of a call that reads.
func readCases(s *scene, c *cases) {
	x, _ := s.socket()
	nothing := s.call.Returned && s.call.Errno == 0 && s.call.Ret == 0
	c.add(s.call.Errno == unix.ENOTCONN && x.Listening, "listener")
	c.add(nothing && x.State() == kernel.Close && x.TCP != nil, "over")
	c.add(nothing && s.ownShutdown(x), "shut")
	c.add(nothing && s.stream(), "end")
	message, cut := s.cut()
	c.add(cut && message > 0, "cut")
	c.add(cut && message == 0, "full")
	nameless := s.call.Returned && s.call.Errno == 0 && !s.stream() && s.call.Addr.Path() == "" && !s.call.Addr.AddrPort().IsValid()
	c.add(nameless && s.call.Ret == 0, "empty")
	c.add(nameless, "nameless")
	c.add(!s.stream() && s.was().Connected(), "alone")
}

// ownShutdown reports whether a TCP socket reads no more although its peer has sent no
// FIN: then this end has said so itself.
func (s *scene) ownShutdown(x stage.Socket) bool {
	state := x.State()
	return x.TCP != nil && state != kernel.Close && !finCame(state)
}

// cut reports whether a datagram may have been longer than the room for it, and how
// long it was, if the kernel was asked while it waited; else 0. recvfrom(2) itself
// does not tell.
func (s *scene) cut() (message int, may bool) {
	if s.call.Name != "recvfrom" || s.stream() || s.call.Errno != 0 || !s.call.Returned || s.call.Ret == 0 || int(s.call.Ret) < s.order.Size {
		return 0, false
	}
	if !s.late {
		message = s.was().Unread
	}
	return message, message != int(s.call.Ret)
}

// received are the values of a call that read.
func received(s *scene, v map[string]string) {
	if s.call.Returned && s.call.Errno == 0 {
		v["bytes"] = fmt.Sprint(s.call.Ret)
	}
	if message, cut := s.cut(); cut && message > 0 {
		v["message"], v["lost"] = fmt.Sprint(message), fmt.Sprint(message-int(s.call.Ret))
	}
	if len(s.call.Addr) > 0 {
		v["peer"] = s.call.Addr.String()
	}
}
