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
	name          string // of the stage
	opts          Options
	order         stage.Order
	call          sockets.Call
	before, after sight
	interrupted   bool              // the call ended because fd3 was told to end
	known         map[string]string // the values, as long as nothing changes
	atPath        *takenPath        // see taken
}

// failed tells whether the kernel refused the call. EINPROGRESS, and EAGAIN on
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
	if err != nil || t.Wchan == "" || t.State != 'S' {
		return t, false
	}
	number, blocks := blockingCalls[s.call.Name]
	return t, blocks && (t.Syscall.Form != kernel.SyscallBlocked || t.Syscall.Number == number)
}

// blockingCalls are the calls that may wait for the other end.
var blockingCalls = map[string]int{
	"accept4":  unix.SYS_ACCEPT4,
	"connect":  unix.SYS_CONNECT,
	"recvfrom": unix.SYS_RECVFROM,
	"sendto":   unix.SYS_SENDTO,
}

// other is the role of the other end.
func (s *scene) other() stage.Role {
	if s.role == stage.Server {
		return stage.Client
	}
	return stage.Server
}

// fd is the descriptor that the step is about: the new one after socket and
// accept4, else the one that the call acts on.
func (s *scene) fd() int {
	if s.call.Errno == 0 && (s.call.Name == "socket" || s.call.Name == "accept4") {
		return int(s.call.Ret)
	}
	return s.call.FD
}

// socket is the socket that the step is about, as the kernel described it last:
// after the call, or before it where the call closed it.
func (s *scene) socket() (stage.Socket, bool) {
	if x, ok := s.after.socket(s.role, s.fd()); ok && s.call.Name != "close" {
		return x, true
	}
	return s.before.socket(s.role, s.fd())
}

// listener is the listening socket that the step has to do with: the one it acts
// on, else the server's.
func (s *scene) listener() (stage.Socket, bool) {
	for _, when := range []sight{s.after, s.before} {
		if x, ok := when.socket(s.role, s.call.FD); ok && x.Listening {
			return x, true
		}
	}
	x, ok := s.after.listener()
	return x, ok && x.Listening
}

// variants are the names of the situations that the step is in, the most telling
// first. A section of the words may exist for some of them.
func (s *scene) variants() []string {
	var v []string
	add := func(when bool, name string) {
		if when {
			v = append(v, name)
		}
	}
	x, _ := s.socket()
	domain, stream := x.Domain, x.Stream() || x.Type == 0
	if s.call.Name == "socket" {
		domain, stream = s.order.Domain, s.order.Type&0xf == unix.SOCK_STREAM
	}
	was, _ := s.before.socket(s.role, s.call.FD)
	switch s.step {
	case "socket":
		add(s.order.Protocol != 0, "asked")
	case "bind":
		add(s.call.Errno == unix.EINVAL && was.Bound(), "bound")
		if s.call.Errno == unix.EADDRINUSE && domain != unix.AF_UNIX {
			_, listens := kernel.FindListener(s.before.tcp, s.order.Addr.AddrPort())
			add(!listens && s.inTimeWait(s.order.Addr) > 0, "timewait")
		}
		_, held := s.pathHolder()
		add(held, "live")
		if t, ok := s.taken(); ok && !held {
			add(t.mode == 0, "vanished")
			add(t.mode != 0 && !t.socket(), "file")
			add(t.socket() && !t.orphan(), "hidden")
		}
		ip := s.order.Addr.AddrPort().Addr()
		add(ip.Is6() && ip.IsLinkLocalUnicast() && ip.Zone() == "", "linklocal")
		add(!stream, "dgram")
		add(domain == unix.AF_UNIX, "unix")
		add(s.order.Addr.Wildcard(), "any")
		add(domain != unix.AF_UNIX && s.order.Addr.Port() == 0, "auto")
	case "listen":
		_, backlog, ok := s.after.queue(x)
		add(domain == unix.AF_UNIX, "unix")
		add(ok && backlog < s.order.Backlog, "clamped")
		add(was.Listening, "again")
		add(s.call.Errno == 0 && !was.Bound(), "unbound")
	case "connect":
		add(s.opts.Count > 1, "many")
	case "send":
		add(s.call.Errno == 0 && s.peerGone(x), "gone")
		add(x.Listening || s.call.Errno != 0 && !x.Conversation(), "unconnected")
	case "recv", "drain":
		add(s.call.Errno == unix.ENOTCONN && x.Listening, "listener")
		add(s.call.Returned && s.call.Errno == 0 && s.call.Ret == 0 && x.State() == kernel.Close && x.TCP != nil, "over")
		add(s.call.Returned && s.call.Errno == 0 && s.call.Ret == 0 && stream, "end")
		add(s.step == "drain" && s.call.Ret > 0, "more")
	case "shutdown":
		add(s.order.How == unix.SHUT_RD, "rd")
		add(s.order.How == unix.SHUT_RDWR, "both")
		add(was.State() == kernel.CloseWait, "last")
	case "close":
		add(!x.Conversation() && !x.Listening, "fresh")
		add(x.Listening, "listener")
		if domain != unix.AF_UNIX && stream && x.Conversation() {
			add(true, s.howItEnded(x))
		}
	}
	add(s.call.Errno == unix.EAGAIN && x.NonBlock, "nonblock")
	add(!stream, "dgram")
	add(domain == unix.AF_UNIX, "unix")
	add(domain == unix.AF_INET6, "inet6")
	add(s.role == stage.Client, "client")
	if domain == unix.AF_UNIX {
		v = withFamily(v, "unix")
	}
	return v
}

// withFamily puts before each situation the same one for a family, for words that
// hold only there: "many unix" before "many".
func withFamily(variants []string, family string) []string {
	var v []string
	for _, name := range variants {
		if name != family {
			v = append(v, name+" "+family)
		}
		v = append(v, name)
	}
	return v
}

// peerGone tells whether a TCP connection has no other end on this machine, where
// it should have one.
func (s *scene) peerGone(x stage.Socket) bool {
	_, _, _, there := s.after.rows(x)
	return x.TCP != nil && x.With.AddrPort().Addr().IsLoopback() && !there
}

// howItEnded says which end of a closed connection finished first, which is the
// one that is in TIME_WAIT, or will be; and whether it ended in order at all.
func (s *scene) howItEnded(x stage.Socket) string {
	own, peer, ownThere, peerThere := s.before.rows(x)
	switch state := x.State(); {
	case x.Unread > 0 && state != kernel.Close:
		return "reset"
	case state == kernel.CloseWait, state == kernel.LastAck, state == kernel.Close && peerThere && peer.State == kernel.TimeWait:
		return "last"
	case state == kernel.Close && !(ownThere && own.State == kernel.TimeWait):
		return "gone"
	}
	return "first"
}

// inTimeWait counts the connections of a local port that are in TIME_WAIT.
func (s *scene) inTimeWait(addr sockets.Sockaddr) int {
	n := 0
	for _, row := range s.before.tcp {
		if row.State == kernel.TimeWait && row.Local.Port() == addr.Port() {
			n++
		}
	}
	return n
}
