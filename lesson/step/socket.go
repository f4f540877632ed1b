package step

import (
	"cmp"
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Socket makes a socket.
var Socket = add(Step{
	Name:  "socket",
	Call:  "socket",
	Makes: true,
	Named: true,
	Order: func(s *scene) stage.Order {
		return stage.Order{Domain: newDomain(s), Type: newType(s), Protocol: s.opts.Proto}
	},
	Facts: []fact{descriptors, openFile, socketKind, absence},
	Cases: func(s *scene, c *cases) { c.add(s.order.Protocol != 0, "asked") },
	Values: func(s *scene, v map[string]string) {
		v["protocol_asked"] = fmt.Sprint(s.order.Protocol)
		if _, made := s.socket(); !made {
			v["domain"] = sockets.DomainName(s.order.Domain)
			v["type"] = sockets.TypeName(s.order.Type)
		}
	},
})

// model is the socket of the server that a client's new one has to fit to, unless
// the learner says otherwise.
func model(s *scene) (stage.Socket, bool) {
	x, ok := s.after.listener()
	return x, ok && s.role == client && s.opts.Addr == nil && (s.opts.Domain == 0 || s.opts.Domain == x.Domain)
}

// newDomain is the family of a new socket: what was asked for, else that of the
// model, else what the address needs.
func newDomain(s *scene) int {
	if s.opts.Domain != 0 {
		return s.opts.Domain
	}
	if x, ok := model(s); ok {
		return x.Domain
	}
	return cmp.Or(s.opts.Addr.Family(), unix.AF_INET)
}

// newType is its type. Several clients get sockets that do not block.
func newType(s *scene) int {
	typ := cmp.Or(s.opts.Type, unix.SOCK_STREAM)
	if x, ok := model(s); ok && s.opts.Type == 0 {
		typ = x.Type
	}
	if s.opts.Count > 1 && s.role == client {
		typ |= unix.SOCK_NONBLOCK
	}
	return typ | unix.SOCK_CLOEXEC
}

func openFile(s *scene) []lesson.Evidence {
	f, err := kernel.FDInfo(s.pid(), s.fd())
	if err != nil {
		return nil
	}
	return one(facts.OpenFile(s.pid(), s.fd(), f))
}
