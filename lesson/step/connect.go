package step

import (
	"context"
	"net/netip"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Connect connects a client.
var Connect = add(Step{
	Name:   "connect",
	Role:   client,
	Call:   "connect",
	Blocks: unix.SYS_CONNECT,
	Named:  true,
	Struct: true,
	On:     these(quiet),
	Needs: func(p plan) (todo, bool) {
		if _, ok := p.now.listener(); !ok && p.opts.Addr == nil {
			p.role = server
			if t, missing := p.bound(); missing {
				return t, true
			}
			if x, ok := p.now.last(server, quiet); ok && x.Stream() {
				return p.first("listen", server)
			}
		}
		if !p.has(client, quiet) && p.opts.Count <= 1 { // several make their own
			return p.first("socket", client)
		}
		return nothing()
	},
	Order: func(s *scene) stage.Order { return stage.Order{FD: s.call.FD, Addr: target(s)} },
	Facts: []fact{localName, peerName, wildcardTaken, states, acceptQueue, unaccepted, overflows, clientStates, pathInfo},
	Cases: func(s *scene, c *cases) {
		c.add(s.opts.Localhost, "localhost")
		c.add(s.opts.Count > 1, "many")
		c.add(s.was().Bound(), "bound")
		if s.call.Errno == unix.ECONNREFUSED && s.domain() != unix.AF_UNIX {
			reached := s.after.net(s.role).tcp.Listener(s.goal().AddrPort()) != nil
			c.add(reached, "late")
			c.add(!reached && len(s.listeners()) > 0, "elsewhere")
			c.add(s.order.Addr.Wildcard() && !s.goal().Wildcard(), "any")
		}
	},
	Values: func(s *scene, v map[string]string) {
		if at := s.listeners(); len(at) > 0 {
			v["listeners"] = facts.Places(at)
		}
		if len(s.order.Addr) > 0 {
			v["goal"] = s.goal().String()
		}
	},
	Take: func(ctx context.Context, r *Runner, t todo, o Options, now sight) error {
		if o.Count > 1 {
			return connectMany(ctx, r, t, o, now)
		}
		return within(unix.SO_SNDTIMEO)(ctx, r, t, o, now)
	},
})

// target is the address that connect goes to: what was asked for, else where the
// server listens. One cannot connect to every interface at once, so the wildcard
// becomes loopback.
func target(s *scene) sockets.Sockaddr {
	if s.opts.Addr != nil {
		return s.opts.Addr
	}
	x, ok := s.after.listener()
	if !ok {
		return s.usualAddr(server, x)
	}
	if !x.Local.Wildcard() {
		return x.Local
	}
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if x.Domain == unix.AF_INET6 {
		loopback = netip.IPv6Loopback()
	}
	return sockets.InetSockaddr(netip.AddrPortFrom(loopback, x.Local.Port()))
}

// connectMany makes several clients. Their sockets are non-blocking, so that one
// whose handshake does not end keeps no other from beginning its own.
func connectMany(ctx context.Context, r *Runner, t todo, o Options, first sight) error {
	socket := by(t.role, "socket")
	brief := o
	brief.Explain = recapOnly
	for i := range o.Count {
		if _, err := r.step(ctx, socket, o.recap(socket)); err != nil {
			return err
		}
		if i < o.Count-1 {
			if _, err := r.step(ctx, t, brief); err != nil {
				return err
			}
		}
	}
	now, err := look(ctx, r.Parties)
	if err != nil {
		return err
	}
	_, err = r.stepFrom(ctx, t, o, now, first)
	return err
}

// unaccepted shows that a connection waiting in the accept queue belongs to no
// process yet.
func unaccepted(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	_, peer := s.rows(x)
	if !ok || peer == nil || peer.Inode != 0 || peer.State != kernel.Established {
		return nil
	}
	return one(facts.Unaccepted(peer, facts.Show(x)))
}

func overflows(s *scene) (found []lesson.Evidence) {
	moved := s.moved()
	for _, name := range []string{"ListenOverflows", "ListenDrops"} {
		if n := moved["TcpExt."+name]; n > 0 {
			found = append(found, facts.Overflow(s.pid(), name, n, "this step began"))
		}
	}
	return found
}

// clientStates lists the client's connections when there are several.
func clientStates(s *scene) (found []lesson.Evidence) {
	all := s.after.ends[s.role].Sockets
	if len(all) < 2 {
		return nil
	}
	for _, x := range all {
		if x.TCP != nil && x.Conversation() {
			found = append(found, facts.ClientState(x))
		}
	}
	return found
}
