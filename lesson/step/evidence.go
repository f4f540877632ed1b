package step

import (
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
)

// A fact reads one kind of evidence for a scene. It gives none where the kernel
// has nothing to say.
type fact func(*scene) []lesson.Evidence

// failures are the evidence for the likely cause of an errno.
var failures = map[unix.Errno][]fact{
	unix.EADDRINUSE:    {addressHolder, timeWaiting, socketFile},
	unix.EACCES:        {privilegedPorts, broadcastPeer, socketFile, processUser},
	unix.EADDRNOTAVAIL: {nonlocalBind},
	unix.EINVAL:        {localName, accepting, misfit},
	unix.EAFNOSUPPORT:  {socketKind},
	unix.ECONNREFUSED:  {whoListens, whoReceives, socketFile},
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

func one(e lesson.Evidence) []lesson.Evidence { return []lesson.Evidence{e} }

func descriptors(s *scene) []lesson.Evidence {
	end := s.after.ends[s.role]
	fds, hidden, err := end.Descriptors()
	if err != nil {
		return nil
	}
	return one(facts.Descriptors(s.pid(), fds, hidden, end.Reserved))
}

func openFile(s *scene) []lesson.Evidence {
	f, err := kernel.FDInfo(s.pid(), s.fd())
	if err != nil {
		return nil
	}
	return one(facts.OpenFile(s.pid(), s.fd(), f))
}

// misfit shows the kind of a socket that an address of another family was given.
func misfit(s *scene) []lesson.Evidence {
	if len(s.order.Addr) == 0 || s.order.Addr.Family() == s.domain() {
		return nil
	}
	return socketKind(s)
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

func reuseAddr(s *scene) []lesson.Evidence {
	x, ok := s.after.socket(s.role, s.call.FD)
	if !ok {
		return nil
	}
	return one(facts.ReuseAddr(s.was().ReuseAddr, x.ReuseAddr))
}

func timeouts(s *scene) (found []lesson.Evidence) {
	x, ok := s.socket()
	if !ok {
		return nil
	}
	for _, t := range []struct {
		name  string
		value time.Duration
	}{{"SO_RCVTIMEO", x.RecvTimeo}, {"SO_SNDTIMEO", x.SendTimeo}} {
		if t.value > 0 {
			found = append(found, facts.Timeout(t.name, t.value))
		}
	}
	if x.NonBlock {
		found = append(found, facts.NonBlocking(s.pid(), x.FD))
	}
	return found
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

func noPeer(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.Connected() {
		return nil
	}
	return one(facts.NoPeer())
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

func accepting(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok {
		return nil
	}
	return one(facts.Accepting(x.Listening))
}

func listenRow(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	q, known := s.after.queue(s.role, x)
	if !ok || !known {
		return nil
	}
	return one(facts.ListenRow(q, facts.Show(x)))
}

func procRow(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	inode, known := s.inode()
	if !ok || !known || x.Domain == unix.AF_UNIX {
		return nil
	}
	rows, err := s.asked().Table(facts.Table(x.Domain))
	i := slices.IndexFunc(rows, func(r kernel.Row) bool { return r.Inode == inode })
	if err != nil || i < 0 {
		return nil
	}
	e, ok := facts.RawRow(s.pid(), facts.Table(x.Domain), rows[i])
	if !ok {
		return nil
	}
	return one(e)
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

func clamp(s *scene) []lesson.Evidence {
	value, err := s.asked().Sysctl("net.core.somaxconn")
	if err != nil {
		return nil
	}
	return one(facts.Somaxconn(value))
}

// threadState shows that the call did not leave the server blocked.
func threadState(s *scene) []lesson.Evidence {
	t, err := kernel.Thread(s.pid(), s.after.ends[s.role].TID)
	if err != nil {
		return nil
	}
	e := facts.Thread(s.pid(), t)
	e.Note = "Not in `" + s.call.Name + "`: that call is over."
	return one(e)
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

// pathInfo is what TCP has measured on this connection.
func pathInfo(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.TCP == nil || x.State() == kernel.SynSent || !x.Connected() || s.opts.Count > 1 {
		return nil
	}
	return one(facts.TCPInfo(x.TCP, facts.ShowInfo(x)))
}

func fourTuple(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.Domain == unix.AF_UNIX || !x.Connected() {
		return nil
	}
	return one(facts.FourTuple(x.Local, x.Peer, facts.Show(x)))
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
	var memory uint32
	if own, _ := s.rows(is); own != nil {
		memory = own.RQueue
	}
	return one(facts.NextMessage(is.Unread, before, memory, facts.Show(is)))
}

func unsent(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	switch {
	case !ok, x.Listening, x.Domain == unix.AF_UNIX: // there it counts kernel memory
		return nil
	case x.Stream():
		_, sent := s.after.queues(s.role, x)
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

// afterClose looks for what is left of a connection that has no descriptor here
// any more.
func afterClose(s *scene) []lesson.Evidence {
	x, ok := s.before.socket(s.role, s.call.FD)
	if !ok || !x.Conversation() || x.Domain == unix.AF_UNIX || !x.Stream() {
		return nil
	}
	own, peer := s.rows(x)
	return []lesson.Evidence{facts.End(s.role, own, facts.Show(x)), facts.End(s.other(), peer, facts.Show(x))}
}

func listenerGone(s *scene) []lesson.Evidence {
	x, ok := s.before.socket(s.role, s.call.FD)
	if !ok || !x.Listening || x.Domain == unix.AF_UNIX {
		return nil
	}
	if s.after.net(s.role).tcp.Listener(x.Local.AddrPort()) != nil {
		return nil
	}
	return one(facts.NoListenRow(x.Local, facts.Show(x)))
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
	value, err := s.asked().Sysctl("net.ipv4.ip_unprivileged_port_start")
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
	value, err := s.asked().Sysctl("net.ipv4.ip_nonlocal_bind")
	if err != nil || s.call.Name != "bind" {
		return nil
	}
	return one(facts.NonlocalBind(value))
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
