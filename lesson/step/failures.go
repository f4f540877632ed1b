package step

import (
	"os"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
)

// failures are the evidence for the likely cause of an errno.
var failures = map[unix.Errno][]fact{
	unix.EADDRINUSE:    {addressHolder, timeWaiting, socketFile},
	unix.EACCES:        {privilegedPorts, broadcastPeer, socketFile, processUser},
	unix.EADDRNOTAVAIL: {nonlocalBind},
	unix.EINVAL:        {localName, accepting, misfit},
	unix.EAFNOSUPPORT:  {socketKind},
	unix.ECONNREFUSED:  {wildcardTaken, whoListens, whoReceives, socketFile},
	unix.ENETUNREACH:   {broadcastPeer},
	unix.EPROTOTYPE:    {socketKind},
	unix.ENOTCONN:      {noPeer, states},
	unix.EPIPE:         {noPeer, states},
	unix.ECONNRESET:    {states},
	unix.EISCONN:       {peerName, states},
	unix.EALREADY:      {states},
	unix.EINPROGRESS:   {states, acceptQueue, timeouts},
	unix.EAGAIN:        {timeouts, unread, acceptQueue},
	unix.EMFILE:        {descriptorLimit},
	unix.EOPNOTSUPP:    {socketKind},
	unix.EDESTADDRREQ:  {noPeer},
	unix.ENOTSOCK:      {descriptors},
	unix.EBADF:         {descriptors},
}

func noPeer(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.Connected() {
		return nil
	}
	return one(facts.NoPeer())
}

// misfit shows the kind of a socket that an address of another family was given.
func misfit(s *scene) []lesson.Evidence {
	if len(s.order.Addr) == 0 || s.order.Addr.Family() == s.domain() {
		return nil
	}
	return socketKind(s)
}

func addressHolder(s *scene) []lesson.Evidence {
	e := facts.Holder(s.order.Addr, s.stream(), s.holder())
	if t, ok := s.taken(); ok && t.orphan() {
		e.Source = "connect(2): ECONNREFUSED"
	} else if ok && !t.socket() {
		e.Source, e.Command = "lstat(2)", ""
	}
	return one(e)
}

func timeWaiting(s *scene) []lesson.Evidence {
	n := s.net().inTimeWait(s.order.Addr)
	if n == 0 || !s.stream() {
		return nil
	}
	return one(facts.TimeWaiting(n, s.order.Addr.Port()))
}

func privilegedPorts(s *scene) []lesson.Evidence {
	value, err := s.setting("net.ipv4.ip_unprivileged_port_start")
	if err != nil || s.call.Name != "bind" || s.order.Addr.Family() == unix.AF_UNIX {
		return nil
	}
	return one(facts.FirstFreePort(value))
}

// processUser shows whose the process is, where that decides.
func processUser(s *scene) []lesson.Evidence {
	if s.call.Name != "bind" && s.domain() != unix.AF_UNIX {
		return nil
	}
	return one(facts.User(os.Geteuid()))
}

func broadcastPeer(s *scene) []lesson.Evidence {
	if !broadcast(s.order.Addr) {
		return nil
	}
	return one(facts.Broadcast(s.order.Addr))
}

func nonlocalBind(s *scene) []lesson.Evidence {
	value, err := s.setting("net.ipv4.ip_nonlocal_bind")
	if err != nil || s.call.Name != "bind" {
		return nil
	}
	e := facts.NonlocalBind(value)
	e.Command = "ip -br address" // which says what there is to bind
	return one(e)
}

// whoListens says where somebody listens on the port that a connect was refused at.
func whoListens(s *scene) []lesson.Evidence {
	addr := s.order.Addr
	if s.domain() == unix.AF_UNIX || !s.stream() || len(addr) == 0 {
		return nil
	}
	return one(facts.Listeners(addr.Port(), s.listeners()))
}

// whoReceives says the same of the port that a datagram was sent to.
func whoReceives(s *scene) []lesson.Evidence {
	addr := s.receiver()
	if s.domain() == unix.AF_UNIX || s.stream() || len(addr) == 0 {
		return nil
	}
	return one(facts.Receivers(addr.Port(), s.receivers(addr.Port())))
}

func descriptorLimit(s *scene) []lesson.Evidence {
	var limit unix.Rlimit
	if unix.Prlimit(s.pid(), unix.RLIMIT_NOFILE, nil, &limit) != nil {
		return nil
	}
	return one(facts.DescriptorLimit(s.pid(), limit.Cur))
}
