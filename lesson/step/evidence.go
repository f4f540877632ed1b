package step

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
)

// A fact reads one kind of evidence for a scene. It gives none where the kernel
// has nothing to say.
type fact func(*scene) []lesson.Evidence

func one(e lesson.Evidence) []lesson.Evidence { return []lesson.Evidence{e} }

func descriptors(s *scene) []lesson.Evidence {
	end := s.after.ends[s.role]
	fds, hidden, err := end.Descriptors()
	if err != nil {
		return nil
	}
	return one(facts.Descriptors(s.pid(), fds, hidden, end.Reserved))
}

func socketKind(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok {
		return nil
	}
	return one(facts.Kind(x.Asked))
}

// absence shows that a socket which neither listens nor is connected is in no
// table of connections.
func absence(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	inode, known := s.inode()
	if !ok || !known || x.Protocol != unix.IPPROTO_TCP {
		return nil
	}
	rows, err := s.asked().Table(facts.Table(x.Domain))
	if err != nil || slices.ContainsFunc(rows, func(r kernel.Row) bool { return r.Inode == inode }) {
		return nil
	}
	return one(facts.Absent(s.pid(), facts.Table(x.Domain), inode, len(rows)))
}

func localName(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || len(x.Local) == 0 {
		return nil
	}
	command := ""
	if x.Listening || x.Connected() {
		command = facts.Show(x)
	}
	return one(facts.LocalAddress(x.Local, command))
}

func peerName(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || !x.Connected() {
		return nil
	}
	return one(facts.PeerAddress(x.Peer, facts.Show(x)))
}

// socketFile is the file that bind(2) makes for an AF_UNIX path, or what lies
// there already.
func socketFile(s *scene) []lesson.Evidence {
	path := s.order.Addr.Path()
	var st unix.Stat_t
	if !strings.HasPrefix(path, "/") || unix.Lstat(path, &st) != nil {
		return nil
	}
	return one(facts.File(path, st.Mode))
}

func listenRow(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	q, known := s.after.queue(s.role, x)
	if !ok || !known {
		return nil
	}
	return one(facts.ListenRow(q, facts.Show(x)))
}

func acceptQueue(s *scene) []lesson.Evidence {
	x, role, ok := s.listener()
	if !ok {
		return nil
	}
	now, known := s.after.queue(role, x)
	if !known {
		return nil
	}
	before := now.Waiting
	if q, known := s.before.queue(role, x); known {
		before = q.Waiting
	}
	return one(facts.AcceptQueue(now, before, facts.Show(x)))
}

func states(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.Listening || x.Domain == unix.AF_UNIX || !x.Stream() {
		return nil
	}
	own, peer := s.rows(x)
	state := x.State()
	if own != nil {
		state = own.State
	}
	return one(facts.States(s.role, state, s.other(), peer, facts.Show(x)))
}

// pathInfo is what TCP has measured on this connection.
func pathInfo(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.TCP == nil || x.State() == kernel.SynSent || !x.Connected() || s.opts.Count > 1 {
		return nil
	}
	return one(facts.TCPInfo(x.TCP, facts.ShowInfo(x)))
}

func unread(s *scene) []lesson.Evidence {
	was, ok := s.before.socket(s.role, s.call.FD)
	is, still := s.after.socket(s.role, s.call.FD)
	if !ok || !still || is.Listening {
		return nil
	}
	before := was.Unread
	if s.late {
		before = -1
	}
	if is.Stream() {
		received, _ := s.after.queues(s.role, is)
		return one(facts.Unread(is.Unread, before, received, facts.Show(is)))
	}
	return one(facts.NextMessage(is.Unread, before, s.after.messages(s.role, is), facts.Show(is)))
}
