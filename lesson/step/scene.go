package step

import (
	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// scene is one step as it happened: what was ordered, the call that came of it,
// and what the kernel said before and after. Words and evidence are made of it.
type scene struct {
	todo
	name          string           // of the stage
	usual         sockets.Sockaddr // what bind takes when no address is named
	opts          Options
	order         stage.Order
	call          sockets.Call
	before, after sight
	late          bool              // the call returned when no command watched, so before is not what was before it
	interrupted   bool              // the call ended because fd3 was told to end
	known         map[string]string // the values, as long as nothing changes
	task          kernel.Task       // of the thread that sleeps in the call, while that is told
	lies          *waiting          // the first packet on the cable of its connection, while that is told; nil: none
	atPath        *takenPath        // see taken
}

// scene is the beginning of a step: what the kernel says now, and the order.
func (r *Runner) scene(t todo, o Options, now, since sight) *scene {
	s := &scene{todo: t, name: r.Name, usual: r.Usual, opts: o, before: since, after: now}
	s.call.FD = o.FD
	if s.call.FD == Fitting {
		s.call.FD = t.pick(now)
	}
	s.order = t.step.Order(s)
	s.order.Do = t.step.Call
	s.call = sockets.Call{Name: s.order.Do, FD: s.order.FD}
	return s
}

// failed reports whether the kernel refused the call. EINPROGRESS, and EAGAIN on
// AF_UNIX, are what the non-blocking connects of several clients are meant to
// return.
func (s *scene) failed() bool {
	if s.opts.Count > 1 && (s.call.Errno == unix.EINPROGRESS || s.call.Errno == unix.EAGAIN) {
		return false
	}
	return s.call.Errno != 0
}

// pid is the process that made the call.
func (s *scene) pid() int { return s.after.ends[s.role].PID }

// sleeping asks the kernel whether the thread that makes the calls sleeps inside
// the call of the scene, and where.
func (s *scene) sleeping() (kernel.Task, bool) {
	t, err := kernel.Thread(s.pid(), s.after.ends[s.role].TID)
	return t, err == nil && inCall(t, s.call.Name)
}

// other is the party at the other end: the one that has it, else the next one.
func (s *scene) other() stage.Role {
	if x, ok := s.socket(); ok && x.With.AddrPort().IsValid() {
		for _, p := range s.after.parties {
			if p.Name != s.role && s.after.talksWith(p.Name, x) {
				return p.Name
			}
		}
	}
	for _, p := range s.after.parties {
		if p.Name != s.role {
			return p.Name
		}
	}
	return client
}

// talksWith reports whether a party has the other end of a conversation.
func (s sight) talksWith(role stage.Role, x stage.Socket) bool {
	_, ok := s.last(role, func(y stage.Socket) bool {
		return y.Conversation() && y.Local.AddrPort() == x.With.AddrPort() && y.With.AddrPort() == x.Local.AddrPort()
	})
	return ok
}

// fd is the descriptor that the step is about: the new one after a call that makes
// one, else the one that the call acts on.
func (s *scene) fd() int {
	if s.call.Errno == 0 && s.call.Returned && s.step.Makes {
		return int(s.call.Ret)
	}
	return s.call.FD
}

// socket is the socket that the step is about, as the kernel described it last:
// after the call, or before it where the call closed it.
func (s *scene) socket() (stage.Socket, bool) {
	if x, ok := s.after.socket(s.role, s.fd()); ok {
		return x, true
	}
	return s.before.socket(s.role, s.fd())
}

// was is the socket that the call acts on, as it was before.
func (s *scene) was() stage.Socket {
	x, _ := s.before.socket(s.role, s.call.FD)
	return x
}

// rows are those of the conversation that the step is about, after it.
func (s *scene) rows(x stage.Socket) (own, peer *kernel.InetSocket) { return s.after.rows(s.role, x) }

// asked is the network namespace that the step is in.
func (s *scene) asked() kernel.Net { return s.after.party(s.role).Net }

// setting is a sysctl of that namespace. It is read once for a sight.
func (s *scene) setting(name string) (string, error) {
	known := s.after.net(s.role).settings
	if value, ok := known[name]; ok {
		return value, nil
	}
	value, err := s.asked().Sysctl(name)
	if err == nil && known != nil { // nil: nothing was looked at
		known[name] = value
	}
	return value, err
}

// moved is how far its counters have moved since the step began.
func (s *scene) moved() kernel.Counters {
	return s.after.net(s.role).counters.Sub(s.before.net(s.role).counters)
}

// net is what the kernel had in the party's network namespace before the step.
func (s *scene) net() network { return s.before.net(s.role) }

// listener is the listening socket that the step has to do with, and whose: the one
// it acts on, else the server's.
func (s *scene) listener() (x stage.Socket, role stage.Role, ok bool) {
	for _, when := range []sight{s.after, s.before} {
		if x, ok := when.socket(s.role, s.call.FD); ok && x.Listening {
			return x, s.role, true
		}
	}
	x, ok = s.after.listener()
	return x, server, ok && x.Listening
}

// domain is the family of the socket that the step is about.
func (s *scene) domain() int {
	if s.order.Domain != 0 {
		return s.order.Domain
	}
	x, _ := s.socket()
	return x.Domain
}

// stream reports whether that socket carries a stream of bytes.
func (s *scene) stream() bool {
	if s.order.Domain != 0 {
		return s.order.Type&0xf == unix.SOCK_STREAM
	}
	x, _ := s.socket()
	return x.Stream() || x.Type == 0
}

// peerGone reports whether a TCP connection has no other end on this machine, where
// it should have one.
func (s *scene) peerGone(x stage.Socket) bool {
	_, peer := s.rows(x)
	return x.TCP != nil && x.With.AddrPort().Addr().IsLoopback() && peer == nil
}
